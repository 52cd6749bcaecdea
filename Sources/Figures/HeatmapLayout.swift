/// Where everything in a heatmap stands: geometry only, nothing is drawn here.
///
/// No two texts overlap, none overlaps the cells, and nothing leaves the page.
struct HeatmapLayout {
  /// The colour scale.
  struct Bar {
    /// The whole bar, pointed ends included.
    var frame: Rectangle
    /// The part with the colours of `range`.
    var body: Rectangle
  }

  /// The page, in whole pixels.
  private(set) var page = Rectangle(x: 0, y: 0, width: 0, height: 0)
  /// The cells, on whole pixels.
  private(set) var plot: Rectangle
  /// The colour scale.
  private(set) var bar: Bar
  /// The sample of an undefined cell, where there is one.
  private(set) var undefinedSample: Rectangle?
  /// Everything that is written.
  private(set) var texts: [PlacedText] = []
  /// The frame of the cells and the ticks.
  private(set) var lines: [Rectangle] = []
  /// The brackets along groups.
  private(set) var brackets: [Rectangle] = []

  private let style: HeatmapStyle
  private let meter: TextMeter

  /// The layout of `heatmap`; first round the cells, whose corner is (0, 0), then moved on a page.
  ///
  /// - Parameter hasUndefined: whether a sample of undefined cells is shown.
  init(of heatmap: Heatmap, style: HeatmapStyle, meter: TextMeter, hasUndefined: Bool) {
    self.style = style
    self.meter = meter
    let cell = Double(style.cell)
    plot = Rectangle(
      x: 0, y: 0, width: cell * Double(heatmap.columns), height: cell * Double(heatmap.rows))
    bar = Self.bar(of: heatmap, beside: plot, style: style, hasUndefined: hasUndefined)
    if hasUndefined {
      let block = Self.barBlock(beside: plot, style: style)
      let side = style.barWidth.rounded()
      undefinedSample = Rectangle(x: block.x, y: block.maxY - side, width: side, height: side)
    }
    placeFrame()
    placeRows(of: heatmap)
    placeColumns(of: heatmap)
    placeScale(of: heatmap)
    placeTitle(heatmap.title)
    moveToPage()
  }

  private func text(
    _ string: String, x: Double, y: Double, size: Double, anchor: PlacedText.Anchor,
    isVertical: Bool = false
  ) -> PlacedText {
    let length = meter.width(of: string, size: size)
    return PlacedText(
      text: string, x: x, y: y, size: size, length: length, anchor: anchor, isVertical: isVertical)
  }

  private func fitting(_ string: String, in room: Double, size: Double) -> String {
    shortened(displayText(string)) { meter.width(of: $0, size: size) <= room }
  }

  // MARK: The cells' frame and axes

  private mutating func placeFrame() {
    let line = style.line
    let width = plot.width + 2 * line
    lines += [
      Rectangle(x: -line, y: -line, width: width, height: line),
      Rectangle(x: -line, y: plot.maxY, width: width, height: line),
      Rectangle(x: -line, y: 0, width: line, height: plot.height),
      Rectangle(x: plot.maxX, y: 0, width: line, height: plot.height),
    ]
  }

  /// Outwards from the left side of the cells: ticks, labels, groups, title.
  private mutating func placeRows(of heatmap: Heatmap) {
    let cell = Double(style.cell)
    let axis = heatmap.rowAxis
    let labels = AxisLabels(
      of: axis, count: heatmap.rows, cell: cell, isHorizontal: false, style: style, meter: meter)
    var x = -style.line
    if labels.isThinned {
      lines += labels.labels.map { label in
        let y = plot.maxY - (Double(label.index) + 0.5) * cell
        return Rectangle(
          x: x - style.tick, y: (y - style.line / 2).rounded(.down), width: style.tick,
          height: style.line)
      }
      x -= style.tick
    }
    x -= style.labelGap
    texts += labels.labels.map { label in
      text(
        label.text, x: x, y: plot.maxY - (Double(label.index) + 0.5) * cell, size: labels.size,
        anchor: .end)
    }
    x -= labels.depth + style.gap
    let groups = groupNames(axis.groups, cell: cell)
    if groups.names.contains(where: { !$0.isEmpty }) {
      x = (x - style.line).rounded(.down)
      for (group, name) in zip(axis.groups, groups.names) {
        let (start, length) = extent(of: group, cell: cell)
        let top = plot.maxY - start - length
        brackets.append(Rectangle(x: x, y: top, width: style.line, height: length))
        guard !name.isEmpty else { continue }
        texts.append(
          text(
            name, x: x - style.labelGap - groups.size / 2, y: top + length / 2, size: groups.size,
            anchor: .middle, isVertical: true))
      }
      x -= style.labelGap + groups.size + style.gap
    }
    if let title = axisTitle(axis.title, room: plot.height) {
      texts.append(
        text(
          title, x: x - style.axisTitle / 2, y: plot.midY, size: style.axisTitle, anchor: .middle,
          isVertical: true))
    }
  }

