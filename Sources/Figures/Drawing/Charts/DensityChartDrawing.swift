/// Draws a density chart, layer over layer.
struct DensityChartDrawing: Drawing {
  private let chart: DensityChart
  private let style: PageStyle
  private let layout: DensityChartLayout

  init(of chart: DensityChart, style: PageStyle) throws(FigureError) {
    self.chart = chart
    self.style = style
    let meter = try TextMeter(fontFamily: style.fontFamily)
    layout = try DensityChartLayout(of: chart, style: style, meter: meter)
    try meter.checkStatus()
  }

  var page: Rectangle { layout.page }
  var texts: [PlacedText] { layout.texts }
  var fits: [CellFit] { [] }

  func draw(on canvas: Canvas) throws(FigureError) {
    for (panel, plot) in zip(chart.panels, layout.plots) {
      canvas.fill([plot.grown(by: style.line)], with: FigureColors.ink)
      try canvas.draw(image(of: panel, scale: layout.scale), in: plot)
      canvas.stroke(
        layout.diagonal(of: panel, in: plot), with: FigureColors.guide, width: style.guideWidth,
        dashes: style.guideDashes)
    }
    canvas.fill([layout.bar.grown(by: style.line)], with: FigureColors.ink)
    let steps = 256
    let bar = (0..<steps).map {
      layout.scale.color(at: 1 - (Double($0) + 0.5) / Double(steps)).code
    }
    try canvas.draw(PixelImage(width: 1, height: steps, pixels: bar), in: layout.bar)
    canvas.fill(layout.lines, with: FigureColors.ink)
    for text in layout.texts { canvas.draw(text, with: FigureColors.ink) }
  }

  /// The cells, the first row at the bottom, enlarged so that no viewer blurs their borders.
  private func image(of panel: DensityChart.Panel, scale: CountScale) -> PixelImage {
    let factor = max(1, 512 / max(panel.rows, panel.columns))
    let (width, height) = (panel.columns * factor, panel.rows * factor)
    var pixels: [UInt32] = []
    pixels.reserveCapacity(width * height)
    for y in 0..<height {
      let row = panel.rows - 1 - y / factor
      for x in 0..<width {
        pixels.append(scale.color(of: panel.counts[row * panel.columns + x / factor]).code)
      }
    }
    return PixelImage(width: width, height: height, pixels: pixels)
  }
}

/// Where everything in a density chart stands.
struct DensityChartLayout {
  private(set) var page: Rectangle
  private(set) var plots: [Rectangle] = []
  private(set) var bar = Rectangle(x: 0, y: 0, width: 0, height: 0)
  private(set) var lines: [Rectangle] = []
  private(set) var texts: [PlacedText] = []
  let scale: CountScale

  private let style: PageStyle
  private let meter: TextMeter

