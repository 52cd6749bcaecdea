import Foundation

/// Square panels side by side, each a 2-D histogram of pairs of fractions, with a line where both are
/// equal: scatter plots of so many points that they would hide each other. All panels share one
/// logarithmic color scale.
public struct DensityChart: Figure, Equatable {
  /// One histogram.
  public struct Panel: Sendable, Hashable {
    /// Above it.
    public var title: String
    /// What the columns are: fractions from 0 to 1.
    public var xTitle: String
    /// What the rows are.
    public var yTitle: String
    /// Cells on the vertical axis; the first is the fraction 0, the last 1.
    public var rows: Int
    /// Cells on the horizontal axis.
    public var columns: Int
    /// rows × columns numbers of points, not negative.
    public var counts: [Double]

    /// See the properties.
    public init(
      title: String, xTitle: String, yTitle: String, rows: Int, columns: Int, counts: [Double]
    ) {
      self.title = title
      self.xTitle = xTitle
      self.yTitle = yTitle
      self.rows = rows
      self.columns = columns
      self.counts = counts
    }
  }

  /// From the left to the right.
  public let panels: [Panel]
  /// What the colors count.
  public let countName: String
  /// A heading, or nil.
  public let title: String?

  /// A figure of `panels`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where there is no panel, counts do not fill it, one is
  ///   negative or not finite, or a panel has no point.
  public init(panels: [Panel], countName: String, title: String? = nil) throws(FigureError) {
    guard !panels.isEmpty else { throw .invalid("a density chart needs a panel") }
    for panel in panels {
      guard panel.rows > 1, panel.columns > 1, panel.counts.count == panel.rows * panel.columns
      else {
        throw .invalid(
          "\(panel.counts.count) counts do not fill \(panel.rows) × \(panel.columns) cells, two a side "
            + "at least")
      }
      guard panel.counts.allSatisfy({ $0 >= 0 && $0.isFinite }),
        panel.counts.contains(where: { $0 > 0 })
      else { throw .invalid("the panel '\(panel.title)' has no points, or counts that are none") }
    }
    self.panels = panels
    self.countName = countName
    self.title = title
  }

  /// The picture as the bytes of a file.
  public func data(_ format: FigureFormat) throws(FigureError) -> [UInt8] {
    let style = LineChartStyle()
    let meter = try TextMeter()
    let layout = DensityChartLayout(of: self, style: style, meter: meter)
    try meter.checkStatus()
    let canvas = try Canvas(
      format, width: layout.page.width, height: layout.page.height,
      scale: format == .png ? 1 : style.pointsPerPixel)
    for (panel, plot) in zip(panels, layout.plots) {
      canvas.fill([plot.grown(by: style.line)], with: style.ink)
      try canvas.draw(image(of: panel, scale: layout.scale), in: plot)
      canvas.stroke(
        layout.diagonal(of: panel, in: plot), with: style.guide, width: style.guideWidth,
        dashes: style.guideDashes)
    }
    canvas.fill([layout.bar.grown(by: style.line)], with: style.ink)
    let steps = 256
    let bar = (0..<steps).map {
      layout.scale.color(at: 1 - (Double($0) + 0.5) / Double(steps)).code
    }
    try canvas.draw(PixelImage(width: 1, height: steps, pixels: bar), in: layout.bar)
    canvas.fill(layout.lines, with: style.ink)
    for text in layout.texts { canvas.draw(text, with: style.ink) }
    return try canvas.bytes()
  }

  /// Writes the picture to `path`, whole or not at all.
  ///
  /// - Throws: `FigureError` of kind `writing` where the file cannot be written.
  public func write(to path: String, format: FigureFormat) throws(FigureError) {
    try writeFigure(try data(format), to: path)
  }