  /// Downwards from the lower side of the cells: ticks, labels, groups, title.
  private mutating func placeColumns(of heatmap: Heatmap) {
    let cell = Double(style.cell)
    let axis = heatmap.columnAxis
    let labels = AxisLabels(
      of: axis, count: heatmap.columns, cell: cell, isHorizontal: true, style: style, meter: meter)
    var y = plot.maxY + style.line
    if labels.isThinned {
      lines += labels.labels.map { label in
        let x = (Double(label.index) + 0.5) * cell
        return Rectangle(
          x: (x - style.line / 2).rounded(.down), y: y, width: style.line, height: style.tick)
      }
      y += style.tick
    }
    y += style.labelGap
    texts += labels.labels.map { label in
      let x = (Double(label.index) + 0.5) * cell
      return labels.isAcross
        ? text(label.text, x: x, y: y, size: labels.size, anchor: .end, isVertical: true)
        : text(label.text, x: x, y: y + labels.size / 2, size: labels.size, anchor: .middle)
    }
    y += labels.depth + style.gap
    let groups = groupNames(axis.groups, cell: cell)
    if groups.names.contains(where: { !$0.isEmpty }) {
      y = y.rounded(.up)
      for (group, name) in zip(axis.groups, groups.names) {
        let (start, length) = extent(of: group, cell: cell)
        brackets.append(Rectangle(x: start, y: y, width: length, height: style.line))
        guard !name.isEmpty else { continue }
        texts.append(
          text(
            name, x: start + length / 2, y: y + style.line + style.labelGap + groups.size / 2,
            size: groups.size, anchor: .middle))
      }
      y += style.line + style.labelGap + groups.size + style.gap
    }
    if let title = axisTitle(axis.title, room: plot.width) {
      var placed = text(
        title, x: plot.midX, y: y + style.axisTitle / 2, size: style.axisTitle, anchor: .middle)
      // Beside a small plot both titles may be longer than it and meet in the corner.
      if let other = texts.first(where: { $0.bounds.overlaps(placed.bounds) }) {
        placed.y = other.bounds.maxY + style.gap + style.axisTitle / 2
      }
      texts.append(placed)
    }
  }

  private func axisTitle(_ title: String?, room: Double) -> String? {
    title.map { fitting($0, in: max(room, style.shortestTitleRoom), size: style.axisTitle) }
  }

  /// Where the bracket of `group` runs along its axis: whole pixels, a little apart from the next.
  private func extent(of group: Heatmap.Group, cell: Double) -> (start: Double, length: Double) {
    let length = Double(group.range.count) * cell
    let inset = min((3 * style.unit).rounded(), ((length - 1) / 2).rounded(.down))
    return (Double(group.range.lowerBound) * cell + inset, length - 2 * inset)
  }

  /// Names of groups in one size for the whole axis.
  private struct GroupNames {
    var size: Double
    /// Empty where a name does not fit.
    var names: [String]
  }

  /// The names of `groups` in the size that shows most of them whole, and the largest such size.
  private func groupNames(_ groups: [Heatmap.Group], cell: Double) -> GroupNames {
    var best = GroupNames(size: style.text, names: [])
    var mostWhole = -1
    for size in [1, 0.8, 0.65].map({ $0 * style.text }) {
      let names = groups.map {
        fitting($0.name, in: extent(of: $0, cell: cell).length, size: size)
      }
      let areWhole = zip(groups, names).map { displayText($0.name) == $1 }
      let whole = areWhole.count { $0 }
      guard whole > mostWhole else { continue }
      mostWhole = whole
      // Of a shortened name at least three letters must be left on either side.
      best = GroupNames(
        size: size, names: zip(areWhole, names).map { $0 || $1.count >= 7 ? $1 : "" })
    }
    return best
  }

