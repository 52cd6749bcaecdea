import Testing

@testable import Figures

@Suite struct HeatmapLayoutTests {
  /// Matrices of every shape, with and without names, groups, titles and undefined cells.
  static let shapes = [
    (1, 1), (1, 2), (2, 1), (3, 3), (5, 5), (12, 12), (30, 30), (50, 50), (60, 60), (75, 75),
    (100, 100), (101, 37), (37, 101), (500, 500), (2000, 2000), (1, 500),
    (500, 1), (2, 700), (30_000, 1), (1, 30_000),
  ]

  @Test(arguments: shapes)
  func nothingOverlapsOrLeavesThePage(rows: Int, columns: Int) throws {
    let long = String(repeating: "A very long title. ", count: 40)
    let axes: [(Heatmap.Axis, Heatmap.Axis, String?)] = [
      (.init(), .init(), nil),
      (sampleAxis(rows), sampleAxis(columns), "Title"),
      (sampleAxis(rows, title: long), sampleAxis(columns, title: long), long),
      (
        .init(labels: (0..<rows).map { nastyNames[$0 % nastyNames.count] }, title: "\u{0}"),
        .init(labels: (0..<columns).map { nastyNames[$0 % nastyNames.count] }), "<b>\n"
      ),
    ]
    for (rowAxis, columnAxis, title) in axes {
      for isUndefined in [false, true] {
        let map = try sampleHeatmap(
          rows: rows, columns: columns, rowAxis: rowAxis, columnAxis: columnAxis,
          undefined: { _, _ in isUndefined }, range: -0.2...1, title: title)
        check(try layout(of: map))
      }
    }
  }

  private func check(_ layout: HeatmapLayout) {
    let solid = [layout.plot, layout.bar.frame] + (layout.undefinedSample.map { [$0] } ?? [])
    for rectangle in solid + layout.lines + layout.brackets + layout.texts.map(\.bounds) {
      #expect(layout.page.contains(rectangle))
    }
    let texts = layout.texts.filter { !$0.text.isEmpty }
    for (index, text) in texts.enumerated() {
      for other in texts[(index + 1)...] where text.bounds.overlaps(other.bounds) {
        Issue.record("'\(text.text)' overlaps '\(other.text)'")
      }
      for rectangle in solid + layout.lines + layout.brackets
      where text.bounds.overlaps(rectangle) {
        Issue.record("'\(text.text)' overlaps \(rectangle)")
      }
    }
    for (index, rectangle) in solid.enumerated() {
      #expect(!solid[(index + 1)...].contains { $0.overlaps(rectangle) })
    }
  }

  @Test(arguments: [(5, 150), (12, 75), (60, 15), (450, 2), (500, 2), (1000, 2), (2000, 1)])
  func cellsAreWholePixels(count: Int, side: Int) throws {
    let plot = try layout(of: sampleHeatmap(rows: count, columns: count)).plot
    #expect(plot.width == Double(count * side))
    #expect(plot.x == plot.x.rounded() && plot.y == plot.y.rounded())
  }

  @Test func fewLayersAreNamedAndManyAreCounted() throws {
    func names(_ count: Int) throws -> [String] {
      let axis = Heatmap.Axis(labels: (0..<count).map { "layer\($0)" })
      let map = try sampleHeatmap(rows: count, columns: count, rowAxis: axis, columnAxis: axis)
      // The labels of the rows, which come first and end at one line.
      return try layout(of: map).texts.filter { $0.anchor == .end && !$0.isVertical }.map(\.text)
    }
    #expect(try names(5) == (0..<5).map { "layer\($0)" })
    #expect(try names(50) == (0..<50).map { "layer\($0)" })
    #expect(try names(500) == stride(from: 0, to: 500, by: 50).map(String.init))
    #expect(try names(2000) == stride(from: 0, to: 2000, by: 200).map(String.init))
  }

  @Test func columnNamesStandUprightOnlyWhenTheyMust() throws {
    func isUpright(_ name: String) throws -> Bool {
      let axis = Heatmap.Axis(labels: Array(repeating: name, count: 6))
      let map = try sampleHeatmap(rows: 6, columns: 6, columnAxis: axis)
      return try layout(of: map).texts.contains { $0.text == name && $0.isVertical }
    }
    #expect(try !isUpright("conv1"))
    #expect(try isUpright("layer1.0.shortcut.bn"))
  }

  @Test func longNamesKeepBothEnds() throws {
    let name = "start" + String(repeating: "x", count: 300) + "end"
    let map = try sampleHeatmap(rows: 1, columns: 1, rowAxis: .init(labels: [name]))
    let placed = try #require(try layout(of: map).texts.first)
    #expect(placed.text.hasPrefix("start") && placed.text.hasSuffix("end"))
    #expect(placed.text.contains("…"))
    #expect(placed.length <= HeatmapStyle(count: 1).longestName)
  }

  @Test func groupsGetBracketsInOrder() throws {
    let axis = sampleAxis(40)
    let layout = try layout(
      of: sampleHeatmap(rows: 40, columns: 40, rowAxis: axis, columnAxis: axis))
    #expect(layout.brackets.count == 8)
    let rows = layout.texts.filter { $0.text.hasPrefix("stage") && $0.isVertical }
    #expect(rows.map(\.text) == ["stage 0", "stage 1", "stage 2", "stage 3"])
    // Row 0 is at the bottom: the first stage stands lowest.
    #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.y > $1.y })
  }
}
