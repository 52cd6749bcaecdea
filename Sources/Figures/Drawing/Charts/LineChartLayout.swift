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

  private(set) var page: Rectangle
  private(set) var panels: [Panel] = []
  /// Shaded parts behind everything.
  private(set) var spans: [Rectangle] = []
  /// Lines behind the curves.
  private(set) var grid: [Rectangle] = []
  /// Frames and ticks.
  private(set) var lines: [Rectangle] = []
  private(set) var texts: [PlacedText] = []
  private(set) var faintTexts: [PlacedText] = []
  /// Whether curves have so many points that their marks must be small.
  let isCrowded: Bool

  private let style: PageStyle
  private let meter: TextMeter
  private let columns: LineChartColumns

  init(of chart: LineChart, style: PageStyle, meter: TextMeter) throws(FigureError) {
    self.style = style
    self.meter = meter
    let counts = chart.panels.joined().flatMap { $0.curves.map(\.points.count) }
    isCrowded = counts.max() ?? 0 > 24
    page = Rectangle(x: 0, y: 0, width: style.width, height: style.margin)
    let axes = chart.panels.map { row in
      { (height: Double) in
        ChartAxis(
          row.flatMap { $0.curves.flatMap(\.points) }.flatMap { [$0.y] + $0.bounds },
          scale: chart.yScale, length: height, inset: style.inset)
      }
    }
    columns = try LineChartColumns(of: chart, axes: axes, style: style, meter: meter)
    if let title = chart.title {
      place(lines: title, size: style.heading, from: columns.left, isFaint: false)
      page.height += style.gap
    }
    for (row, panels) in chart.panels.enumerated() {
      var rest = panels[...]
      while !rest.isEmpty {
        let part = rest.prefix(columns.count)
        rest = rest.dropFirst(columns.count)
        placeRow(
          Array(part), title: chart.rowTitles[row], xScale: chart.xScale,
          vertical: axes[row](columns.plotHeight))
        page.height += style.rowGap
      }
    }
    page.height -= style.rowGap
    if let note = chart.note {
      page.height += style.gap
      place(lines: note, size: style.text, from: style.margin, isFaint: true)
    }
    page.height = (page.height + style.margin).rounded(.up)
  }

  /// Writes lines of text from `x` to the right margin, at the end of what there is of the page.
  private mutating func place(lines string: String, size: Double, from x: Double, isFaint: Bool) {
    let paragraph = meter.paragraph(
      string, x: x, y: page.height, room: style.width - style.margin - x, size: size, style: style)
    if isFaint { faintTexts += paragraph.lines } else { texts += paragraph.lines }
    page.height += paragraph.height
  }

  /// Places panels side by side, at the end of what there is of the page.
  private mutating func placeRow(
    _ row: [LineChart.Panel], title: String, xScale: LineChart.Scale, vertical: ChartAxis
  ) {
    let top = page.height.rounded()
    let ticks = vertical.ticks(limit: LineChartColumns.tickLimit)
    var bottom = top
    for (column, panel) in row.enumerated() {
      let plot = Rectangle(
        x: columns.starts[column].rounded(), y: top, width: columns.plotWidth,
        height: columns.plotHeight)
      bottom = max(
        bottom,
        place(
          panel, in: plot, xScale: xScale, vertical: vertical, ticks: ticks, isFirst: column == 0))
    }
    texts.append(
      meter.place(
        meter.fitted(title, in: columns.plotHeight, size: style.axisTitle),
        x: style.margin + style.axisTitle / 2, y: top + columns.plotHeight / 2,
        size: style.axisTitle, anchor: .middle, isVertical: true))
    page.height = bottom
  }

  /// Places one panel; returns its lower edge.
  private mutating func place(
    _ panel: LineChart.Panel, in plot: Rectangle, xScale: LineChart.Scale, vertical: ChartAxis,
    ticks: [ChartAxis.Tick], isFirst: Bool
  ) -> Double {
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
    let labels = ChartLabels(
      of: panel, places: places, on: horizontal, xScale: xScale, width: plot.width, style: style,
      meter: meter)
    for tick in labels.ticks {
      let place = (x(tick.value) - line / 2).rounded()
      grid.append(Rectangle(x: place, y: plot.y, width: line, height: plot.height))
      lines.append(Rectangle(x: place, y: plot.maxY, width: line, height: style.tick))
    }
    var below = plot.maxY + style.tick + style.labelGap
    for label in labels.labels {
      texts.append(
        labels.isAcross
          ? meter.place(
            label.label, x: x(label.value), y: below, size: style.text, anchor: .end,
            isVertical: true)
          : meter.place(
            label.label,
            x: min(
              x(label.value),
              style.width - style.margin - meter.width(of: label.label, size: style.text) / 2),
            y: below + style.text / 2, size: style.text, anchor: .middle))
    }
    below += labels.depth + style.labelGap
    lines += [
      Rectangle(x: plot.x, y: plot.maxY, width: plot.width, height: line),
      Rectangle(x: plot.x - line, y: plot.y, width: line, height: plot.height + line),
    ]
    for line in meter.lines(of: labels.title, in: plot.width, size: style.axisTitle, limit: 2) {
      texts.append(
        meter.place(
          line, x: plot.midX, y: below + style.axisTitle / 2, size: style.axisTitle,
          anchor: .middle))
      below += style.axisTitle * style.lineSpacing
    }
    if let note = panel.note {
      faintTexts.append(
        meter.place(
          meter.fitted(note, in: plot.width - 2 * style.gap, size: style.text),
          x: plot.x + style.gap, y: plot.y + style.text / 2 + style.labelGap / 2, size: style.text,
          anchor: .start))
    }
    let curves = panel.curves.enumerated().map { index, curve in
      Curve(
        color: FigureColors.curve(index, of: panel.curves.count),
        points: curve.points.map { (x: x($0.x), y: y($0.y)) }, band: band(of: curve, x: x, y: y))
    }
    let guide = panel.expectedSlope.map { slope in
      expectedLine(
        slope: slope * vertical.scale / horizontal.scale, through: curves[0].points, in: plot)
    }
    panels.append(Panel(plot: plot, curves: curves, guide: guide))
    placeNames(of: panel, in: plot)
    return below
  }

  /// There and back again along the ends of the spreads.
  private func band(
    of curve: LineChart.Curve, x: (Double) -> Double, y: (Double) -> Double
  ) -> [(x: Double, y: Double)] {
    let spreads = curve.points.compactMap { point in point.spread.map { (x(point.x), $0) } }
    // A point alone gets a bar.
    let reach = spreads.count == 1 ? style.markRadius(isCrowded: isCrowded) : 0
    let upper = spreads.flatMap {
      [($0 - reach, y($1.upperBound)), ($0 + reach, y($1.upperBound))]
    }
    let lower = spreads.flatMap {
      [($0 - reach, y($1.lowerBound)), ($0 + reach, y($1.lowerBound))]
    }
    return upper + lower.reversed()
  }

  /// Names at the right of the plot, each as near to the end of its curve as the others allow.
  private mutating func placeNames(of panel: LineChart.Panel, in plot: Rectangle) {
    let last = panels.count - 1
    let distance = 1.2 * style.text
    let named = panel.curves.indices.filter { panel.curves[$0].label != nil }
      .prefix(Int(plot.height / distance))
    let ends = named.map { panels[last].curves[$0].points.last?.y ?? plot.midY }
    let places = spreadOut(
      ends, distance: distance, in: (plot.y + distance / 2)...(plot.maxY - distance / 2))
    let radius = style.markRadius(isCrowded: isCrowded)
    let names = columns.names(of: panel)
    for (index, y) in zip(named, places) {
      let x = plot.maxX + style.gap + radius
      panels[last].curves[index].key = (x, y)
      texts.append(
        meter.place(
          names[index], x: x + radius + style.labelGap, y: y, size: style.text, anchor: .start))
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
}
