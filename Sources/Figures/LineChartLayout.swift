import Foundation

/// The measures and colours of a line chart, in pixels of the PNG.
struct LineChartStyle {
  let plotWidth = 300.0
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

  // What is drawn.
  let curveWidth = 3.0
  let markRadius = 5.0
  let markGap = 2.0
  let guideWidth = 2.0
  let guideDashes = [9.0, 7.0]

  // Colours.
  let ground = RGB(0xFFFFFF)
  let ink = RGB(0x262626)
  let faintInk = RGB(0x6E6E6E)
  let gridLine = RGB(0xE6E6E6)
  let guide = RGB(0x9A9A9A)
  /// From the map of the heatmaps.
  let curve = RGB(0x8C2981)
}

/// Where everything in a line chart stands: geometry only, nothing is drawn here.
struct LineChartLayout {
  /// One chart's curve.
  struct Panel {
    let plot: Rectangle
    var points: [(x: Double, y: Double)]
    /// The dashed line, inside the plot.
    var guide: [(x: Double, y: Double)]?
  }

  private(set) var page = Rectangle(x: 0, y: 0, width: 0, height: 0)
  private(set) var panels: [Panel] = []
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
      LogarithmicAxis(
        row.flatMap { $0.points.map(\.y) }, length: style.plotHeight, inset: style.inset)
    }
    let yTicks = rowAxes.map { $0.ticks(limit: 6) }
    let widestLabel = yTicks.joined().map { meter.width(of: $0.label, size: style.text) }.max() ?? 0
    let left =
      style.margin + style.axisTitle + style.gap + widestLabel + style.labelGap + style.tick
    let top = style.margin + (chart.title == nil ? 0 : style.heading + style.gap + style.labelGap)
    let below = style.tick + style.labelGap + style.text + style.labelGap + style.axisTitle
    for (row, panels) in chart.panels.enumerated() {
      let y = top + Double(row) * (style.plotHeight + below + style.rowGap)
      for (column, panel) in panels.enumerated() {
        let x = (left + Double(column) * (style.plotWidth + style.columnGap)).rounded()
        let plot = Rectangle(
          x: x, y: y.rounded(), width: style.plotWidth, height: style.plotHeight)
        place(panel, in: plot, vertical: rowAxes[row], ticks: yTicks[row], isFirst: column == 0)
      }
      let title = fitted(chart.rowTitles[row], in: style.plotHeight, size: style.axisTitle)
      texts.append(
        text(
          title, x: style.margin + style.axisTitle / 2, y: y + style.plotHeight / 2,
          size: style.axisTitle, anchor: .middle, isVertical: true))
    }
    let columns = Double(chart.panels[0].count)
    let rows = Double(chart.panels.count)
    page.width =
      (left + columns * style.plotWidth + (columns - 1) * style.columnGap + style.margin)
      .rounded(.up)
    let bottom = top + rows * (style.plotHeight + below) + (rows - 1) * style.rowGap
    page.height = (bottom + style.margin).rounded(.up)
    if let title = chart.title {
      texts.append(
        text(
          fitted(title, in: page.width - 2 * style.margin, size: style.heading), x: left,
          y: style.margin + style.heading / 2, size: style.heading, anchor: .start))
    }
    if let note = chart.note {
      let shown = fitted(note, in: page.width - 2 * style.margin, size: style.text)
      faintTexts.append(
        text(
          shown, x: left, y: page.height + style.text / 2, size: style.text, anchor: .start))
      page.height += style.text + style.margin
    }
  }

  private mutating func place(
    _ panel: LineChart.Panel, in plot: Rectangle, vertical: LogarithmicAxis,
    ticks: [LogarithmicAxis.Tick], isFirst: Bool
  ) {
    let line = style.line
    let horizontal = LogarithmicAxis(
      panel.points.map(\.x), length: plot.width, inset: style.inset)
    func y(_ value: Double) -> Double { plot.maxY - vertical.place(of: value) }
    func x(_ value: Double) -> Double { plot.x + horizontal.place(of: value) }
    for tick in ticks {
      let place = (y(tick.value) - line / 2).rounded()
      grid.append(Rectangle(x: plot.x, y: place, width: plot.width, height: line))
      guard isFirst else { continue }
      lines.append(
        Rectangle(x: plot.x - style.tick, y: place, width: style.tick, height: line))
      texts.append(
        text(
          tick.label, x: plot.x - style.tick - style.labelGap, y: y(tick.value), size: style.text,
          anchor: .end))
    }
    // Every point has its tick; labels that would touch the one before are left out.
    var end = -Double.infinity
    for point in panel.points {
      let place = (x(point.x) - line / 2).rounded()
      grid.append(Rectangle(x: place, y: plot.y, width: line, height: plot.height))
      lines.append(Rectangle(x: place, y: plot.maxY, width: line, height: style.tick))
      let label = text(
        plainNumber(point.x), x: x(point.x),
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
      text(
        fitted(panel.xTitle, in: plot.width, size: style.axisTitle), x: plot.midX, y: titleY,
        size: style.axisTitle, anchor: .middle))
    if let note = panel.note {
      faintTexts.append(
        text(
          fitted(note, in: plot.width - 2 * style.inset, size: style.text), x: plot.x + style.gap,
          y: plot.y + style.text / 2 + style.labelGap / 2, size: style.text, anchor: .start))
    }
    let points = panel.points.map { (x: x($0.x), y: y($0.y)) }
    let guide = panel.expectedSlope.map { slope in
      expectedLine(slope: slope * vertical.scale / horizontal.scale, through: points, in: plot)
    }
    panels.append(Panel(plot: plot, points: points, guide: guide))
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

  private func text(
    _ string: String, x: Double, y: Double, size: Double, anchor: PlacedText.Anchor,
    isVertical: Bool = false
  ) -> PlacedText {
    PlacedText(
      text: string, x: x, y: y, size: size, length: meter.width(of: string, size: size),
      anchor: anchor, isVertical: isVertical)
  }

  private func fitted(_ string: String, in room: Double, size: Double) -> String {
    shortened(displayText(string)) { meter.width(of: $0, size: size) <= room }
  }
}
