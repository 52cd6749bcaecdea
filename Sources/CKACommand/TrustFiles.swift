import ActivationFiles
import Activations
import CKA
import CommandSupport
import Device
import Figures
import Report

/// The files of a result of `trust`, as bytes, ready to be written.
struct TrustFiles {
  private static let document = "trust.json"
  /// Of every result.
  private static let mapNames = [
    "control.png", "control.svg", "standard-error.png", "standard-error.svg", "trust.csv",
    document, "cka.npy", "z.npy", "standard-error.npy", "control.npy",
  ]
  /// Of one with `--cell`.
  private static let pairNames = ["examples.csv", "drops.png", "drops.svg"]
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    command: "trust", document: document, formatFamily: TrustDocument.formatFamily,
    names: Set(mapNames + pairNames + [Report.fileName]))

  /// What is written, in the order people look for it.
  let names: String
  /// All but the document.
  private let others: [(name: String, bytes: [UInt8])]
  /// CKA, its standard error, and the shuffled control.
  private let maps: [Heatmap]
  /// Of one with `--cell`.
  private var drops: LineChart?

  init(
    _ document: TrustDocument, _ outcome: Trust.Outcome, _ details: PairTrust?,
    _ comparison: Comparison
  ) throws {
    let similarity = outcome.similarity
    let z = similarity.z ?? similarity.cka.map { _ in .nan }
    var files: [(name: String, bytes: [UInt8])] = [
      ("trust.csv", Self.table(document, outcome, z)), ("cka.npy", npy(similarity.cka)),
      ("z.npy", npy(z)), ("standard-error.npy", npy(outcome.standardErrors)),
      ("control.npy", npy(outcome.control)),
    ]
    let axes = [
      Heatmap.Axis(comparison.left), comparison.right.map { Heatmap.Axis($0) },
    ].compactMap { $0 }
    let lowest =
      (similarity.cka.elements + outcome.control.elements).filter { !$0.isNaN }.min() ?? 0
    let control = try Heatmap(
      outcome.control, axes, range: scoreRange(lowest: lowest),
      scoreName: "CKA of examples paired at random")
    let errors = try Heatmap(
      outcome.standardErrors, axes, range: 0...max(document.largestStandardError ?? 0, 1e-6),
      scoreName: "standard error of CKA",
      title: document.undefinedErrorReason.map { "undefined: \($0)" })
    maps = [
      try Heatmap(
        similarity.cka, axes, range: scoreRange(lowest: lowest),
        scoreName: "debiased CKA (\(document.kernel.name))"),
      errors, control,
    ]
    files += try pictures("control", of: control) + pictures("standard-error", of: errors)
    if let details, let pair = document.pair {
      files.append(("examples.csv", Self.table(details, comparison.exampleNames)))
      let chart = try LineChart(pair, of: document)
      drops = chart
      files += try pictures("drops", of: chart)
    }
    others = files
    names = (details == nil ? Self.mapNames : Self.pairNames + Self.mapNames)
      .joined(separator: ", ")
  }

  /// Names and bytes.
  func contents(
    _ document: TrustDocument, page: Report?
  ) throws -> [(name: String, bytes: [UInt8])] {
    let pages = try page.map { [(name: Report.fileName, bytes: try $0.bytes())] } ?? []
    return others + [(Self.document, try document.json)] + pages
  }

  /// The page: how far each cell can be trusted, and the pair of `--cell`.
  ///
  /// - Parameter top: how many examples are listed.
  func report(
    _ document: TrustDocument, _ outcome: Trust.Outcome, _ details: PairTrust?,
    _ exampleNames: [String], top: Int
  ) -> Report {
    Report(
      document, maps: maps, z: outcome.similarity.z?.elements, drops: drops,
      tables: document.tables(details, exampleIDs: exampleNames, top: top))
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
    _ values: Matrix<Double>, _ axes: [Axis], range: ClosedRange<Double>, scoreName: String,
    title: String? = nil
  ) throws {
    try self.init(
      values: values.elements, rows: values.rows, columns: values.columns, rowAxis: axes[0],
      columnAxis: axes[axes.count - 1], range: range, scoreName: scoreName,
      title: title)
  }
}

extension Heatmap.Axis {
  /// A model's layers.
  fileprivate init(_ model: any ActivationSource) {
    let statuses = model.layers.map { _ in Status.ok }
    self = ResultDocument.Model(model, "", statuses, model.layers.map { _ in nil }).axis
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
