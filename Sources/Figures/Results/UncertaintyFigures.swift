import Analyses
import Device
import Figures
import Report
import Results

extension LineChart {
  /// CKA against the share of dropped examples; a band from the least to the most of the random drops.
  fileprivate init(_ pair: UncertaintyDocument.Pair, of document: UncertaintyDocument)
    throws(FigureError)
  {
    let start = Point(x: 0, y: pair.cka)
    func curve(_ label: String, _ value: (UncertaintyDocument.Drop) -> Double?) -> Curve {
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
      curve("largest weight") { $0.withoutHeaviest },
      Curve(
        points: [Point(x: 0, y: pair.cka, spread: pair.cka...pair.cka)] + random,
        label: "random"),
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
      rowTitles: ["CKA without them"], title: names,
      note: "band: \(pair.drops.first?.withoutRandom.count ?? 0) random drops",
      xScale: .linear(), yScale: .linear(lowest...highest))
  }
}

extension UncertaintyDocument.Model {
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

extension Heatmap {
  fileprivate init(
    _ values: Matrix<Double>, _ axes: [Axis], range: ClosedRange<Double> = 0...1, scoreName: String,
    title: String? = nil, faint: [Bool] = []
  ) throws {
    try self.init(
      values: values.elements, rows: values.rows, columns: values.columns, rowAxis: axes[0],
      columnAxis: axes[axes.count - 1], range: range, scoreName: scoreName, title: title,
      faint: faint, faintName: "not above chance")
  }
}

extension UncertaintyResult: DrawableResult {
  /// The page for a browser.
  public func report() throws -> Report {
    let maps = try maps()
    return Report(
      document, maps: [maps.cka, maps.errors, maps.control],
      extras: [("z", z.elements), ("p", p.elements), ("adjusted p", adjustedP.elements)],
      drops: try drops())
  }

  /// The figures, the one that says most first.
  public func figures() throws -> [NamedFigure] {
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

  /// CKA without some examples, of the pair of `--cell`.
  private func drops() throws -> LineChart? {
    try document.pair.map { try LineChart($0, of: document) }
  }

  /// CKA, its standard error, and the control.
  private func maps() throws -> (cka: Heatmap, errors: Heatmap, control: Heatmap) {
    let axes = document.models.map { $0.axis }
    return (
      try Heatmap(
        cka, axes, scoreName: "debiased CKA (\(document.kernel.name))",
        faint: adjustedP.elements.map { $0 > MapSignificance.level }),
      try Heatmap(
        standardErrors, axes, range: Heatmap.range(upTo: document.largestStandardError ?? 0),
        scoreName: "standard error of CKA",
        title: document.undefinedErrorReason.map { "undefined: \($0)" }),
      try Heatmap(control, axes, scoreName: "CKA of randomly re-paired examples")
    )
  }
}
