import Testing

@testable import Figures

@Suite struct HeatmapLayoutTests {
  /// Matrices of every shape, with and without names, groups, titles and undefined cells.
  static let shapes = [
    (1, 1), (1, 2), (2, 1), (3, 3), (5, 5), (12, 12), (30, 30), (50, 50), (60, 60), (75, 75),
    (100, 100), (101, 37), (37, 101), (500, 500), (2000, 2000), (1, 500),
    (500, 1), (2, 700), (5000, 1), (1, 5000),
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
    let solid = [layout.plot, layout.bar.frame] + layout.samples.map(\.place)
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

  @Test(arguments: [1, 5, 12, 60, 450, 500, 1000, 2000])
  func cellsAreWholePixels(count: Int) throws {
    let layout = try layout(of: sampleHeatmap(rows: count, columns: count))
    let side = layout.cell.width
    #expect(side >= 1 && side == side.rounded() && layout.cell.height == side)
    let plot = layout.plot
    #expect(plot.width == Double(count) * side && plot.height == plot.width)
    #expect(plot.x == plot.x.rounded() && plot.y == plot.y.rounded())
  }

  /// The number at the end of an axis touched the color scale.
  @Test func numbersAtTheEndOfAnAxisKeepTheirDistance() throws {
    let axis = Heatmap.Axis(
      title: "part", ticks: [.init(place: 0, label: "0.00"), .init(place: 20, label: "1.00")])
    let map = try sampleHeatmap(rows: 2, columns: 20, columnAxis: axis)
    let layout = try layout(of: map)
    let last = try #require(layout.texts.first { $0.text == "1.00" && $0.anchor == .middle })
    let distance = try style(of: map).labelDistance
    #expect(last.bounds.maxX + distance <= layout.bar.frame.x + 1)
  }

  @Test func flatAndTallMatricesAreStretched() throws {
    for (rows, columns) in [(1, 576), (576, 1), (12, 387), (387, 12)] {
      let plot = try layout(of: sampleHeatmap(rows: rows, columns: columns)).plot
      #expect((0.2...1.5).contains(plot.height / plot.width))
    }
    for (rows, columns) in [(12, 12), (12, 40), (40, 30)] {
      let cell = try layout(of: sampleHeatmap(rows: rows, columns: columns)).cell
      #expect(cell.width == cell.height)
    }
  }

  @Test func fewLayersAreNamedAndOfManyEverySoManyth() throws {
    func names(_ count: Int, _ labels: [String]) throws -> [String] {
      let axis = Heatmap.Axis(labels: labels)
      let map = try sampleHeatmap(rows: count, columns: count, rowAxis: axis, columnAxis: axis)
      // The labels of the rows, which end at one line.
      return try layout(of: map).texts.filter { $0.anchor == .end && !$0.isVertical }.map(\.text)
    }
    func layers(_ count: Int) -> [String] { (0..<count).map { "layer\($0)" } }
    #expect(try names(5, layers(5)) == layers(5))
    for count in [50, 500, 2000] {
      let shown = try names(count, layers(count))
      let numbers = shown.compactMap { Int($0.dropFirst(5)) }
      let step = numbers[1] - numbers[0]
      #expect(shown == stride(from: 0, to: count, by: step).map { "layer\($0)" })
      #expect((10...25).contains(shown.count))
    }
    #expect(try names(500, []) == stride(from: 0, to: 500, by: 50).map(String.init))
  }

  @Test func ticksStandWhereTheirNumbersAre() throws {
    let ticks = [0, 5, 10].map { Heatmap.Tick(place: $0, label: "at \($0)") }
    let layout = try layout(
      of: sampleHeatmap(rows: 2, columns: 10, columnAxis: .init(ticks: ticks)))
    for tick in ticks {
      let text = try #require(layout.texts.first { $0.text == tick.label })
      #expect(text.x == layout.plot.x + tick.place * layout.cell.width)
    }
    #expect(throws: FigureError.self) {
      try sampleHeatmap(rows: 2, columns: 2, columnAxis: .init(ticks: [.init(place: 3, label: "")]))
    }
  }

  @Test func columnNamesStandUprightOnlyWhenTheyMust() throws {
    func isUpright(_ name: String) throws -> Bool {
      let axis = Heatmap.Axis(labels: Array(repeating: name, count: 6))
      let map = try sampleHeatmap(rows: 6, columns: 6, columnAxis: axis)
      return try layout(of: map).texts.contains {
        $0.text.hasPrefix(name.prefix(3)) && $0.isVertical
      }
    }
    #expect(try !isUpright("conv1"))
    #expect(try isUpright("layer1.0.shortcut.bn"))
  }

  @Test func longNamesKeepBothEnds() throws {
    let name = "start" + String(repeating: "x", count: 300) + "end"
    let map = try sampleHeatmap(rows: 1, columns: 1, rowAxis: .init(labels: [name]))
    let placed = try #require(try layout(of: map).texts.first { $0.text.hasPrefix("start") })
    #expect(placed.text.hasPrefix("start") && placed.text.hasSuffix("end"))
    #expect(placed.text.contains("…"))
    #expect(try placed.length <= style(of: map).longestName)
  }

  @Test func groupsGetBracketsInOrder() throws {
    let axis = sampleAxis(40)
    let layout = try layout(
      of: sampleHeatmap(rows: 40, columns: 40, rowAxis: axis, columnAxis: axis))
    #expect(layout.brackets.count == 8)
    let rows = layout.texts.filter { $0.text.hasPrefix("stage") && $0.isVertical }
    // The first stage is shorter than its name.
    #expect(rows.map(\.text) == ["stage 1", "stage 2", "stage 3"])
    // Row 0 is at the bottom: the first stage stands lowest.
    #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.y > $1.y })
  }
}
