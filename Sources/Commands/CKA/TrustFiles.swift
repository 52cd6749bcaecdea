import ActivationFiles
import Activations
import Analyses
import CKA
import Device
import Figures
import Report
import Support

/// What `trust` finds.
struct TrustResult: DrawableResult {
  let document: TrustDocument
  let cka: Matrix<Double>
  let z: Matrix<Double>
  let standardErrors: Matrix<Double>
  /// The map with the examples of one side shuffled.
  let control: Matrix<Double>

  init(_ document: TrustDocument, _ outcome: Trust.Outcome) {
    self.document = document
    cka = outcome.similarity.cka
    z = outcome.similarity.z ?? cka.map { _ in .nan }
    standardErrors = outcome.standardErrors
    control = outcome.control
  }

  init(in folder: String) throws {
    let document = try TrustDocument(in: folder)
    func map(_ name: String) throws -> Matrix<Double> {
      try writtenMatrix(
        at: "\(folder)/\(name).npy", rows: document.shape.rows, columns: document.shape.columns)
    }
    self.document = document
    cka = try map("cka")
    z = try map("z")
    standardErrors = try map("standard-error")
    control = try map("control")
    try checkScores(cka.elements, at: "\(folder)/cka.npy")
    try checkScores(control.elements, at: "\(folder)/control.npy")
    if let other = standardErrors.elements.first(where: { $0 < 0 || $0 > plainNumbers.upperBound })
    {
      throw Failure(
        .data, "\(oneLine(folder))/standard-error.npy: holds \(other), expected standard errors")
    }
  }

  /// CKA, its standard error, and the control.
  private func maps() throws -> (cka: Heatmap, errors: Heatmap, control: Heatmap) {
    let axes = document.models.map { $0.axis }
    return (
      try Heatmap(cka, axes, scoreName: "debiased CKA (\(document.kernel.name))"),
      try Heatmap(
        standardErrors, axes, range: Heatmap.range(upTo: document.largestStandardError ?? 0),
        scoreName: "standard error of CKA",
        title: document.undefinedErrorReason.map { "undefined: \($0)" }),
      try Heatmap(control, axes, scoreName: "CKA of examples paired at random")
    )
  }

  /// CKA without some examples, of the pair of `--cell`.
  private func drops() throws -> LineChart? {
    try document.pair.map { try LineChart($0, of: document) }
  }

  func figures() throws -> [NamedFigure] {
    let maps = try maps()
    let drops = try drops().map { [NamedFigure(name: "drops", figure: $0)] } ?? []
    return try [
      NamedFigure(
        name: "trust",
        figure: FigureGrid(panels: [[.heatmap(maps.cka), .heatmap(maps.errors)]])),
      NamedFigure(name: "control", figure: maps.control),
      NamedFigure(name: "standard-error", figure: maps.errors),
    ] + drops
  }

  func report() throws -> Report {
    let maps = try maps()
    return Report(
      document, maps: [maps.cka, maps.errors, maps.control], z: z.elements, drops: try drops())
  }
}

