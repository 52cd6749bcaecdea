import Figures
import Report
import Results

extension LineChart {
  /// Mean errors against batch size, one curve per number of passes, and vice versa; bands span all
  /// repeats. Errors of 0 cannot be drawn on a logarithmic axis.
  init(_ document: ConvergeDocument) throws(FigureError) {
    func curve(
      _ points: [ConvergeDocument.Point], label: String, x: (ConvergeDocument.Point) -> Int
    ) -> Curve? {
      let placed: [Point] = points.compactMap { point in
        guard let error = point.meanError, let least = point.meanErrors.min(),
          let most = point.meanErrors.max(), least > 0
        else { return nil }
        // Rounding may put the mean of equal numbers outside their range.
        let spread = min(least, error)...max(most, error)
        return Point(
          x: Double(x(point)), y: error, spread: point.meanErrors.count > 1 ? spread : nil)
      }
      return placed.isEmpty ? nil : Curve(points: placed, label: label)
    }
    let byPasses = document.passes.compactMap { passes in
      curve(
        document.points.filter { $0.passes == passes },
        label: "\(passes) \(passes == 1 ? "pass" : "passes")", x: \.batchSize)
    }
    let byBatchSize = document.batchSizes.compactMap { size in
      curve(
        document.points.filter { $0.batchSize == size }, label: "batches of \(size)", x: \.passes)
    }
    let names = document.models.map(\.name).joined(separator: " and ")
    let bands = document.repeats > 1 ? "bands: \(document.repeats) orders; " : ""
    try self.init(
      panels: [
        [
          Panel(xTitle: "batch size", curves: byPasses),
          Panel(xTitle: "passes", curves: byBatchSize, expectedSlope: -0.5),
        ]
      ],
      rowTitles: ["mean |error| of CKA"], title: "minibatch CKA, \(document.kernel.name): \(names)",
      note: "\(bands)dashed: 1/√passes; exact: all \(document.examples.compared) examples")
  }
}

extension ConvergeResult: DrawableResult {
  /// The page for a browser.
  public func report() throws -> Report { try Report(document, exact: exact) }

  /// The figures, the one that says most first.
  public func figures() throws -> [NamedFigure] {
    [NamedFigure(name: "converge", figure: try LineChart(document))]
  }
}
