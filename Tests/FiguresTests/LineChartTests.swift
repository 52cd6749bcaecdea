import Foundation
import Testing

@testable import Figures

@Suite struct LineChartTests {
  typealias Panel = LineChart.Panel
  typealias Point = LineChart.Point

  /// y = scale · x^power at doubled sizes.
  private func powerLaw(
    _ power: Double, count: Int = 6, scale: Double = 0.003, title: String = "layers"
  ) -> Panel {
    let points = (0..<count).map { step in
      let x = 4 * pow(2, Double(step))
      return Point(x: x, y: scale * pow(x, power))
    }
    return Panel(xTitle: title, points: points, expectedSlope: power, note: "slope \(power)")
  }

  private func chart(_ panels: [[Panel]], title: String? = "Title", note: String? = "note") throws
    -> LineChart
  {
    try LineChart(
      panels: panels, rowTitles: panels.map { _ in "seconds" }, title: title, note: note)
  }

  private func layout(of chart: LineChart) throws -> LineChartLayout {
    LineChartLayout(of: chart, style: LineChartStyle(), meter: try TextMeter())
  }

  /// One panel, rows of five, single points, wide and narrow ranges, names that break careless code.
  private func charts() throws -> [LineChart] {
    let alone = Panel(xTitle: "x", points: [Point(x: 7, y: 3)], expectedSlope: -1)
    let wide = Panel(
      xTitle: "wide",
      points: [Point(x: 1e-9, y: 1e-12), Point(x: 1, y: 1), Point(x: 1e12, y: 1e15)],
      expectedSlope: 0)
    let flat = Panel(
      xTitle: "flat", points: [Point(x: 1000, y: 5), Point(x: 1001, y: 5.0001)], expectedSlope: 3)
    let nasty = nastyNames.map { name in
      Panel(xTitle: name, points: [Point(x: 1, y: 1), Point(x: 2, y: 2)], note: name)
    }
    let five = (0..<5).map { powerLaw(Double($0) - 2, title: "size \($0)") }
    return [
      try chart([[powerLaw(1)]]), try chart([[powerLaw(1)]], title: nil, note: nil),
      try chart([five, five.reversed()]), try chart([[alone], [wide], [flat]]),
      try LineChart(
        panels: [nasty], rowTitles: [nastyNames.joined()], title: nastyNames.joined(),
        note: nastyNames.joined()),
    ]
  }

  @Test func nothingOverlapsOrLeavesThePage() throws {
    for chart in try charts() {
      let layout = try layout(of: chart)
      let plots = layout.panels.map(\.plot)
      let texts = (layout.texts + layout.faintTexts).filter { !$0.text.isEmpty }
      for rectangle in plots + layout.lines + layout.grid + texts.map(\.bounds) {
        #expect(layout.page.contains(rectangle))
      }
      for (index, text) in texts.enumerated() {
        for other in texts[(index + 1)...] where text.bounds.overlaps(other.bounds) {
          Issue.record("'\(text.text)' overlaps '\(other.text)'")
        }
      }
      // The notes stand inside their plots, everything else outside.
      for text in layout.texts where plots.contains(where: { $0.overlaps(text.bounds) }) {
        Issue.record("'\(text.text)' stands on a plot")
      }
      for panel in layout.panels {
        for point in panel.points + (panel.guide ?? []) {
          // A guide ends on the frame, where rounding may put it just outside.
          let plot = panel.plot.grown(by: 1e-6)
          #expect(plot.x <= point.x && point.x <= plot.maxX, "\(point)")
          #expect(plot.y <= point.y && point.y <= plot.maxY, "\(point)")
        }
      }
    }
  }

  @Test(arguments: [-1, 0, 0.5, 1, 2] as [Double])
  func aPowerLawIsAStraightLineOnItsGuide(power: Double) throws {
    // Beside another panel, so that the vertical axis is not the panel's own.
    let panels = try layout(of: chart([[powerLaw(power), powerLaw(1, scale: 0.0004)]])).panels
    let (points, guide) = (panels[0].points, try #require(panels[0].guide))
    let slope = (guide[1].y - guide[0].y) / (guide[1].x - guide[0].x)
    for (point, next) in zip(points, points.dropFirst()) {
      // Doubled sizes are equally far apart.
      #expect(abs((next.x - point.x) - (points[1].x - points[0].x)) < 1e-9)
      #expect(abs(guide[0].y + slope * (point.x - guide[0].x) - point.y) < 1e-6)
    }
    // Larger is further up.
    #expect(power <= 0 || points[0].y > points[1].y)
  }

  @Test(arguments: [1, 1.5, 3, 10, 700, 1e5, 1e13] as [Double])
  func ticksAreRoundAndFew(ratio: Double) {
    for start in [1e-7, 0.3, 1, 42, 8e5] {
      let values = [start, start * ratio]
      let axis = LogarithmicAxis(values, length: 300, inset: 20)
      let ticks = axis.ticks(limit: 6)
      #expect((1...6).contains(ticks.count), "\(values)")
      for tick in ticks {
        #expect((0...300).contains(axis.place(of: tick.value)))
        let digit = tick.value / pow(10, log10(tick.value * (1 + 1e-9)).rounded(.down))
        #expect([1, 2, 5].contains { abs($0 - digit) < 1e-9 }, "\(tick)")
      }
      #expect((20...280.000001).contains(axis.place(of: values[1])))
    }
  }

  @Test func numbersAreWrittenPlainly() {
    let written: [(Double, String)] = [
      (0.002, "0.002"), (1, "1"), (16_384, "16,384"), (2_000_000, "2,000,000"), (1e9, "1e+09"),
      (0.5, "0.5"),
    ]
    for (value, text) in written { #expect(plainNumber(value) == text) }
  }

  @Test(arguments: FigureFormat.allCases)
  func twoCallsGiveTheSameBytes(format: FigureFormat) throws {
    for chart in try charts() {
      let bytes = try chart.data(format)
      #expect(try !bytes.isEmpty && chart.data(format) == bytes)
    }
  }

  @Test func pointsHaveTheirColor() throws {
    let chart = try chart([[powerLaw(1)]])
    let image = try #require(DecodedImage(png: chart.data(.png)))
    let style = LineChartStyle()
    for point in try layout(of: chart).panels[0].points {
      #expect(image[Int(point.x), Int(point.y)] == style.curve)
    }
  }

  @Test func contradictionsAreRefused() {
    func refuses(_ panels: [[Panel]], titles: [String] = ["seconds"]) {
      #expect { try LineChart(panels: panels, rowTitles: titles) } throws: {
        ($0 as? FigureError)?.kind == .invalid
      }
    }
    func panel(_ points: [(Double, Double)]) -> Panel {
      Panel(xTitle: "x", points: points.map { Point(x: $0.0, y: $0.1) })
    }
    refuses([])
    refuses([[]])
    refuses([[panel([(1, 1)])], []], titles: ["a", "b"])
    refuses([[panel([(1, 1)])]], titles: [])
    refuses([[panel([])]])
    for bad in [0, -1, Double.nan, .infinity] {
      refuses([[panel([(1, bad)])]])
      refuses([[panel([(bad, 1)])]])
    }
    refuses([[panel([(2, 1), (1, 1)])]])
  }
}
