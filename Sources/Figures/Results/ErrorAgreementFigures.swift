import Figures
import Report
import Results

extension IntervalChart {
  /// Differences from the least to the most.
  fileprivate init(
    _ found: ErrorAgreementDocument.Subsets, what: String, of document: ErrorAgreementDocument
  ) throws(FigureError) {
    try self.init(
      bars: found.differences.sorted { $0.difference < $1.difference }.map { subset in
        Bar(
          name: subset.name, value: subset.difference,
          interval: subset.interval.map { $0[0]...$0[1] },
          isStrong: (subset.adjustedP ?? 1) < found.level)
      }, xTitle: what, yTitle: "difference of accuracy",
      title: "\(document.groups[0].name) − \(document.groups[1].name)",
      note: "95 % intervals; in color: adjusted p < \(found.level)")
  }
}

extension DensityChart {
  /// Per-example accuracies of halves: of A against B, and of each group against itself.
  fileprivate init(_ document: ErrorAgreementDocument) throws(FigureError) {
    let scatters = document.dispersion.halves.scatters
    let (rows, columns) = (scatters.first + 1, scatters.second + 1)
    let repeats = document.repeats
    func panel(
      _ title: String, _ y: String, _ x: String, _ rows: Int, _ columns: Int, _ counts: [Int]
    ) -> Panel {
      Panel(
        title: title, xTitle: x, yTitle: y, rows: rows, columns: columns,
        counts: counts.map { Double($0) / Double(repeats) })
    }
    let (a, b) = (document.groups[0].name, document.groups[1].name)
    let (itself, half) = ("a group against itself", "the other half")
    try self.init(
      panels: [
        panel("group against group", a, b, rows, columns, scatters.between),
        panel(itself, a, half, rows, rows, scatters.withinFirst),
        panel(itself, b, half, columns, columns, scatters.withinSecond),
      ], countName: "examples",
      title: "accuracy of each example, one half of the networks against another")
  }
}

extension ErrorAgreementResult: DrawableResult {
  /// The page for a browser.
  public func report() throws -> Report {
    try Report(self, scatter: scatter().data(.svg), differences: differences().map(\.chart))
  }

  /// The figures, the one that says most first.
  public func figures() throws -> [NamedFigure] {
    try [NamedFigure(name: "examples", figure: scatter())]
      + differences().map { NamedFigure(name: $0.name, figure: $0.chart) }
  }

  private func differences() throws -> [(name: String, chart: IntervalChart)] {
    let classes = try IntervalChart(document.classes, what: "classes", of: document)
    let groups = try document.classGroups.map {
      try IntervalChart($0, what: "groups of classes", of: document)
    }
    return [("classes", classes)] + (groups.map { [("class-groups", $0)] } ?? [])
  }

  private func scatter() throws -> DensityChart { try DensityChart(document) }
}
