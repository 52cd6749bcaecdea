/// Numbers with their intervals side by side, on a linear axis with a line at 0: differences, sorted.
public struct IntervalChart: Figure, Equatable {
  /// A number and what is known of it.
  public struct Bar: Sendable, Hashable {
    /// What it belongs to, written below where there is room for all.
    public var name: String
    /// The number.
    public var value: Double
    /// What probably holds the true one, or nil.
    public var interval: ClosedRange<Double>?
    /// Whether it stands out: it is drawn in the strong color then.
    public var isStrong: Bool

    /// See the properties.
    public init(name: String, value: Double, interval: ClosedRange<Double>?, isStrong: Bool) {
      self.name = name
      self.value = value
      self.interval = interval
      self.isStrong = isStrong
    }
  }

  /// From the left to the right.
  public let bars: [Bar]
  /// What the bars are.
  public let xTitle: String
  /// What their numbers are.
  public let yTitle: String
  /// A heading, or nil.
  public let title: String?
  /// A line at the lower edge, or nil.
  public let note: String?

  /// A figure of `bars`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where there is no bar or a number is not finite.
  public init(
    bars: [Bar], xTitle: String, yTitle: String, title: String? = nil, note: String? = nil
  ) throws(FigureError) {
    guard !bars.isEmpty else { throw .invalid("an interval chart needs a bar") }
    if let bad = bars.first(where: { bar in !bar.ends.allSatisfy(\.isFinite) }) {
      throw .invalid("'\(bad.name)' has no finite place in an interval chart")
    }
    self.bars = bars
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.title = title
    self.note = note
  }

  /// The picture as the bytes of a file.
  public func data(_ format: FigureFormat) throws(FigureError) -> [UInt8] {
    let style = LineChartStyle()
    let meter = try TextMeter()
    let layout = IntervalChartLayout(of: self, style: style, meter: meter)
    try meter.checkStatus()
    let canvas = try Canvas(
      format, width: layout.page.width, height: layout.page.height,
      scale: format == .png ? 1 : style.pointsPerPixel)
    canvas.fill(layout.grid, with: style.gridLine)
    canvas.fill([layout.zero], with: style.guide)
    for bar in layout.bars {
      let color = bar.isStrong ? style.curve : style.faintInk
      canvas.fill([bar.whisker], with: color, opacity: bar.isStrong ? 0.6 : 0.4)
      canvas.fill(disc: bar.center, radius: layout.markRadius, with: color)
    }
    canvas.fill(layout.lines, with: style.ink)
    for text in layout.texts { canvas.draw(text, with: style.ink) }
    for text in layout.faintTexts { canvas.draw(text, with: style.faintInk) }
    return try canvas.bytes()
  }

  /// Writes the picture to `path`, whole or not at all.
  ///
  /// - Throws: `FigureError` of kind `writing` where the file cannot be written.
  public func write(to path: String, format: FigureFormat) throws(FigureError) {
    try writeFigure(try data(format), to: path)
  }
}

