/// Where everything in a heatmap stands: geometry only, nothing is drawn here.
///
/// The page is as wide as its style says, and as high as is needed. No two texts overlap, none overlaps
/// the cells, and nothing leaves the page.
struct HeatmapLayout {
  /// The colour scale.
  struct Bar {
    /// The whole bar, its pointed end included.
    var frame: Rectangle
    /// The part with the colours of `range`.
    var body: Rectangle
  }

  /// The page, in whole pixels.
  private(set) var page: Rectangle
  /// The cells, on whole pixels.
  private(set) var plot: Rectangle
  /// The sides of a cell: whole pixels, unless cells are smaller than one.
  private(set) var cell: CellSize
  /// The colour scale.
  private(set) var bar: Bar
  /// Everything that is written.
  private(set) var texts: [PlacedText] = []
  /// The frame of the cells and the ticks.
  private(set) var lines: [Rectangle] = []
  /// The brackets along groups.
  private(set) var brackets: [Rectangle] = []
  /// Samples of what the scale does not show.
  private(set) var samples: [Legend<CellSample>.Sample] = []
  /// How the cells fill their room.
  let fits: [CellFit]

  private let style: PageStyle
  private let meter: TextMeter

  /// The layout of `heatmap`.
  ///
  /// - Parameters:
  ///   - pitch: a cell is a multiple of it, in pixels.
  ///   - sides: what stands around the cells, measured already.
  ///   - summary: what the scale does not show.
  init(
    of heatmap: Heatmap, pitch: Int = 1, sides: HeatmapSides? = nil, summary: ScoreSummary,
    style: PageStyle, meter: TextMeter
  ) throws(FigureError) {
    self.style = style
    self.meter = meter
    let sides = sides ?? HeatmapSides(of: heatmap, style: style, meter: meter)
    let fitting = try CellSize.fitting(heatmap, pitch: pitch, sides: sides, style: style)
    (cell, fits) = (fitting.cell, fitting.fits)
    let size = (
      width: cell.width * Double(heatmap.columns), height: cell.height * Double(heatmap.rows)
    )
    // What the cells leave empty stands in equal parts at both sides.
    let empty = style.room - fitting.left - size.width - sides.right
    let heading =
      heatmap.title.map {
        meter.lines(of: $0, in: style.room, size: style.heading, limit: 3)
      } ?? []
    let top = style.margin + Double(heading.count) * style.heading * style.lineSpacing
    plot = Rectangle(
      x: (style.margin + empty / 2 + fitting.left).rounded(.down),
      y: (top + style.line + style.gap).rounded(.up), width: size.width, height: size.height)
    bar = Self.bar(beside: plot, sides: sides, hasAbove: summary.hasAbove, style: style)
    page = Rectangle(x: 0, y: 0, width: style.width, height: 0)
    placeFrame()
    placeRows(of: heatmap, sides)
    placeColumns(of: heatmap, sides)
    placeScale(of: heatmap, sides)
    for (index, line) in heading.enumerated() {
      place(
        line, x: plot.midX,
        y: style.margin + (Double(index) + 0.5) * style.heading * style.lineSpacing,
        size: style.heading)
    }
    placeLegend(of: heatmap, summary)
    let extent = extent
    page.height = (extent.maxY + style.margin).rounded(.up)
  }

  private func text(
    _ string: String, x: Double, y: Double, size: Double, anchor: PlacedText.Anchor,
    isVertical: Bool = false
  ) -> PlacedText {
    meter.place(string, x: x, y: y, size: size, anchor: anchor, isVertical: isVertical)
  }

  /// Writes a line about `x`, moved as far as the margins of the page ask for.
  private mutating func place(_ string: String, x: Double, y: Double, size: Double) {
    var placed = text(string, x: x, y: y, size: size, anchor: .middle)
    let (left, right) = (style.margin, style.width - style.margin)
    placed.x += max(left - placed.bounds.x, 0) - max(placed.bounds.maxX - right, 0)
    // Beside a small plot two titles may be longer than it and meet in the corner.
    if let other = texts.first(where: { $0.bounds.overlaps(placed.bounds) }) {
      placed.y = other.bounds.maxY + style.gap + size / 2
    }
    texts.append(placed)
  }

  // MARK: The cells' frame and axes

  private mutating func placeFrame() {
    let line = style.line
    lines += plot.grown(by: line).sides(width: line)
  }

  /// Outwards from the left side of the cells: ticks, labels, groups, title.
  private mutating func placeRows(of heatmap: Heatmap, _ sides: HeatmapSides) {
    let axis = heatmap.rowAxis
    let labels = sides.rowLabels(cell: cell.height)
    var x = plot.x - style.line
    if labels.hasTicks {
      lines += labels.labels.map { label in
        let y = plot.maxY - label.place * cell.height
        return Rectangle(
          x: x - style.tick, y: (y - style.line / 2).rounded(.down), width: style.tick,
          height: style.line)
      }
      x -= style.tick
    }
    x -= style.labelGap
    texts += labels.labels.map { label in
      text(
        label.text, x: x, y: plot.maxY - label.place * cell.height, size: style.text, anchor: .end)
    }
    x -= labels.depth(size: style.text) + style.labelGap
    let names = sides.groupNames(axis.groups, cell: cell.height)
    if names.contains(where: { !$0.isEmpty }) {
      x = (x - style.line).rounded(.down)
      for (group, name) in zip(axis.groups, names) {
        let (start, length) = sides.extent(of: group, cell: cell.height)
        let top = plot.maxY - start - length
        brackets.append(Rectangle(x: x, y: top, width: style.line, height: length))
        guard !name.isEmpty else { continue }
        texts.append(
          text(
            name, x: x - style.labelGap - style.text / 2, y: top + length / 2, size: style.text,
            anchor: .middle, isVertical: true))
      }
      x -= style.labelGap + style.text + style.labelGap
    }
    if let title = sides.rowTitle {
      let room = max(plot.height, bar.frame.height, style.longestUprightTitle)
      var placed = text(
        meter.fitted(title, in: room, size: style.axisTitle), x: x - style.axisTitle / 2,
        y: plot.midY,
        size: style.axisTitle, anchor: .middle, isVertical: true)
      placed.y += max(plot.y - placed.bounds.y, 0)
      texts.append(placed)
    }
  }