  /// The cells, the first row at the bottom, enlarged so that no viewer blurs their borders.
  private func image(of panel: Panel, scale: CountScale) -> PixelImage {
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

/// Colors of counts: white is none, then from light to dark by their logarithm.
struct CountScale {
  /// The ends of the scale.
  let range: ClosedRange<Double>

  /// From the smallest to the largest positive count.
  init(_ counts: [Double]) {
    let positive = counts.filter { $0 > 0 }
    let (least, most) = (positive.min() ?? 1, positive.max() ?? 1)
    range = least...max(most, 10 * least)
  }

  func color(of count: Double) -> RGB {
    count > 0 ? color(at: fraction(of: count)) : RGB(0xFFFFFF)
  }

  func fraction(of count: Double) -> Double {
    log(count / range.lowerBound) / log(range.upperBound / range.lowerBound)
  }

  /// The lightest colors of the map are too near to white.
  func color(at fraction: Double) -> RGB { ColorMap.magma.color(at: 0.92 * (1 - fraction)) }

  /// Powers of ten inside the range, six at most.
  var ticks: [Double] {
    let (first, last) = (
      Int(log10(range.lowerBound).rounded(.up)),
      Int((log10(range.upperBound) + 1e-9).rounded(.down))
    )
    guard last >= first else { return [range.upperBound] }
    let step = (last - first) / 6 + 1
    return stride(from: first, through: last, by: step).map { pow(10, Double($0)) }
  }
}

/// Where everything in a density chart stands.
struct DensityChartLayout {
  private(set) var page = Rectangle(x: 0, y: 0, width: 0, height: 0)
  private(set) var plots: [Rectangle] = []
  private(set) var bar = Rectangle(x: 0, y: 0, width: 0, height: 0)
  private(set) var lines: [Rectangle] = []
  private(set) var texts: [PlacedText] = []
  let scale: CountScale

  init(of chart: DensityChart, style: LineChartStyle, meter: TextMeter) {
    scale = CountScale(chart.panels.flatMap(\.counts))
    let side = 300.0
    func text(
      _ string: String, in room: Double, x: Double, y: Double, size: Double,
      anchor: PlacedText.Anchor, isVertical: Bool = false
    ) -> PlacedText {
      let shown = shortened(displayText(string)) { meter.width(of: $0, size: size) <= room }
      return meter.place(shown, x: x, y: y, size: size, anchor: anchor, isVertical: isVertical)
    }
    let labelWidth = meter.width(of: "0.5", size: style.text)
    let before = style.axisTitle + style.gap + labelWidth + style.labelGap + style.tick
    let top =
      style.margin + (chart.title == nil ? 0 : style.heading + style.gap) + style.axisTitle
      + style.gap
    var x = style.margin
    for panel in chart.panels {
      let plot = Rectangle(x: (x + before).rounded(), y: top.rounded(), width: side, height: side)
      plots.append(plot)
      texts.append(
        text(
          panel.title, in: side, x: plot.midX, y: plot.y - style.gap - style.axisTitle / 2,
          size: style.axisTitle, anchor: .middle))
      for value in [0, 0.5, 1.0] {
        let shown = scaleLabel(value, step: value == 0.5 ? 0.5 : 1)
        let across = plot.x + Self.place(of: value, cells: panel.columns) * side
        let upright = plot.maxY - Self.place(of: value, cells: panel.rows) * side
        lines.append(
          Rectangle(
            x: (across - style.line / 2).rounded(), y: plot.maxY, width: style.line,
            height: style.tick))
        lines.append(
          Rectangle(
            x: plot.x - style.tick, y: (upright - style.line / 2).rounded(), width: style.tick,
            height: style.line))
        texts.append(
          text(
            shown, in: side, x: across, y: plot.maxY + style.tick + style.labelGap + style.text / 2,
            size: style.text, anchor: .middle))
        texts.append(
          text(
            shown, in: side, x: plot.x - style.tick - style.labelGap, y: upright, size: style.text,
            anchor: .end))
      }
      let below = plot.maxY + style.tick + 2 * style.labelGap + style.text + style.axisTitle / 2
      texts.append(
        text(
          panel.xTitle, in: side, x: plot.midX, y: below, size: style.axisTitle, anchor: .middle))
      texts.append(
        text(
          panel.yTitle, in: side, x: x + style.axisTitle / 2, y: plot.midY, size: style.axisTitle,
          anchor: .middle, isVertical: true))
      x = plot.maxX + style.columnGap
    }
    bar = Rectangle(x: x, y: top.rounded(), width: 22, height: side)
    var widest = 0.0
    for tick in scale.ticks {
      let y = bar.maxY - scale.fraction(of: tick) * side
      let label = text(
        plainNumber(tick), in: side, x: bar.maxX + style.tick + style.labelGap, y: y,
        size: style.text, anchor: .start)
      lines.append(
        Rectangle(
          x: bar.maxX, y: (y - style.line / 2).rounded(), width: style.tick, height: style.line))
      widest = max(widest, label.length)
      texts.append(label)
    }
    let end = bar.maxX + style.tick + style.labelGap + widest + style.gap
    texts.append(
      text(
        chart.countName, in: side, x: end + style.axisTitle / 2, y: bar.midY, size: style.axisTitle,
        anchor: .middle, isVertical: true))
    page.width = (end + style.axisTitle + style.margin).rounded(.up)
    page.height =
      (top + side + style.tick + 2 * style.labelGap + style.text + style.axisTitle + style.margin)
      .rounded(.up)
    if let title = chart.title {
      texts.append(
        text(
          title, in: page.width - 2 * style.margin, x: style.margin + before,
          y: style.margin + style.heading / 2, size: style.heading, anchor: .start))
    }
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
