import Foundation
import Testing

@testable import Figures

/// Density charts and interval charts.
@Suite struct ErrorFigureTests {
  // MARK: Density

  private func panel(_ rows: Int, _ columns: Int, _ counts: [Double], title: String = "a")
    -> DensityChart.Panel
  {
    .init(title: title, xTitle: title, yTitle: title, rows: rows, columns: columns, counts: counts)
  }

  @Test func cellsHaveTheirCountsColors() throws {
    // The first row lies at the bottom: 10 at the lower left, 1 right of it, none above.
    let chart = try DensityChart(
      panels: [panel(2, 3, [10, 1, 0, 0, 100, 0.1]), panel(2, 2, [0, 5, 0, 0])],
      countName: "examples", title: "title")
    let layout = try DensityChartLayout(of: chart, style: style(of: chart), meter: meter())
    let image = try #require(DecodedImage(png: try chart.data(.png)))
    func color(_ panel: Int, row: Int, column: Int) -> RGB {
      let plot = layout.plots[panel]
      let (rows, columns) = (chart.panels[panel].rows, chart.panels[panel].columns)
      // A little off the middle, where the diagonal runs.
      let x = plot.x + (Double(column) + 0.8) / Double(columns) * plot.width
      let y = plot.maxY - (Double(row) + 0.2) / Double(rows) * plot.height
      return image[Int(x), Int(y)]
    }
    let scale = CountScale([10, 1, 100, 0.1, 5])
    #expect(scale.range == 0.1...100)
    #expect(color(0, row: 0, column: 0) == scale.color(of: 10))
    #expect(color(0, row: 0, column: 1) == scale.color(of: 1))
    #expect(color(0, row: 0, column: 2) == RGB(0xFFFFFF))
    #expect(color(0, row: 1, column: 1) == scale.color(of: 100))
    #expect(color(0, row: 1, column: 2) == scale.color(of: 0.1))
    #expect(color(1, row: 0, column: 1) == scale.color(of: 5))
    #expect(color(1, row: 1, column: 1) == RGB(0xFFFFFF))
    #expect(Set([0.1, 1, 10, 100].map { scale.color(of: $0) }).count == 4)
    #expect(scale.ticks == [0.1, 1, 10, 100])
  }

