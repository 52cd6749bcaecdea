import Foundation
import Testing

@testable import Figures

@Suite struct LineChartTests {
  typealias Panel = LineChart.Panel
  typealias Point = LineChart.Point
  typealias Curve = LineChart.Curve

  /// y = scale · x^power at doubled sizes.
  private func powerLaw(
    _ power: Double, count: Int = 6, scale: Double = 0.003, title: String = "layers"
  ) -> Panel {
    let points = (0..<count).map { step in
      let x = 4 * pow(2, Double(step))
      return Point(x: x, y: scale * pow(x, power))
    }
    return Panel(
      xTitle: title, curves: [Curve(points: points)], expectedSlope: power, note: "slope \(power)")
  }

  /// Curves that fall side by side, with bands; every third is alone.
  private func severalCurves(_ count: Int) -> Panel {
    let curves = (0..<count).map { index in
      let scale = 1 / Double(index + 1).squareRoot()
      let points = (0..<(index % 3 == 2 ? 1 : 4)).map { step in
        let y = scale / pow(2, Double(step))
        return Point(x: 16 * pow(2, Double(step)), y: y, spread: (0.8 * y)...(1.1 * y))
      }
      return Curve(points: points, label: "\(index) passes")
    }
    return Panel(xTitle: "batch size", curves: curves, expectedSlope: -1)
  }

  private func chart(_ panels: [[Panel]], title: String? = "Title", note: String? = "note") throws
    -> LineChart
  {
    try LineChart(
      panels: panels, rowTitles: panels.map { _ in "seconds" }, title: title, note: note)
  }

  private func layout(of chart: LineChart) throws -> LineChartLayout {
    try LineChartLayout(of: chart, style: style(of: chart), meter: meter())
  }

  /// One panel, rows of five, single points, wide and narrow ranges, names that break careless code.
  private func charts() throws -> [LineChart] {
    func panel(
      _ title: String, _ points: [Point], slope: Double? = nil, note: String? = nil
    ) -> Panel {
      Panel(xTitle: title, curves: [Curve(points: points)], expectedSlope: slope, note: note)
    }
    let alone = panel("x", [Point(x: 7, y: 3)], slope: -1)
    let wide = panel(
      "wide", [Point(x: 1e-9, y: 1e-12), Point(x: 1, y: 1), Point(x: 1e12, y: 1e15)], slope: 0)
    let flat = panel("flat", [Point(x: 1000, y: 5), Point(x: 1001, y: 5.0001)], slope: 3)
    let nasty = nastyNames.map { panel($0, [Point(x: 1, y: 1), Point(x: 2, y: 2)], note: $0) }
    let nastyCurves = nastyNames.map { Curve(points: [Point(x: 1, y: 1)], label: $0) }
    let five = (0..<5).map { powerLaw(Double($0) - 2, title: "size \($0)") }
    return [
      try chart([[powerLaw(1)]]), try chart([[powerLaw(1)]], title: nil, note: nil),
      try chart([five, five.reversed()]), try chart([[alone], [wide], [flat]]),
      try LineChart(
        panels: [nasty], rowTitles: [nastyNames.joined()], title: nastyNames.joined(),
        note: nastyNames.joined()),
      try chart([[severalCurves(4), severalCurves(1)], [severalCurves(40), severalCurves(2)]]),
      try chart([[Panel(xTitle: "x", curves: nastyCurves)]]),
      try depths(),
      try LineChart(
        panels: [[panel("alone", [Point(x: -3, y: -2)])]], rowTitles: ["y"], xScale: .linear(),
        yScale: .linear()),
    ]
  }

  /// Accuracy over 72 layers, two blocks shaded.
  private func depths() throws -> LineChart {
    let points = (1...72).map { layer in
      let y = 0.5 + 0.4 * sin(Double(layer) / 12)
      return Point(x: Double(layer), y: y, spread: (y - 0.05)...(y + 0.05))
    }
    return try LineChart(
      panels: [
        [
          Panel(
            xTitle: "layer", curves: [Curve(points: points, label: "test")],
            spans: [9.5...20.5, 60.5...90])
        ]
      ], rowTitles: ["accuracy"], title: "depth", xScale: .linear(), yScale: .linear(0...1))
  }

