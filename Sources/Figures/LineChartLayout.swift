import Foundation

/// The measures and colours of a line chart, in pixels of the PNG.
struct LineChartStyle {
  /// Many points need room, and no marks that hide each other.
  let plotWidth: Double
  let plotHeight = 260.0
  let pointsPerPixel = 0.4

  // Text.
  let text = 18.0
  let heading = 24.0
  let axisTitle = 20.0

  // Distances.
  let margin = 28.0
  let columnGap = 34.0
  let rowGap = 40.0
  let labelGap = 8.0
  let tick = 6.0
  let gap = 14.0
  let line = 1.0
  /// Between the outermost points and the frame, and between labels of one axis.
  let inset = 18.0
  let labelDistance = 10.0
  let longestLabel = 220.0

  // What is drawn.
  let curveWidth = 3.0
  let markRadius: Double
  let markGap: Double
  let guideWidth = 2.0
  let guideDashes = [9.0, 7.0]
  let bandOpacity = 0.2

  // Colours.
  let ground = RGB(0xFFFFFF)
  let ink = RGB(0x262626)
  let faintInk = RGB(0x6E6E6E)
  let gridLine = RGB(0xE6E6E6)
  let span = RGB(0xF3E3C3)
  let guide = RGB(0x9A9A9A)
  /// From the map of the heatmaps.
  let curve = RGB(0x8C2981)
  /// Where several curves are: its dark to its red colors, all seen well on white.
  let curves = 0.15...0.66

  /// The style of charts with few points to a curve, or with many.
  init(hasManyPoints: Bool = false) {
    plotWidth = hasManyPoints ? 640 : 300
    markRadius = hasManyPoints ? 3 : 5
    markGap = hasManyPoints ? 1 : 2
  }

  /// The style that suits the number of points of `chart`.
  init(of chart: LineChart) {
    let counts = chart.panels.joined().flatMap { $0.curves.map(\.points.count) }
    self.init(hasManyPoints: (counts.max() ?? 0) > 24)
  }

  /// The color of one of `count` curves.
  func color(of index: Int, of count: Int) -> RGB {
    guard count > 1 else { return curve }
    let step = (curves.upperBound - curves.lowerBound) / Double(count - 1)
    return ColorMap.magma.color(at: curves.lowerBound + step * Double(index))
  }
}

/// Where everything in a line chart stands: geometry only, nothing is drawn here.
struct LineChartLayout {
  /// A curve, its band, and the disc beside its name.
  struct Curve {
    let color: RGB
    var points: [(x: Double, y: Double)]
    /// The corners of the band; none where there is no spread.
    var band: [(x: Double, y: Double)]
    var key: (x: Double, y: Double)?
  }

  /// One chart's curves.
  struct Panel {
    let plot: Rectangle
    var curves: [Curve]
    /// The dashed line, inside the plot.
    var guide: [(x: Double, y: Double)]?
  }

  private(set) var page = Rectangle(x: 0, y: 0, width: 0, height: 0)
  private(set) var panels: [Panel] = []
  /// Shaded parts behind everything.
  private(set) var spans: [Rectangle] = []
  /// Lines behind the curves.
  private(set) var grid: [Rectangle] = []
  /// Frames and ticks.
  private(set) var lines: [Rectangle] = []
  private(set) var texts: [PlacedText] = []
  private(set) var faintTexts: [PlacedText] = []

  private let style: LineChartStyle
  private let meter: TextMeter

