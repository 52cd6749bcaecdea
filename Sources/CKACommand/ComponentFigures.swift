import CKA
import Device
import Figures

/// The pictures of a result of `components`.
struct ComponentFigures {
  private let document: ComponentsDocument
  private let outcome: ComponentAnalysis.Outcome

  init(_ document: ComponentsDocument, _ outcome: ComponentAnalysis.Outcome) {
    self.document = document
    self.outcome = outcome
  }

  /// Alignment, variances, CKA, and CKA without the first components (Nguyen et al. 2021, figure 3).
  var panels: FigureGrid {
    get throws(FigureError) {
      let maps = [outcome.similarity.cka, outcome.reduced[0].cka]
      let lowest = maps.flatMap(\.elements).filter { !$0.isNaN }.min() ?? 0
      let range = scoreRange(lowest: lowest)
      let name = "CKA (linear, \(document.estimator.name))"
      let count = document.removed[0]
      let without =
        count == 1 ? "without the first component" : "without the first \(count) components"
      return try FigureGrid(panels: [
        [
          .heatmap(
            try map(
              outcome.alignment, range: 0...1, "squared cosine", "alignment of first components")),
          .lineChart(try variances),
        ],
        [
          .heatmap(try map(maps[0], range: range, name, "CKA")),
          .heatmap(try map(maps[1], range: range, name, without)),
        ],
      ])
    }
  }

  private func map(
    _ values: Matrix<Double>, range: ClosedRange<Double>, _ scoreName: String, _ title: String
  ) throws(FigureError) -> Heatmap {
    let rows = document.models[0]
    return try Heatmap(
      values: values.elements, rows: values.rows, columns: values.columns, rowAxis: rows.axis,
      columnAxis: (document.models.last ?? rows).axis, range: range, scoreName: scoreName,
      title: title)
  }

  /// Variance fractions over depth, a panel a model.
  private var variances: LineChart {
    get throws(FigureError) {
      let panels = zip(document.models, document.layers).map { model, layers in
        let curves = (0..<min(document.components, 3)).map { component in
          LineChart.Curve(
            points: layers.enumerated().compactMap { index, layer in
              layer.varianceFractions.indices.contains(component)
                ? .init(x: Double(index), y: min(layer.varianceFractions[component], 1)) : nil
            }, label: "component \(component + 1)")
        }
        return LineChart.Panel(
          xTitle: document.models.count > 1 ? "layer of \(model.name)" : "layer", curves: curves)
      }
      return try LineChart(
        panels: panels.map { [$0] }, rowTitles: panels.map { _ in "fraction of variance" },
        title: "variance of first components", xScale: .linear(), yScale: .linear(0...1))
    }
  }

  /// Mean CKA as examples are dropped.
  var removal: LineChart {
    get throws(FigureError) {
      let points = document.removal?.points ?? []
      let dominant: [LineChart.Point] = points.compactMap { point in
        point.meanCKA.map { .init(x: 100 * point.fraction, y: $0) }
      }
      let random: [LineChart.Point] = points.compactMap { point in
        guard let least = point.controlMeans.min(), let most = point.controlMeans.max() else {
          return nil
        }
        let mean = point.controlMeans.reduce(0, +) / Double(point.controlMeans.count)
        return .init(
          x: 100 * point.fraction, y: min(max(mean, least), most), spread: least...most)
      }
      var curves = [LineChart.Curve(points: dominant, label: "dominant dropped")]
      if !random.isEmpty { curves.append(.init(points: random, label: "random dropped")) }
      let whose = document.removal?.layer.map { "by the first component of \($0)" }
      return try LineChart(
        panels: [[LineChart.Panel(xTitle: "% of examples dropped", curves: curves)]],
        rowTitles: ["mean \(document.estimator.name) CKA"],
        title: "CKA without dominant examples",
        note: whose ?? "by the mean share of all layers' first components", xScale: .linear(),
        yScale: .linear())
    }
  }

  /// Where the examples lie on the first component of each layer, a map a model.
  var projections: FigureGrid {
    get throws(FigureError) {
      let models = document.models.count > 1 ? [outcome.left, outcome.right] : [outcome.left]
      var maps: [FigureGrid.Panel] = []
      for (model, layers) in zip(document.models, models) {
        maps.append(.heatmap(try histogram(of: layers, model)))
      }
      return try FigureGrid(panels: [maps])
    }
  }

  private func histogram(
    of layers: [ComponentAnalysis.LayerComponents], _ model: ResultDocument.Model
  ) throws(FigureError) -> Heatmap {
    // Projections have mean 0; in units of their standard deviation, two bins a unit.
    let (reach, bins) = (8, 33)
    var counts = Matrix<Double>(rows: layers.count, columns: bins, repeating: .nan)
    for (row, layer) in layers.enumerated() where !layer.values.isEmpty {
      let n = layer.vectors.columns
      for column in 0..<bins { counts[row, column] = 0 }
      for value in layer.vectors.elements.prefix(n) {
        let place = (value * Double(n).squareRoot() * 2).rounded() + 2 * Double(reach)
        counts[row, Int(min(max(place, 0), Double(bins - 1)))] += 1 / Double(n)
      }
    }
    let roots = counts.map { $0.squareRoot() }
    let labels = (0..<bins).map { bin in
      let value = Double(bin) / 2 - Double(reach)
      return value == value.rounded() ? String(Int(value)) : String(value)
    }
    let most = roots.elements.filter { !$0.isNaN }.max() ?? 1
    return try Heatmap(
      values: roots.elements, rows: layers.count, columns: bins, rowAxis: model.axis,
      columnAxis: Heatmap.Axis(
        labels: labels, title: "projection, standard deviations (beyond ±8: at the ends)"),
      range: 0...most, scoreName: "√ of the fraction of examples",
      title: "projections on first components")
  }
}