  @Test func linearAxesKeepDifferences() throws {
    let chart = try depths()
    let layout = try layout(of: chart)
    let (plot, points) = (layout.panels[0].plot, layout.panels[0].curves[0].points)
    // The ends of the range are as far from the frame as the outermost layers are.
    let style = try FiguresTests.style(of: chart)
    let height = plot.height - 2 * style.inset
    for (point, given) in zip(points, chart.panels[0][0].curves[0].points) {
      #expect(abs(plot.maxY - style.inset - given.y * height - point.y) < 1e-9)
      let x = plot.x + style.inset + (given.x - 1) / 71 * (plot.width - 2 * style.inset)
      #expect(abs(x - point.x) < 1e-9)
    }
    #expect(
      layout.texts.contains { $0.text == "1.0" } && layout.texts.contains { $0.text == "0.0" })
    // Layers are counted in whole numbers.
    #expect(layout.texts.contains { $0.text == "40" })
  }

  @Test func spansAreShadedBehindTheirLayers() throws {
    let chart = try depths()
    let layout = try layout(of: chart)
    let (plot, points) = (layout.panels[0].plot, layout.panels[0].curves[0].points)
    #expect(layout.spans.count == 2 && layout.spans[1].maxX == plot.maxX)
    let image = try #require(DecodedImage(png: chart.data(.png)))
    for (index, point) in points.enumerated() {
      let isInside = (10...20).contains(index + 1) || index + 1 >= 61
      let span = layout.spans.contains { $0.x < point.x && point.x < $0.maxX }
      #expect(span == isInside)
      // Just above the lower edge of the plot, and away from lines of the grid.
      let color = image[Int(point.x), Int(plot.maxY) - 6]
      #expect(
        color == (isInside ? FigureColors.span : RGB(0xFFFFFF)) || color == FigureColors.gridLine)
    }
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
        for point in panel.curves.flatMap({ $0.points + $0.band }) + (panel.guide ?? []) {
          // A guide ends on the frame, where rounding may put it just outside.
          let plot = panel.plot.grown(by: 1e-6)
          #expect(plot.x <= point.x && point.x <= plot.maxX, "\(point)")
          #expect(plot.y <= point.y && point.y <= plot.maxY, "\(point)")
        }
        for key in panel.curves.compactMap(\.key) {
          let disc = Rectangle(x: key.x, y: key.y, width: 0, height: 0)
            .grown(by: try style(of: chart).markRadius(isCrowded: layout.isCrowded))
          #expect(layout.page.contains(disc))
          #expect(!(plots + texts.map(\.bounds)).contains { $0.overlaps(disc) })
        }
      }
    }
  }

  @Test(arguments: [-1, 0, 0.5, 1, 2] as [Double])
  func aPowerLawIsAStraightLineOnItsGuide(power: Double) throws {
    // Beside another panel, so that the vertical axis is not the panel's own.
    let panels = try layout(of: chart([[powerLaw(power), powerLaw(1, scale: 0.0004)]])).panels
    let (points, guide) = (panels[0].curves[0].points, try #require(panels[0].guide))
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
      let axis = ChartAxis(values, scale: .logarithmic, length: 300, inset: 20)
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
    for point in try layout(of: chart).panels[0].curves[0].points {
      #expect(image[Int(point.x), Int(point.y)] == FigureColors.curve)
    }
  }

  @Test func curvesOfOnePanelDiffer() throws {
    let chart = try chart([[severalCurves(5)]])
    let image = try #require(DecodedImage(png: chart.data(.png)))
    let curves = try layout(of: chart).panels[0].curves
    #expect(Set(curves.map(\.color)).count == 5)
    for curve in curves {
      let key = try #require(curve.key)
      #expect(image[Int(key.x), Int(key.y)] == curve.color)
      // WCAG's ratio for parts of a picture.
      #expect(contrastWithWhite(curve.color) >= 3)
    }
    // Earlier curves lie partly under later ones.
    for point in curves[4].points {
      #expect(image[Int(point.x), Int(point.y)] == curves[4].color)
    }
    // The lowest curve's band covers the ground below its line, where no other is.
    let last = curves[4]
    let (corner, point) = (last.band[last.band.count - 2], last.points[1])
    let color = image[Int(point.x), Int((point.y + corner.y) / 2) + 4]
    #expect(color != RGB(0xFFFFFF) && color != last.color)
  }

  @Test(arguments: [
    [5], [5, 5], [0, 100], [50, 52, 49, 90], [99, 99, 99, 98], [-5, 1, 105, 2],
  ])
  func labelsKeepTheirDistance(wishes: [Double]) {
    let places = spreadOut(wishes, distance: 10, in: 0...100)
    let order = wishes.indices.sorted { (wishes[$0], $0) < (wishes[$1], $1) }
    for (one, next) in zip(order, order.dropFirst()) {
      #expect(places[next] - places[one] >= 10 - 1e-9)
    }
    #expect(places.allSatisfy { (-1e-9...100 + 1e-9).contains($0) })
    for index in wishes.indices {
      let isFree = wishes.indices.allSatisfy {
        $0 == index || abs(wishes[$0] - wishes[index]) >= 30
      }
      if isFree, (0...100).contains(wishes[index]) { #expect(places[index] == wishes[index]) }
    }
  }

  @Test func crowdedLabelsStandAboutTheirMean() {
    #expect(spreadOut([50, 50], distance: 10, in: 0...100) == [45, 55])
    #expect(spreadOut([50, 52, 48], distance: 10, in: 0...100) == [50, 60, 40])
    #expect(spreadOut([100, 99], distance: 10, in: 0...100) == [100, 90])
  }

  @Test func contradictionsAreRefused() {
    func refuses(_ panels: [[Panel]], titles: [String] = ["seconds"]) {
      #expect { try LineChart(panels: panels, rowTitles: titles) } throws: {
        ($0 as? FigureError)?.kind == .invalid
      }
    }
    func panel(_ points: [(Double, Double)]) -> Panel {
      Panel(
        xTitle: "x", curves: [Curve(points: points.map { Point(x: $0.0, y: $0.1) })])
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
    #expect {
      try LineChart(
        panels: [[panel([(-1, 1.1)])]], rowTitles: ["y"], xScale: .linear(), yScale: .linear(0...1))
    } throws: {
      ($0 as? FigureError)?.kind == .invalid
    }
    refuses([[Panel(xTitle: "x", curves: [])]])
    for spread in [0...2, 2...3, 0.5...Double.infinity] as [ClosedRange<Double>] {
      refuses([[Panel(xTitle: "x", curves: [Curve(points: [Point(x: 1, y: 1, spread: spread)])])]])
    }
  }
}

/// WCAG's contrast ratio.
private func contrastWithWhite(_ color: RGB) -> Double {
  let linear = [color.red, color.green, color.blue].map { channel in
    let value = Double(channel) / 255
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
  }
  return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
}
