/// Points of a plane in groups: near points are alike. Both axes have one scale, for it is distances that are read.
/// A line goes from each point to the middle of its group.
public struct ScatterChart: Figure, Equatable {
  /// A point.
  public struct Point: Sendable, Hashable {
    /// On the horizontal axis.
    public var x: Double
    /// On the vertical axis.
    public var y: Double
    /// Which of `groups` it is of.
    public var group: Int

    /// See the properties.
    public init(x: Double, y: Double, group: Int) {
      (self.x, self.y, self.group) = (x, y, group)
    }
  }

  /// In any order; later ones are drawn over earlier ones.
  public let points: [Point]
  /// The names of the groups, for the legend.
  public let groups: [String]
  /// What the axes measure.
  public let axisTitle: String
  /// A heading, or nil.
  public let title: String?
  /// Lines at the lower edge, or nil.
  public let note: String?

  /// A figure of `points`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where there is no point, a number is not finite, or a point is of a group
  ///   that is not there.
  public init(
    points: [Point], groups: [String], axisTitle: String, title: String? = nil, note: String? = nil
  ) throws(FigureError) {
    guard !points.isEmpty else { throw .invalid("a scatter chart needs a point") }
    guard points.allSatisfy({ $0.x.hasLinearPlace && $0.y.hasLinearPlace }) else {
      throw .invalid("a point has no finite place in a scatter chart")
    }
    guard points.allSatisfy({ groups.indices.contains($0.group) }) else {
      throw .invalid("a point of a scatter chart is of none of its \(groups.count) groups")
    }
    self.points = points
    self.groups = groups
    self.axisTitle = axisTitle
    self.title = title
    self.note = note
  }

  /// The picture as the bytes of a file.
  public func data(
    _ format: FigureFormat, style: FigureStyle
  ) throws(FigureError) -> [UInt8] {
    try file(format, style)
  }
}

extension ScatterChart: DrawnFigure {
  var usualWidth: Double { FigureStyle.columnWidths[0] }

  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    let meter = try TextMeter(fontFamily: style.fontFamily)
    let layout = try ScatterChartLayout(of: self, style: style, meter: meter)
    try meter.checkStatus()
    return layout
  }
}

/// Where everything in a scatter chart stands.
struct ScatterChartLayout: Drawing {
  private(set) var page: Rectangle
  private var inkTexts: [PlacedText] = []
  private var faintTexts: [PlacedText] = []
  private var grid: [Rectangle] = []
  private var lines: [Rectangle] = []
  private var marks: [(place: (x: Double, y: Double), group: Int)] = []
  private let samples: [Legend<Int>.Sample]
  private let look: GroupMarks
  private let style: PageStyle

  var texts: [PlacedText] { inkTexts + faintTexts }
  var fits: [CellFit] { [] }

  /// The least part of an axis that is drawn: what is nearer is rounding, and stands in the middle.
  private static let leastReach = 1e-3