  init(of chart: LineChart, style: LineChartStyle, meter: TextMeter) {
    self.style = style
    self.meter = meter
    let rowAxes = chart.panels.map { row in
      ChartAxis(
        row.flatMap { $0.curves.flatMap(\.points) }.flatMap { [$0.y] + $0.bounds },
        scale: chart.yScale, length: style.plotHeight, inset: style.inset)
    }
    let yTicks = rowAxes.map { $0.ticks(limit: 6) }
    let widestLabel = yTicks.joined().map { meter.width(of: $0.label, size: style.text) }.max() ?? 0
    let left =
      style.margin + style.axisTitle + style.gap + widestLabel + style.labelGap + style.tick
    let top = style.margin + (chart.title == nil ? 0 : style.heading + style.gap + style.labelGap)
    let below = style.tick + style.labelGap + style.text + style.labelGap + style.axisTitle
    let starts = columnStarts(of: chart, from: left)
    for (row, panels) in chart.panels.enumerated() {
      let y = top + Double(row) * (style.plotHeight + below + style.rowGap)
      for (column, panel) in panels.enumerated() {
        let x = starts[column].rounded()
        let plot = Rectangle(
          x: x, y: y.rounded(), width: style.plotWidth, height: style.plotHeight)
        place(
          panel, in: plot, xScale: chart.xScale, vertical: rowAxes[row], ticks: yTicks[row],
          isFirst: column == 0)
      }
      let title = fitted(chart.rowTitles[row], in: style.plotHeight, size: style.axisTitle)
      texts.append(
        meter.place(
          title, x: style.margin + style.axisTitle / 2, y: y + style.plotHeight / 2,
          size: style.axisTitle, anchor: .middle, isVertical: true))
    }
    let rows = Double(chart.panels.count)
    page.width = (starts[starts.count - 1] - style.columnGap + style.margin).rounded(.up)
    let bottom = top + rows * (style.plotHeight + below) + (rows - 1) * style.rowGap
    page.height = (bottom + style.margin).rounded(.up)
    if let title = chart.title {
      texts.append(
        meter.place(
          fitted(title, in: page.width - 2 * style.margin, size: style.heading), x: left,
          y: style.margin + style.heading / 2, size: style.heading, anchor: .start))
    }
    if let note = chart.note {
      let shown = fitted(note, in: page.width - 2 * style.margin, size: style.text)
      faintTexts.append(
        meter.place(
          shown, x: left, y: page.height + style.text / 2, size: style.text, anchor: .start))
      page.height += style.text + style.margin
    }
  }

  private mutating func place(
    _ panel: LineChart.Panel, in plot: Rectangle, xScale: LineChart.Scale, vertical: ChartAxis,
    ticks: [ChartAxis.Tick], isFirst: Bool
  ) {
    let line = style.line
    let places = Set(panel.curves.flatMap { $0.points.map(\.x) }).sorted()
    let horizontal = ChartAxis(places, scale: xScale, length: plot.width, inset: style.inset)
    func y(_ value: Double) -> Double { plot.maxY - vertical.place(of: value) }
    func x(_ value: Double) -> Double { plot.x + horizontal.place(of: value) }
    spans += panel.spans.compactMap { span in
      let (start, end) = (max(x(span.lowerBound), plot.x), min(x(span.upperBound), plot.maxX))
      guard end > start else { return nil }
      return Rectangle(x: start, y: plot.y, width: end - start, height: plot.height)
    }
    for tick in ticks {
      let place = (y(tick.value) - line / 2).rounded()
      grid.append(Rectangle(x: plot.x, y: place, width: plot.width, height: line))
      guard isFirst else { continue }
      lines.append(
        Rectangle(x: plot.x - style.tick, y: place, width: style.tick, height: line))
      texts.append(
        meter.place(
          tick.label, x: plot.x - style.tick - style.labelGap, y: y(tick.value), size: style.text,
          anchor: .end))
    }
    // On a logarithmic axis every point has its tick; labels that would touch the one before are left
    // out.
    let xTicks =
      xScale == .logarithmic
      ? places.map { ChartAxis.Tick(value: $0, label: plainNumber($0)) }
      : horizontal.ticks(limit: Int(plot.width / 60))
    var end = -Double.infinity
    for tick in xTicks {
      let place = (x(tick.value) - line / 2).rounded()
      grid.append(Rectangle(x: place, y: plot.y, width: line, height: plot.height))
      lines.append(Rectangle(x: place, y: plot.maxY, width: line, height: style.tick))
      let label = meter.place(
        tick.label, x: x(tick.value),
        y: plot.maxY + style.tick + style.labelGap + style.text / 2, size: style.text,
        anchor: .middle)
      guard label.bounds.x >= end + style.labelDistance else { continue }
      end = label.bounds.maxX
      texts.append(label)
    }
    lines += [
      Rectangle(x: plot.x, y: plot.maxY, width: plot.width, height: line),
      Rectangle(x: plot.x - line, y: plot.y, width: line, height: plot.height + line),
    ]
    let titleY =
      plot.maxY + style.tick + 2 * style.labelGap + style.text + style.axisTitle / 2
    texts.append(
      meter.place(
        fitted(panel.xTitle, in: plot.width, size: style.axisTitle), x: plot.midX, y: titleY,
        size: style.axisTitle, anchor: .middle))
    if let note = panel.note {
      faintTexts.append(
        meter.place(
          fitted(note, in: plot.width - 2 * style.inset, size: style.text), x: plot.x + style.gap,
          y: plot.y + style.text / 2 + style.labelGap / 2, size: style.text, anchor: .start))
    }
    let curves = panel.curves.enumerated().map { index, curve in
      Curve(
        color: style.color(of: index, of: panel.curves.count),
        points: curve.points.map { (x: x($0.x), y: y($0.y)) }, band: band(of: curve, x: x, y: y))
    }
    let guide = panel.expectedSlope.map { slope in
      expectedLine(
        slope: slope * vertical.scale / horizontal.scale, through: curves[0].points, in: plot)
    }
    panels.append(Panel(plot: plot, curves: curves, guide: guide))
    placeLabels(of: panel, in: plot)
  }