  init(of chart: DensityChart, style: PageStyle, meter: TextMeter) throws(FigureError) {
    self.style = style
    self.meter = meter
    scale = CountScale(chart.panels.flatMap(\.counts))
    page = Rectangle(x: 0, y: 0, width: style.width, height: style.margin)
    let ticks = scale.ticks.map { (value: $0, label: plainNumber($0)) }
    let widest = meter.widest(of: ticks.map(\.label), size: style.text)
    let right =
      style.barWidth + style.line + style.tick + style.labelGap + widest + style.gap
      + style.axisTitle
    let before =
      style.axisTitle + style.gap + meter.width(of: "0.5", size: style.text) + style.labelGap
      + style.tick + style.line
    // As many panels side by side as are not too narrow.
    let count = chart.panels.count
    let room = style.room - right - style.columnGap
    func side(_ columns: Int) -> Double {
      ((room - Double(columns) * (before + style.columnGap) + style.columnGap) / Double(columns))
        .rounded(.down)
    }
    let columns = stride(from: count, to: 1, by: -1).first { side($0) >= style.narrowestPlot } ?? 1
    let side = min(side(columns), style.plotHeights.upperBound.rounded())
    guard !style.isTooShort(side) else {
      throw style.tooNarrow(for: "a chart")
    }
    if let title = chart.title {
      let heading = meter.paragraph(
        title, x: style.margin, y: page.height, room: style.room, size: style.heading, style: style)
      texts += heading.lines
      page.height += heading.height + style.gap
    }
    let top = page.height
    for start in stride(from: 0, to: count, by: columns) {
      let row = chart.panels[start..<min(start + columns, count)]
      let y = (page.height + style.axisTitle + style.gap).rounded()
      for (column, panel) in row.enumerated() {
        let x = style.margin + Double(column) * (before + side + style.columnGap) + before
        place(panel, in: Rectangle(x: x.rounded(), y: y, width: side, height: side))
      }
      page.height =
        y + side + style.line + style.tick + 2 * style.labelGap + style.text + style.axisTitle
        + style.gap
    }
    let lastX = plots.map(\.maxX).max() ?? 0
    let barY = (top + style.axisTitle + style.gap).rounded()
    bar = Rectangle(
      x: (lastX + style.columnGap).rounded(), y: barY, width: style.barWidth, height: side)
    for tick in ticks {
      let y = bar.maxY - scale.fraction(of: tick.value) * side
      lines.append(
        Rectangle(
          x: bar.maxX + style.line, y: (y - style.line / 2).rounded(), width: style.tick,
          height: style.line))
      texts.append(
        meter.place(
          tick.label, x: bar.maxX + style.line + style.tick + style.labelGap, y: y,
          size: style.text,
          anchor: .start))
    }
    let end = bar.maxX + style.line + style.tick + style.labelGap + widest + style.gap
    texts.append(
      meter.place(
        meter.fitted(chart.countName, in: side, size: style.axisTitle),
        x: end + style.axisTitle / 2, y: bar.midY, size: style.axisTitle, anchor: .middle,
        isVertical: true))
    page.height = (page.height - style.gap + style.margin).rounded(.up)
  }

  /// A panel with its titles and numbers.
  private mutating func place(_ panel: DensityChart.Panel, in plot: Rectangle) {
    plots.append(plot)
    func title(_ string: String, y: Double) -> PlacedText {
      meter.place(
        meter.fitted(string, in: plot.width, size: style.axisTitle), x: plot.midX, y: y,
        size: style.axisTitle, anchor: .middle)
    }
    let labelY = plot.maxY + style.line + style.tick + style.labelGap
    texts += [
      title(panel.title, y: plot.y - style.gap - style.axisTitle / 2),
      title(panel.xTitle, y: labelY + style.text + style.labelGap + style.axisTitle / 2),
    ]
    for value in [0, 0.5, 1.0] {
      let shown = scaleLabel(value, step: value == 0.5 ? 0.5 : 1)
      let across = plot.x + Self.place(of: value, cells: panel.columns) * plot.width
      let upright = plot.maxY - Self.place(of: value, cells: panel.rows) * plot.height
      lines += [
        Rectangle(
          x: (across - style.line / 2).rounded(), y: plot.maxY + style.line, width: style.line,
          height: style.tick),
        Rectangle(
          x: plot.x - style.line - style.tick, y: (upright - style.line / 2).rounded(),
          width: style.tick, height: style.line),
      ]
      texts += [
        meter.place(
          shown, x: across, y: labelY + style.text / 2, size: style.text, anchor: .middle),
        meter.place(
          shown, x: plot.x - style.line - style.tick - style.labelGap, y: upright, size: style.text,
          anchor: .end),
      ]
    }
    let numbers = meter.width(of: "0.5", size: style.text)
    let before = style.line + style.tick + style.labelGap + numbers + style.gap
    texts.append(
      meter.place(
        meter.fitted(panel.yTitle, in: plot.height, size: style.axisTitle),
        x: plot.x - before - style.axisTitle / 2, y: plot.midY, size: style.axisTitle,
        anchor: .middle, isVertical: true))
  }

  /// Where the middle of the cell of `value` is, as a fraction of the side.
  private static func place(of value: Double, cells: Int) -> Double {
    (value * Double(cells - 1) + 0.5) / Double(cells)
  }

  /// From the cell of 0, 0 to that of 1, 1.
  func diagonal(of panel: DensityChart.Panel, in plot: Rectangle) -> [(x: Double, y: Double)] {
    [0.0, 1.0].map { value in
      (
        plot.x + Self.place(of: value, cells: panel.columns) * plot.width,
        plot.maxY - Self.place(of: value, cells: panel.rows) * plot.height
      )
    }
  }
}