  @Test func densityStaysOnThePage() throws {
    let charts = try [
      DensityChart(panels: [panel(2, 2, [1, 0, 0, 0])], countName: "examples"),
      DensityChart(
        panels: nastyNames.map { panel(21, 16, (0..<21 * 16).map(Double.init), title: $0) },
        countName: nastyNames[0], title: nastyNames.joined()),
    ]
    for chart in charts {
      let layout = try DensityChartLayout(of: chart, style: style(of: chart), meter: meter())
      for text in layout.texts { #expect(layout.page.contains(text.bounds), "\(text)") }
      for (a, b) in pairs(layout.texts) { #expect(!a.bounds.overlaps(b.bounds), "\(a) \(b)") }
      for format in FigureFormat.allCases { #expect(try !chart.data(format).isEmpty) }
      #expect(try chart.data(.svg) == chart.data(.svg))
    }
  }

  @Test func densityOfNothingIsRefused() {
    for panels in [
      [], [panel(2, 2, [1, 0, 0])], [panel(1, 2, [1, 0])], [panel(2, 2, [0, 0, 0, 0])],
      [panel(2, 2, [1, -1, 0, 0])], [panel(2, 2, [1, .nan, 0, 0])],
    ] {
      #expect(throws: FigureError.self) { try DensityChart(panels: panels, countName: "n") }
    }
  }

  // MARK: Intervals

  private func chart(_ count: Int, name: (Int) -> String = { "class \($0)" }) throws
    -> IntervalChart
  {
    try IntervalChart(
      bars: (0..<count).map { index in
        let value = Double(index) / Double(count) - 0.4
        return .init(
          name: name(index), value: value,
          interval: index % 5 == 4 ? nil : (value - 0.1)...(value + 0.05),
          isStrong: index % 2 == 0)
      }, xTitle: "classes", yTitle: "difference", title: "title", note: "note")
  }

  @Test func barsStandWhereTheirNumbersAre() throws {
    let chart = try chart(8)
    let layout = try IntervalChartLayout(of: chart, style: style(of: chart), meter: meter())
    let centers = layout.bars.map(\.center)
    #expect(zip(centers, centers.dropFirst()).allSatisfy { $0.x < $1.x && $0.y > $1.y })
    // Equal differences are equal distances, and 0 lies on its line.
    let step = centers[0].y - centers[1].y
    for (index, center) in centers.enumerated() {
      #expect(abs(center.y - (centers[0].y - Double(index) * step)) < 1e-9)
    }
    let zero = centers[0].y + (chart.bars[0].value / (1.0 / 8)) * step
    #expect(abs(layout.zero.midY - zero) < 1)
    let whisker = layout.bars[0].whisker
    #expect(abs(whisker.height - 0.15 * 8 * step) < 1e-9)
    #expect(abs(whisker.maxY - centers[0].y - 0.1 * 8 * step) < 1e-9)
    #expect(layout.bars[4].whisker.height == 0)
    let image = try #require(DecodedImage(png: try chart.data(.png)))
    #expect(image[Int(centers[0].x), Int(centers[0].y)] == FigureColors.curve)
    #expect(image[Int(centers[1].x), Int(centers[1].y)] == FigureColors.faintInk)
  }

  @Test func intervalsStayOnThePage() throws {
    let charts = try [
      chart(1), chart(30), chart(1000), chart(5) { nastyNames[$0 % nastyNames.count] },
    ]
    for chart in charts {
      let layout = try IntervalChartLayout(of: chart, style: style(of: chart), meter: meter())
      let texts = layout.texts
      for text in texts { #expect(layout.page.contains(text.bounds), "\(text)") }
      for (a, b) in pairs(texts) { #expect(!a.bounds.overlaps(b.bounds), "\(a) \(b)") }
      for bar in layout.bars { #expect(layout.page.contains(bar.whisker)) }
      for format in FigureFormat.allCases { #expect(try !chart.data(format).isEmpty) }
    }
  }

  /// Names of one digit were once turned, too.
  @Test func onlyNamesWithoutRoomAreTurned() throws {
    func areTurned(_ chart: IntervalChart) throws -> [Bool] {
      let layout = try IntervalChartLayout(of: chart, style: style(of: chart), meter: meter())
      let names = Set(chart.bars.map(\.name))
      return layout.texts.filter { names.contains($0.text) }.map(\.isVertical)
    }
    #expect(
      try areTurned(chart(10) { ["a", "b", "c"][$0 % 3] + "\($0)" })
        == Array(repeating: false, count: 10))
    #expect(try areTurned(chart(1)) == [false])
    #expect(try areTurned(chart(30)) == Array(repeating: true, count: 30))
  }

  @Test func whatStandsOutIsNamedFirst() throws {
    func names(_ chart: IntervalChart) throws -> [String] {
      let layout = try IntervalChartLayout(of: chart, style: style(of: chart), meter: meter())
      return layout.texts.filter(\.isVertical).map(\.text).filter { $0.hasPrefix("class ") }
    }
    #expect(try names(chart(30)).count == 30)
    // Of a thousand classes some have names: the least and the most of those in color.
    let some = try names(chart(1000))
    #expect((20..<100).contains(some.count))
    #expect(some.contains("class 998") && some.contains("class 0"))
    let layout = try IntervalChartLayout(
      of: chart(1000), style: style(of: chart(1000)), meter: meter())
    #expect(layout.texts.contains { $0.text == "classes (\(some.count) of 1000 named)" })
  }

  @Test func intervalsOfNothingAreRefused() {
    #expect(throws: FigureError.self) { try IntervalChart(bars: [], xTitle: "x", yTitle: "y") }
    #expect(throws: FigureError.self) {
      try IntervalChart(
        bars: [.init(name: "a", value: .nan, interval: nil, isStrong: false)], xTitle: "x",
        yTitle: "y")
    }
  }

  private func pairs(_ texts: [PlacedText]) -> [(PlacedText, PlacedText)] {
    texts.indices.flatMap { i in texts[..<i].map { (texts[i], $0) } }
  }
}