  init(of chart: ScatterChart, style: PageStyle, meter: TextMeter) throws(FigureError) {
    self.style = style
    look = GroupMarks(count: chart.groups.count)
    page = Rectangle(x: 0, y: 0, width: style.width, height: style.margin)
    let left =
      (style.margin + style.axisTitle + style.gap + 3 * style.text + style.labelGap + style.tick)
      .rounded()
    let width = (style.width - style.margin - left).rounded(.down)
    guard !style.isTooShort(width) else { throw style.tooNarrow(for: "a chart") }
    if let title = chart.title {
      let heading = meter.paragraph(
        title, x: left, y: page.height, room: width, size: style.heading, style: style)
      inkTexts += heading.lines
      page.height += heading.height + style.gap
    }
    let spans = [chart.points.map(\.x), chart.points.map(\.y)].map { values in
      (least: values.min() ?? 0, most: values.max() ?? 0)
    }
    let reach = spans.map { $0.most - $0.least }.max() ?? 0
    guard reach.isFinite else { throw .invalid("the points span too wide a range to be drawn") }
    let scale = (width - 2 * style.inset) / max(reach, Self.leastReach)
    let high = (spans[1].most - spans[1].least) * scale + 2 * style.inset
    let plot = Rectangle(
      x: left, y: page.height.rounded(.up), width: width,
      height: min(max(high, style.plotHeights.lowerBound), width).rounded())
    func x(_ value: Double) -> Double {
      plot.midX + (value - (spans[0].least + spans[0].most) / 2) * scale
    }
    func y(_ value: Double) -> Double {
      plot.midY - (value - (spans[1].least + spans[1].most) / 2) * scale
    }
    let step = niceStep(atLeast: width / scale / 5)
    func ticks(_ span: (least: Double, most: Double), _ room: Double) -> [Double] {
      let middle = (span.least + span.most) / 2
      let first = ((middle - room / scale / 2) / step).rounded(.up)
      let last = ((middle + room / scale / 2) / step).rounded(.down)
      return first <= last
        ? (0...Int(min(last - first, 100))).map { (first + Double($0)) * step } : []
    }
    for value in ticks(spans[0], plot.width) {
      let place = (x(value) - style.line / 2).rounded()
      grid.append(Rectangle(x: place, y: plot.y, width: style.line, height: plot.height))
      lines.append(Rectangle(x: place, y: plot.maxY, width: style.line, height: style.tick))
      let label = scaleLabel(value, step: step)
      let half = meter.width(of: label, size: style.text) / 2
      inkTexts.append(
        meter.place(
          label, x: min(x(value), style.width - half),
          y: plot.maxY + style.tick + style.labelGap + style.text / 2, size: style.text,
          anchor: .middle))
    }
    for value in ticks(spans[1], plot.height) {
      let place = (y(value) - style.line / 2).rounded()
      grid.append(Rectangle(x: plot.x, y: place, width: plot.width, height: style.line))
      lines.append(
        Rectangle(x: plot.x - style.tick, y: place, width: style.tick, height: style.line))
      inkTexts.append(
        meter.place(
          meter.fitted(
            scaleLabel(value, step: step),
            in: plot.x - style.margin - style.axisTitle - style.tick - style.labelGap,
            size: style.text), x: plot.x - style.tick - style.labelGap, y: y(value),
          size: style.text, anchor: .end))
    }
    lines += [
      Rectangle(x: plot.x, y: plot.maxY, width: plot.width, height: style.line),
      Rectangle(
        x: plot.x - style.line, y: plot.y, width: style.line, height: plot.height + style.line),
    ]
    marks = chart.points.map { ((x($0.x), y($0.y)), $0.group) }
    page.height = plot.maxY + style.tick + 2 * style.labelGap + style.text
    inkTexts.append(
      meter.place(
        meter.fitted(chart.axisTitle, in: plot.width, size: style.axisTitle), x: plot.midX,
        y: page.height + style.axisTitle / 2, size: style.axisTitle, anchor: .middle))
    inkTexts.append(
      meter.place(
        meter.fitted(chart.axisTitle, in: plot.height, size: style.axisTitle),
        x: style.margin + style.axisTitle / 2, y: plot.midY, size: style.axisTitle, anchor: .middle,
        isVertical: true))
    page.height += style.axisTitle + style.gap
    let legend = Legend(
      chart.groups.enumerated().map { (kind: $0, meaning: $1) }, left: left, y: page.height,
      style: style, meter: meter)
    samples = legend.samples
    inkTexts += legend.texts
    page.height = legend.maxY
    if let note = chart.note {
      let lines = meter.paragraph(
        note, x: left, y: page.height + style.gap, room: style.width - style.margin - left,
        size: style.text, style: style)
      faintTexts = lines.lines
      page.height += style.gap + lines.height
    }
    page.height = (page.height + style.margin).rounded(.up)
  }

  func draw(on canvas: Canvas) {
    canvas.fill(grid, with: FigureColors.gridLine)
    canvas.fill(lines, with: FigureColors.ink)
    for group in Set(marks.map(\.group)).sorted() {
      let places = marks.filter { $0.group == group }.map(\.place)
      let count = Double(places.count)
      let middle = (
        x: places.reduce(0) { $0 + $1.x } / count, y: places.reduce(0) { $0 + $1.y } / count
      )
      for place in places {
        canvas.stroke([middle, place], with: look.color(of: group), width: style.guideWidth)
      }
    }
    let radius = 1.5 * style.markRadius(isCrowded: false)
    for mark in marks {
      look.draw(mark.group, at: mark.place, radius: radius, style: style, on: canvas)
    }
    for sample in samples {
      look.draw(
        sample.kind, at: (sample.place.midX, sample.place.midY), radius: radius, style: style,
        on: canvas)
    }
    for text in inkTexts { canvas.draw(text, with: FigureColors.ink) }
    for text in faintTexts { canvas.draw(text, with: FigureColors.faintInk) }
  }
}
