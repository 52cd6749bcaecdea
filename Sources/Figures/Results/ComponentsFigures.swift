import Analyses
import CKA
import Device
import Figures
import Report
import Results

extension ComponentsResult: DrawableResult {
  /// The figures, the one that says most first.
  public func figures() throws -> [NamedFigure] {
    let figures = ComponentFigures(self)
    return try [
      NamedFigure(name: "components", figure: figures.panels),
      figures.removal.map { NamedFigure(name: "removal", figure: $0) },
      figures.projections.map { NamedFigure(name: "projections", figure: $0) },
    ].compactMap { $0 }
  }

  /// The page for a browser.
  public func report() throws -> Report { try Report(document, ComponentFigures(self)) }
}

/// The pictures of a result of `components`.
struct ComponentFigures {
  private let result: ComponentsResult

  init(_ result: ComponentsResult) { self.result = result }

  private var document: ComponentsDocument { result.document }

  /// Alignment, variances, CKA, and CKA without the first components (Nguyen et al. 2021, figure 3).
  var panels: FigureGrid {
    get throws(FigureError) {
      let maps = [result.cka, result.reduced]
      let name = "CKA (linear, \(document.estimator.name))"
      let count = document.removed[0]
      let without =
        count == 1 ? "without the first component" : "without the first \(count) components"
      let alignment = FigureGrid.Panel.heatmap(
        try map(result.alignment, "squared cosine", alignmentTitle))
      let variances = try variances.map { FigureGrid.Panel.lineChart($0) }
      let similarities: [FigureGrid.Panel] = [
        .heatmap(try map(maps[0], name, "CKA")), .heatmap(try map(maps[1], name, without)),
      ]
      return try FigureGrid(
        panels: variances.count == 1
          ? [[alignment] + variances, similarities] : [variances, similarities, [alignment]])
    }
  }

  private var alignmentTitle: String {
    let isDegenerate = document.undefinedAlignmentCells.contains {
      $0.status == Status.degenerate.rawValue
    }
    return isDegenerate
      ? "alignment of first components; undefined where λ1 = λ2" : "alignment of first components"
  }

  private func map(
    _ values: Matrix<Double>, _ scoreName: String, _ title: String
  ) throws(FigureError) -> Heatmap {
    let rows = document.models[0]
    return try Heatmap(
      values: values.elements, rows: values.rows, columns: values.columns, rowAxis: rows.axis,
      columnAxis: (document.models.last ?? rows).axis, scoreName: scoreName, title: title)
  }

  /// Variance fractions over depth, a chart a model.
  private var variances: [LineChart] {
    get throws(FigureError) {
      var charts: [LineChart] = []
      for (model, layers) in zip(document.models, document.layers) {
        let curves = (0..<min(document.components, 3)).map { component in
          LineChart.Curve(
            points: layers.enumerated().compactMap { index, layer in
              layer.varianceFractions.indices.contains(component)
                ? .init(x: Double(index), y: min(layer.varianceFractions[component], 1)) : nil
            }, label: "component \(component + 1)")
        }
        let panel = LineChart.Panel(
          xTitle: document.models.count > 1 ? "layer of \(model.name)" : "layer",
          xNames: model.layers.map(\.name), curves: curves)
        charts.append(
          try LineChart(
            panels: [[panel]], rowTitles: ["fraction of variance"],
            title: "variance of first components", xScale: .linear(), yScale: .linear()))
      }
      return charts
    }
  }

  /// Mean CKA as examples are dropped; nil where a model is of one layer, which has no pairs.
  var removal: LineChart? {
    get throws(FigureError) {
      let points = document.removal?.points ?? []
      let dominant: [LineChart.Point] = points.compactMap { point in
        point.meanCKA.map { .init(x: 100 * point.fraction, y: $0) }
      }
      guard !dominant.isEmpty else { return nil }
      let random = points.compactMap { point in
        LineChart.Point(x: 100 * point.fraction, of: point.controlMeans)
      }
      var curves = [LineChart.Curve(points: dominant, label: "dominant dropped")]
      if !random.isEmpty { curves.append(.init(points: random, label: "random dropped")) }
      let whose = document.removal?.layer.map { "ranked by the first component of \($0)" }
      return try LineChart(
        panels: [[LineChart.Panel(xTitle: "% of examples dropped", curves: curves)]],
        rowTitles: ["mean \(document.estimator.name) CKA"],
        title: "CKA without dominant examples",
        note: whose ?? "ranked by their mean share in the first components of all layers",
        xScale: .linear(),
        yScale: .linear())
    }
  }

  /// How the examples lie on the first components of some layers, a panel a model; nil where no layer has
  /// one.
  var projections: LineChart? {
    get throws(FigureError) {
      let panels = zip(document.models, result.projections).compactMap { model, layers in
        histograms(of: layers, model)
      }
      guard !panels.isEmpty else { return nil }
      return try LineChart(
        panels: panels.map { [$0] }, rowTitles: panels.map { _ in "fraction of examples" },
        title: "projections on first components",
        note: "* the highest bimodality; ends: ±8 and beyond",
        xScale: .linear(), yScale: .linear())
    }
  }

  /// - Parameter layers: the projections of each layer.
  private func histograms(
    of layers: [[Double]], _ model: ResultDocument.Model
  ) -> LineChart.Panel? {
    let defined = layers.indices.filter { !layers[$0].isEmpty }
    guard !defined.isEmpty else { return nil }
    let coefficients = defined.map { bimodalityCoefficient(layers[$0]) }
    let places = (0..<4).map { $0 * (defined.count - 1) / 3 }
    let most = coefficients.indices.filter { !coefficients[$0].isNaN }
      .max { coefficients[$0] < coefficients[$1] }
    let curves = Set(places + [most].compactMap { $0 }).sorted().map { place in
      LineChart.Curve(
        points: histogram(of: layers[defined[place]]),
        label: model.layers[defined[place]].name + (place == most ? " *" : ""))
    }
    let whose = document.models.count > 1 ? " of \(model.name)" : ""
    return LineChart.Panel(xTitle: "projection\(whose) (SD)", curves: curves)
  }

  /// Fractions of the examples in bins of half a standard deviation; projections have mean 0.
  private func histogram(of projections: [Double]) -> [LineChart.Point] {
    let (reach, n) = (16, projections.count)
    // Their squares may be beyond float64.
    let largest = projections.map(\.magnitude).max() ?? 0
    let scaled = projections.map { largest > 0 ? $0 / largest : 0 }
    let deviation = (scaled.reduce(0) { $0 + $1 * $1 } / Double(n)).squareRoot()
    var counts = [Int](repeating: 0, count: 2 * reach + 1)
    for value in scaled {
      let bin = deviation > 0 ? (value / deviation * 2).rounded() : 0
      counts[Int(min(max(bin, -Double(reach)), Double(reach))) + reach] += 1
    }
    // An empty bin at either side of those that are not.
    let filled = counts.indices.filter { counts[$0] > 0 }
    let first = max((filled.first ?? 0) - 1, 0)
    let last = min((filled.last ?? 0) + 1, counts.count - 1)
    return (first...last).map { bin in
      .init(x: Double(bin - reach) / 2, y: Double(counts[bin]) / Double(n))
    }
  }
}