/// The files of a result of `trust`, as bytes, ready to be written.
struct TrustFiles {
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    TrustDocument.self,
    names: [
      "trust.csv", "cka.npy", "z.npy", "standard-error.npy", "control.npy", "examples.csv",
    ],
    figures: ["trust", "control", "standard-error", "drops"])

  /// Names and bytes, in the order people look for them.
  let contents: [(name: String, bytes: [UInt8])]

  /// - Parameter report: whether a page is among them.
  init(
    _ document: TrustDocument, _ outcome: Trust.Outcome, _ details: PairTrust?,
    _ comparison: Comparison, report: Bool
  ) throws {
    let result = TrustResult(document, outcome)
    var files = try result.drawings(report: report).map { try $0() }
    if let details { files.append(("examples.csv", Self.table(details, comparison.exampleNames))) }
    contents =
      files + [
        ("trust.csv", Self.table(document, outcome, result.z)),
        (TrustDocument.name, try document.json), ("cka.npy", npy(result.cka)),
        ("z.npy", npy(result.z)), ("standard-error.npy", npy(result.standardErrors)),
        ("control.npy", npy(result.control)),
      ]
  }

  /// A row a pair of layers; what does not exist is empty.
  private static func table(
    _ document: TrustDocument, _ outcome: Trust.Outcome, _ z: Matrix<Double>
  ) -> [UInt8] {
    let (rows, columns) = (
      document.models[0].layers, (document.models.last ?? document.models[0]).layers
    )
    let cka = outcome.similarity.cka
    var bytes = csvLine([
      "row", "column", "cka", "bias", "standard_error", "z", "bound", "control",
    ])
    let bound = outcome.similarity.significance
    for (i, row) in rows.enumerated() {
      for (j, column) in columns.enumerated() {
        let numbers = [
          cka[i, j], outcome.biases[i, j], outcome.standardErrors[i, j], z[i, j],
          bound?[i, j] ?? .nan, outcome.control[i, j],
        ]
        bytes += csvLine([row.name, column.name] + numbers.map(csvNumber))
      }
    }
    return bytes
  }

  /// A row an example, the largest contribution first.
  private static func table(_ details: PairTrust, _ names: [String]) -> [UInt8] {
    details.byContribution.reduce(into: csvLine(["example", "contribution", "weight"])) {
      $0 += csvLine([
        names[$1], csvNumber(details.contributions[$1]), csvNumber(details.weights[$1]),
      ])
    }
  }
}

extension Heatmap {
  fileprivate init(
    _ values: Matrix<Double>, _ axes: [Axis], range: ClosedRange<Double> = 0...1, scoreName: String,
    title: String? = nil
  ) throws {
    try self.init(
      values: values.elements, rows: values.rows, columns: values.columns, rowAxis: axes[0],
      columnAxis: axes[axes.count - 1], range: range, scoreName: scoreName,
      title: title)
  }
}

extension TrustDocument.Model {
  /// Its layers.
  fileprivate var axis: Heatmap.Axis {
    ResultDocument.Model(
      name: name, path: path,
      layers: layers.map {
        ResultDocument.Layer(
          name: $0.name, stage: $0.stage, shape: [], scalarType: "", features: 0,
          status: $0.status)
      }
    ).axis
  }
}

extension LineChart {
  /// CKA against the share of dropped examples; a band from the least to the most of the random drops.
  fileprivate init(_ pair: TrustDocument.Pair, of document: TrustDocument) throws(FigureError) {
    let start = Point(x: 0, y: pair.cka)
    func curve(_ label: String, _ value: (TrustDocument.Drop) -> Double?) -> Curve {
      Curve(
        points: [start]
          + pair.drops.compactMap { drop in
            value(drop).map { Point(x: 100 * drop.fraction, y: $0) }
          }, label: label)
    }
    let random = pair.drops.compactMap {
      Point(x: 100 * $0.fraction, of: $0.withoutRandom.compactMap { $0 })
    }
    let curves = [
      curve("top contributors") { $0.withoutContributors },
      curve("heaviest examples") { $0.withoutHeaviest },
      Curve(
        points: [Point(x: 0, y: pair.cka, spread: pair.cka...pair.cka)] + random,
        label: "at random"),
    ]
    // A tenth to either side, so that what is small looks small.
    let values = curves.flatMap(\.points).flatMap {
      [$0.y, $0.spread?.lowerBound ?? $0.y, $0.spread?.upperBound ?? $0.y]
    }
    let lowest = min(values.min() ?? 0, pair.cka - 0.1)
    let highest = max(values.max() ?? 1, min(pair.cka + 0.1, 1))
    let (row, column) = (document.models[0], document.models.last ?? document.models[0])
    let names = "\(row.layers[pair.row].name) and \(column.layers[pair.column].name)"
    try self.init(
      panels: [[Panel(xTitle: "% of the examples dropped", curves: curves)]],
      rowTitles: ["CKA of the others"], title: names,
      note: "band: \(pair.drops.first?.withoutRandom.count ?? 0) random drops",
      xScale: .linear(), yScale: .linear(lowest...highest))
  }
}
