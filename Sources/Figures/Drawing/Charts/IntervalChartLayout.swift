/// Where everything in an interval chart stands.
struct IntervalChartLayout: Drawing {
  struct Bar {
    let whisker: Rectangle
    let center: (x: Double, y: Double)
    let isStrong: Bool
  }

  private(set) var page: Rectangle
  private(set) var bars: [Bar] = []
  private(set) var grid: [Rectangle] = []
  private(set) var lines: [Rectangle] = []
  private(set) var zero = Rectangle(x: 0, y: 0, width: 0, height: 0)
  private(set) var inkTexts: [PlacedText] = []
  private(set) var faintTexts: [PlacedText] = []
  let markRadius: Double

  private let style: PageStyle
  private let meter: TextMeter

  var texts: [PlacedText] { inkTexts + faintTexts }
  var fits: [CellFit] { [] }

  init(of chart: IntervalChart, style: PageStyle, meter: TextMeter) throws(FigureError) {
    self.style = style
    self.meter = meter
    page = Rectangle(x: 0, y: 0, width: style.width, height: style.margin)
    let ends = chart.bars.flatMap(\.ends) + [0]
    let (least, most) = (ends.min() ?? 0, ends.max() ?? 0)
    let reach = max((most - least) * 0.05, 1e-9)
    guard (most - least).isFinite else {
      throw .invalid("the values span too wide a range to be drawn")
    }
    let range = (least - reach)...(most + reach)
    let ticks = scaleTicks(over: range, limit: 6)
    let widest = meter.widest(of: ticks.map(\.label), size: style.text)
    let left =
      (style.margin + style.axisTitle + style.gap + widest + style.labelGap + style.tick).rounded()
    let width = (style.width - style.margin - left).rounded(.down)
    guard !style.isTooShort(width) else {
      throw style.tooNarrow(for: "a chart")
    }
    let step = width / Double(chart.bars.count)
    markRadius = min(max(step / 4, 0.6 * style.unit), style.markRadius(isCrowded: false))
    if let title = chart.title {
      place(lines: title, size: style.heading, from: left, isFaint: false)
      page.height += style.gap
    }
    let height = min(
      max(style.plotProportion * width, style.plotHeights.lowerBound), style.plotHeights.upperBound
    ).rounded()
    let plot = Rectangle(x: left, y: page.height.rounded(.up), width: width, height: height)
    func y(_ value: Double) -> Double {
      plot.maxY - (value - range.lowerBound) / (range.upperBound - range.lowerBound) * plot.height
    }
    for tick in ticks {
      let place = (y(tick.value) - style.line / 2).rounded()
      grid.append(Rectangle(x: plot.x, y: place, width: plot.width, height: style.line))
      lines.append(
        Rectangle(x: plot.x - style.tick, y: place, width: style.tick, height: style.line))
      inkTexts.append(
        meter.place(
          tick.label, x: plot.x - style.tick - style.labelGap, y: y(tick.value), size: style.text,
          anchor: .end))
    }
    zero = Rectangle(
      x: plot.x, y: (y(0) - style.line).rounded(), width: plot.width, height: 2 * style.line)
    for (index, bar) in chart.bars.enumerated() {
      let x = plot.x + (Double(index) + 0.5) * step
      let interval = bar.interval ?? bar.value...bar.value
      let (upper, lower) = (y(interval.upperBound), y(interval.lowerBound))
      let thickness = min(max(step / 4, 1), style.unit)
      bars.append(
        Bar(
          whisker: Rectangle(
            x: x - thickness / 2, y: upper, width: thickness, height: lower - upper),
          center: (x, y(bar.value)), isStrong: bar.isStrong))
    }
    lines += [
      Rectangle(x: plot.x, y: plot.maxY, width: plot.width, height: style.line),
      Rectangle(
        x: plot.x - style.line, y: plot.y, width: style.line, height: plot.height + style.line),
    ]
    inkTexts.append(
      meter.place(
        meter.fitted(chart.yTitle, in: plot.height, size: style.axisTitle),
        x: style.margin + style.axisTitle / 2, y: plot.midY, size: style.axisTitle, anchor: .middle,
        isVertical: true))
    page.height = plot.maxY + style.line + style.labelGap
    let count = placeNames(of: chart, step: step)
    let title =
      count < chart.bars.count
      ? "\(chart.xTitle) (\(count) of \(chart.bars.count) named)" : chart.xTitle
    inkTexts.append(
      meter.place(
        meter.fitted(title, in: plot.width, size: style.axisTitle), x: plot.midX,
        y: page.height + style.axisTitle / 2, size: style.axisTitle, anchor: .middle))
    page.height += style.axisTitle
    if let note = chart.note {
      page.height += style.gap
      place(lines: note, size: style.text, from: style.margin, isFaint: true)
    }
    page.height = (page.height + style.margin).rounded(.up)
  }

  /// Writes names below their bars, upwards where not all fit beside each other, as many as there is room for;
  /// returns how many.
  private mutating func placeNames(of chart: IntervalChart, step: Double) -> Int {
    let names = ShortNames(chart.bars.map(\.name)) {
      meter.width(of: $0, size: style.text) <= style.longestName
    }.texts
    let widths = names.map { meter.width(of: $0, size: style.text) }
    if (widths.max() ?? 0) + style.labelDistance <= step {
      inkTexts += zip(names, bars).map { name, bar in
        meter.place(
          name, x: bar.center.x, y: page.height + style.text / 2, size: style.text, anchor: .middle)
      }
      page.height += style.text + style.labelGap
      return names.count
    }
    let order = chart.bars.indices.sorted { one, other in
      let (a, b) = (chart.bars[one], chart.bars[other])
      return a.isStrong != b.isStrong
        ? a.isStrong : (abs(b.value), one) < (abs(a.value), other)
    }
    let distance = style.text * style.lineSpacing
    var named: [Int] = []
    for index in order
    where named.allSatisfy({ abs(bars[$0].center.x - bars[index].center.x) >= distance }) {
      named.append(index)
      inkTexts.append(
        meter.place(
          names[index], x: bars[index].center.x, y: page.height, size: style.text, anchor: .end,
          isVertical: true))
    }
    page.height +=
      (named.map { widths[$0] }.max() ?? 0) + style.labelGap
    return named.count
  }

  /// Writes lines of text from `x` to the right margin, at the end of what there is of the page.
  private mutating func place(lines string: String, size: Double, from x: Double, isFaint: Bool) {
    let paragraph = meter.paragraph(
      string, x: x, y: page.height, room: style.width - style.margin - x, size: size, style: style)
    if isFaint { faintTexts += paragraph.lines } else { inkTexts += paragraph.lines }
    page.height += paragraph.height
  }

  func draw(on canvas: Canvas) {
    canvas.fill(grid, with: FigureColors.gridLine)
    canvas.fill([zero], with: FigureColors.guide)
    for bar in bars {
      let color = bar.isStrong ? FigureColors.curve : FigureColors.faintInk
      canvas.fill([bar.whisker], with: color, opacity: bar.isStrong ? 0.6 : 0.4)
      canvas.fill(disc: bar.center, radius: markRadius, with: color)
    }
    canvas.fill(lines, with: FigureColors.ink)
    for text in inkTexts { canvas.draw(text, with: FigureColors.ink) }
    for text in faintTexts { canvas.draw(text, with: FigureColors.faintInk) }
  }
}