extension IntervalChart.Bar {
  /// The number and the ends of its interval.
  var ends: [Double] { [value] + (interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
}

/// Where everything in an interval chart stands.
struct IntervalChartLayout {
  struct Bar {
    let whisker: Rectangle
    let center: (x: Double, y: Double)
    let isStrong: Bool
  }

  private(set) var page = Rectangle(x: 0, y: 0, width: 0, height: 0)
  private(set) var bars: [Bar] = []
  private(set) var grid: [Rectangle] = []
  private(set) var lines: [Rectangle] = []
  private(set) var zero = Rectangle(x: 0, y: 0, width: 0, height: 0)
  private(set) var texts: [PlacedText] = []
  private(set) var faintTexts: [PlacedText] = []
  let markRadius: Double

  init(of chart: IntervalChart, style: LineChartStyle, meter: TextMeter) {
    // A bar has 28 pixels where names are read, and 2 where there are a thousand.
    let count = Double(chart.bars.count)
    let step = min(max(1100 / count, 2), 28)
    let plotWidth = max(step * count, 400).rounded(.up)
    let plotHeight = 340.0
    markRadius = min(max(step / 4, 1.5), style.markRadius)
    let ends = chart.bars.flatMap(\.ends) + [0]
    let (least, most) = (ends.min() ?? 0, ends.max() ?? 0)
    let reach = max((most - least) * 0.05, 1e-9)
    let range = (least - reach)...(most + reach)
    let ticks = scaleTicks(over: range, limit: 7)
    func fitted(_ string: String, in room: Double, size: Double) -> String {
      shortened(displayText(string)) { meter.width(of: $0, size: size) <= room }
    }
    let widest = ticks.map { meter.width(of: $0.label, size: style.text) }.max() ?? 0
    let left = style.margin + style.axisTitle + style.gap + widest + style.labelGap + style.tick
    let top = style.margin + (chart.title == nil ? 0 : style.heading + style.gap + style.labelGap)
    let plot = Rectangle(x: left.rounded(), y: top, width: plotWidth, height: plotHeight)
    func y(_ value: Double) -> Double {
      plot.maxY - (value - range.lowerBound) / (range.upperBound - range.lowerBound) * plotHeight
    }
    for tick in ticks {
      let place = (y(tick.value) - style.line / 2).rounded()
      grid.append(Rectangle(x: plot.x, y: place, width: plot.width, height: style.line))
      lines.append(
        Rectangle(x: plot.x - style.tick, y: place, width: style.tick, height: style.line))
      texts.append(
        meter.place(
          tick.label, x: plot.x - style.tick - style.labelGap, y: y(tick.value), size: style.text,
          anchor: .end))
    }
    zero = Rectangle(x: plot.x, y: (y(0) - 1).rounded(), width: plot.width, height: 2)
    let start = plot.x + (plotWidth - step * count) / 2
    for (index, bar) in chart.bars.enumerated() {
      let x = start + (Double(index) + 0.5) * step
      let interval = bar.interval ?? bar.value...bar.value
      let (upper, lower) = (y(interval.upperBound), y(interval.lowerBound))
      let width = min(max(step / 4, 1), 3)
      bars.append(
        Bar(
          whisker: Rectangle(x: x - width / 2, y: upper, width: width, height: lower - upper),
          center: (x, y(bar.value)), isStrong: bar.isStrong))
    }
    lines += [
      Rectangle(x: plot.x, y: plot.maxY, width: plot.width, height: style.line),
      Rectangle(
        x: plot.x - style.line, y: plot.y, width: style.line, height: plot.height + style.line),
    ]
    var below = plot.maxY + style.labelGap
    if step > style.text {
      let names = chart.bars.map { fitted($0.name, in: style.longestLabel, size: style.text) }
      for (name, bar) in zip(names, bars) {
        texts.append(
          meter.place(
            name, x: bar.center.x, y: below, size: style.text, anchor: .end, isVertical: true))
      }
      below += (names.map { meter.width(of: $0, size: style.text) }.max() ?? 0) + style.labelGap
    }
    texts.append(
      meter.place(
        fitted(chart.xTitle, in: plot.width, size: style.axisTitle), x: plot.midX,
        y: below + style.axisTitle / 2, size: style.axisTitle, anchor: .middle))
    texts.append(
      meter.place(
        fitted(chart.yTitle, in: plotHeight, size: style.axisTitle),
        x: style.margin + style.axisTitle / 2, y: plot.midY, size: style.axisTitle, anchor: .middle,
        isVertical: true))
    page.width = (plot.maxX + style.margin).rounded(.up)
    page.height = (below + style.axisTitle + style.margin).rounded(.up)
    if let title = chart.title {
      texts.append(
        meter.place(
          fitted(title, in: page.width - 2 * style.margin, size: style.heading), x: style.margin,
          y: style.margin + style.heading / 2, size: style.heading, anchor: .start))
    }
    if let note = chart.note {
      faintTexts.append(
        meter.place(
          fitted(note, in: page.width - plot.x - style.margin, size: style.text), x: plot.x,
          y: page.height + style.text / 2, size: style.text, anchor: .start))
      page.height += style.text + style.margin
    }
  }
}