  /// Downwards from the lower side of the cells: ticks, labels, groups, title.
  private mutating func placeColumns(of heatmap: Heatmap, _ sides: HeatmapSides) {
    let axis = heatmap.columnAxis
    let labels = sides.columnLabels(cell: cell.width)
    var y = plot.maxY + style.line
    if labels.hasTicks {
      lines += labels.labels.map { label in
        let x = plot.x + label.place * cell.width
        return Rectangle(
          x: (x - style.line / 2).rounded(.down), y: y, width: style.line, height: style.tick)
      }
      y += style.tick
    }
    y += style.labelGap
    texts += labels.labels.map { label in
      let x = plot.x + label.place * cell.width
      return labels.isAcross
        ? text(label.text, x: x, y: y, size: style.text, anchor: .end, isVertical: true)
        : text(label.text, x: x, y: y + style.text / 2, size: style.text, anchor: .middle)
    }
    y += labels.depth(size: style.text) + style.labelGap
    let names = sides.groupNames(axis.groups, cell: cell.width)
    if names.contains(where: { !$0.isEmpty }) {
      y = y.rounded(.up)
      for (group, name) in zip(axis.groups, names) {
        let (start, length) = sides.extent(of: group, cell: cell.width)
        brackets.append(Rectangle(x: plot.x + start, y: y, width: length, height: style.line))
        guard !name.isEmpty else { continue }
        texts.append(
          text(
            name, x: plot.x + start + length / 2,
            y: y + style.line + style.labelGap + style.text / 2, size: style.text, anchor: .middle))
      }
      y += style.line + style.labelGap + style.text + style.labelGap
    }
    if let title = sides.columnTitle {
      place(
        meter.fitted(title, in: style.room, size: style.axisTitle), x: plot.midX,
        y: y + style.axisTitle / 2, size: style.axisTitle)
    }
  }

  // MARK: The colour scale

  /// As high as the plot, but not too short for its numbers and its name.
  private static func bar(
    beside plot: Rectangle, sides: HeatmapSides, hasAbove: Bool, style: PageStyle
  ) -> Bar {
    let height = max(plot.height, style.shortestBar, sides.scoreNameLength).rounded(.up)
    let frame = Rectangle(
      x: (plot.maxX + style.line + sides.barGap).rounded(), y: plot.y, width: style.barWidth,
      height: height)
    var body = frame
    if hasAbove {
      let point = (0.7 * frame.width).rounded()
      body.y += point
      body.height -= point
    }
    return Bar(frame: frame, body: body)
  }

  private mutating func placeScale(of heatmap: Heatmap, _ sides: HeatmapSides) {
    let (body, range) = (bar.body, heatmap.range)
    let x = body.maxX + style.line + style.tick + style.labelGap
    for tick in sides.scoreTicks {
      let fraction = (tick.value - range.lowerBound) / (range.upperBound - range.lowerBound)
      let y = body.maxY - fraction * body.height
      lines.append(
        Rectangle(
          x: body.maxX + style.line, y: (y - style.line / 2).rounded(), width: style.tick,
          height: style.line))
      texts.append(text(tick.label, x: x, y: y, size: style.text, anchor: .start))
    }
    for (index, line) in sides.scoreName.enumerated() {
      let distance = sides.widestScoreTick + style.gap
      texts.append(
        text(
          line, x: x + distance + (Double(index) + 0.5) * style.axisTitle * style.lineSpacing,
          y: bar.frame.midY, size: style.axisTitle, anchor: .middle, isVertical: true))
    }
  }

  private mutating func placeLegend(of heatmap: Heatmap, _ summary: ScoreSummary) {
    var entries: [(kind: CellSample, meaning: String)] = []
    if summary.belowCount > 0 {
      entries.append(
        (.below, ScoreScale(heatmap.range).meaningOfBelow(lowest: summary.lowest)))
    }
    if summary.undefinedCount > 0 { entries.append((.undefined, "undefined")) }
    if heatmap.faint.contains(true) { entries.append((.faint, heatmap.faintName)) }
    if !heatmap.outlines.isEmpty { entries.append((.outline, heatmap.outlineName)) }
    guard !entries.isEmpty else { return }
    let legend = Legend(
      entries, left: plot.x, y: extent.maxY + style.gap, style: style, meter: meter)
    samples = legend.samples
    texts += legend.texts
  }

  /// Everything placed so far.
  private var extent: Rectangle {
    let others =
      lines + brackets + texts.map(\.bounds) + samples.map { $0.place.grown(by: style.line) }
    return others.reduce(plot.union(bar.frame.grown(by: style.line))) { $0.union($1) }
  }
}

/// Cells that a legend explains.
enum CellSample: Hashable {
  /// Without a score.
  case undefined
  /// With a score below the scale.
  case below
  /// One that does not stand out from chance.
  case faint
  /// One that stands out.
  case outline
}