  /// There and back again along the ends of the spreads.
  private func band(
    of curve: LineChart.Curve, x: (Double) -> Double, y: (Double) -> Double
  ) -> [(x: Double, y: Double)] {
    let spreads = curve.points.compactMap { point in point.spread.map { (x(point.x), $0) } }
    // A point alone gets a bar.
    let reach = spreads.count == 1 ? style.markRadius : 0
    let upper = spreads.flatMap {
      [($0 - reach, y($1.upperBound)), ($0 + reach, y($1.upperBound))]
    }
    let lower = spreads.flatMap {
      [($0 - reach, y($1.lowerBound)), ($0 + reach, y($1.lowerBound))]
    }
    return upper + lower.reversed()
  }

  /// Where each column begins, and where one more would.
  private func columnStarts(of chart: LineChart, from left: Double) -> [Double] {
    var starts = [left]
    for column in chart.panels[0].indices {
      let names = chart.panels.flatMap { $0[column].curves.compactMap(\.label) }
      let widest = names.map { meter.width(of: label($0), size: style.text) }.max()
      let room = widest.map { style.gap + 2 * style.markRadius + style.labelGap + $0 } ?? 0
      starts.append(starts[column] + style.plotWidth + room + style.columnGap)
    }
    return starts
  }

  private func label(_ name: String) -> String {
    fitted(name, in: style.longestLabel, size: style.text)
  }

  /// Names at the right of the plot, each as near to the end of its curve as the others allow.
  private mutating func placeLabels(of panel: LineChart.Panel, in plot: Rectangle) {
    let last = panels.count - 1
    let distance = 1.2 * style.text
    let named = panel.curves.indices.filter { panel.curves[$0].label != nil }
      .prefix(Int(plot.height / distance))
    let ends = named.map { panels[last].curves[$0].points.last?.y ?? plot.midY }
    let places = spreadOut(
      ends, distance: distance, in: (plot.y + distance / 2)...(plot.maxY - distance / 2))
    for (index, y) in zip(named, places) {
      let x = plot.maxX + style.gap + style.markRadius
      panels[last].curves[index].key = (x, y)
      texts.append(
        meter.place(
          label(panel.curves[index].label ?? ""), x: x + style.markRadius + style.labelGap, y: y,
          size: style.text, anchor: .start))
    }
  }

  /// A line of `slope` (in pixels, upwards) through the last of `points`, as far as the plot goes.
  private func expectedLine(
    slope: Double, through points: [(x: Double, y: Double)], in plot: Rectangle
  ) -> [(x: Double, y: Double)] {
    let last = points[points.count - 1]
    func y(_ x: Double) -> Double { last.y - slope * (x - last.x) }
    // Where it crosses the upper and the lower edge; a level line crosses neither.
    let crossings = [plot.y, plot.maxY].map { last.x + (last.y - $0) / slope }.sorted()
    let start = slope == 0 ? plot.x : max(plot.x, crossings[0])
    let end = slope == 0 ? plot.maxX : min(plot.maxX, crossings[1])
    return [(start, y(start)), (end, y(end))]
  }

  private func fitted(_ string: String, in room: Double, size: Double) -> String {
    shortened(displayText(string)) { meter.width(of: $0, size: size) <= room }
  }
}