  // MARK: The colour scale

  /// The room of the bar and of the sample below it: as high as the plot, but not too short.
  private static func barBlock(beside plot: Rectangle, style: HeatmapStyle) -> Rectangle {
    let height = max(plot.height, style.shortestBar.rounded())
    return Rectangle(
      x: (plot.maxX + style.barGap).rounded(), y: ((plot.height - height) / 2).rounded(.down),
      width: style.barWidth.rounded(), height: height)
  }

  private static func bar(
    of heatmap: Heatmap, beside plot: Rectangle, style: HeatmapStyle, hasUndefined: Bool
  ) -> Bar {
    var frame = barBlock(beside: plot, style: style)
    if hasUndefined {
      frame.height -= (style.barWidth + 1.5 * style.gap).rounded()
    }
    // A score of 1 + 1e-9 is a rounding error, not a score outside the scale.
    let slack = 1e-6 * (heatmap.range.upperBound - heatmap.range.lowerBound)
    let point = (0.7 * frame.width).rounded()
    var body = frame
    if heatmap.values.contains(where: { $0 > heatmap.range.upperBound + slack }) {
      body.y += point
      body.height -= point
    }
    if heatmap.values.contains(where: { $0 < heatmap.range.lowerBound - slack }) {
      body.height -= point
    }
    return Bar(frame: frame, body: body)
  }

  private mutating func placeScale(of heatmap: Heatmap) {
    let (body, range) = (bar.body, heatmap.range)
    let ticks = scaleTicks(over: range, limit: min(7, Int(body.height / (2 * style.text))))
    let x = body.maxX + style.line + style.tick + style.labelGap
    var right = x
    for tick in ticks {
      let fraction = (tick.value - range.lowerBound) / (range.upperBound - range.lowerBound)
      let y = body.maxY - fraction * body.height
      lines.append(
        Rectangle(
          x: body.maxX + style.line, y: (y - style.line / 2).rounded(), width: style.tick,
          height: style.line))
      let label = text(tick.label, x: x, y: y, size: style.text, anchor: .start)
      right = max(right, label.bounds.maxX)
      texts.append(label)
    }
    let name = fitting(heatmap.scoreName, in: bar.frame.height, size: style.axisTitle)
    texts.append(
      text(
        name, x: right + style.gap + style.axisTitle / 2, y: bar.frame.midY,
        size: style.axisTitle, anchor: .middle, isVertical: true))
    if let sample = undefinedSample {
      texts.append(
        text("undefined", x: x, y: sample.midY, size: style.text, anchor: .start))
    }
  }

  // MARK: The page

  /// Everything placed so far.
  private var extent: Rectangle {
    let others = lines + brackets + texts.map(\.bounds)
    return others.reduce(plot.union(bar.frame)) { $0.union($1) }
  }

  private mutating func placeTitle(_ title: String?) {
    guard let title else { return }
    let extent = extent
    let room = max(extent.width, 2 * style.shortestTitleRoom)
    let heading = fitting(title, in: room, size: style.heading)
    texts.append(
      text(
        heading, x: plot.midX, y: extent.y - style.titleGap - style.heading / 2,
        size: style.heading,
        anchor: .middle))
  }

  private mutating func moveToPage() {
    let extent = extent
    let x = (style.margin - extent.x).rounded(.up)
    let y = (style.margin - extent.y).rounded(.up)
    page.width = (extent.maxX + x + style.margin).rounded(.up)
    page.height = (extent.maxY + y + style.margin).rounded(.up)
    plot = plot.moved(byX: x, y: y)
    bar.frame = bar.frame.moved(byX: x, y: y)
    bar.body = bar.body.moved(byX: x, y: y)
    undefinedSample = undefinedSample?.moved(byX: x, y: y)
    lines = lines.map { $0.moved(byX: x, y: y) }
    brackets = brackets.map { $0.moved(byX: x, y: y) }
    for index in texts.indices {
      texts[index].x += x
      texts[index].y += y
    }
  }
}
