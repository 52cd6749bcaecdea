/// Draws a heatmap, layer over layer.
struct HeatmapDrawing: Drawing {
  private let heatmap: Heatmap
  private let style: PageStyle
  private let layout: HeatmapLayout
  private let tiles: PixelImage?

  /// A drawing with `tiles` for its cells, each a multiple of `pitch` pixels, or with plain cells.
  ///
  /// - Parameter sides: what stands around the cells, measured already.
  init(
    of heatmap: Heatmap, tiles: PixelImage? = nil, pitch: Int = 1, sides: HeatmapSides? = nil,
    summary: ScoreSummary, style: PageStyle
  ) throws(FigureError) {
    self.heatmap = heatmap
    self.style = style
    let meter = try TextMeter(fontFamily: style.fontFamily)
    layout = try HeatmapLayout(
      of: heatmap, pitch: pitch, sides: sides, summary: summary, style: style,
      meter: meter)
    self.tiles = tiles
    try meter.checkStatus()
  }

  var page: Rectangle { layout.page }
  var texts: [PlacedText] { layout.texts }
  var fits: [CellFit] { layout.fits }

  func draw(on canvas: Canvas) throws(FigureError) {
    try canvas.draw(tiles ?? PixelImage(of: heatmap, cell: layout.cell), in: layout.plot)
    drawHatching(on: canvas)
    drawGroups(on: canvas)
    for outline in heatmap.outlines {
      drawOutline(around: place(rows: outline.rows, columns: outline.columns), on: canvas)
    }
    try drawBar(on: canvas)
    for sample in layout.samples { draw(sample, on: canvas) }
    canvas.fill(layout.lines, with: FigureColors.ink)
    canvas.fill(layout.brackets, with: FigureColors.faintInk)
    for text in layout.texts { canvas.draw(text, with: FigureColors.ink) }
  }

  /// Where a block of cells lies.
  private func place(rows: Range<Int>, columns: Range<Int>) -> Rectangle {
    let (cell, plot) = (layout.cell, layout.plot)
    return Rectangle(
      x: plot.x + Double(columns.lowerBound) * cell.width,
      y: plot.maxY - Double(rows.upperBound) * cell.height,
      width: Double(columns.count) * cell.width, height: Double(rows.count) * cell.height)
  }

  /// Lines across cells without a value, and light ones across faint cells.
  private func drawHatching(on canvas: Canvas) {
    // Scattered cells beyond this number stay plain: a file must not grow without bound.
    let limit = 2000
    let (values, faint) = (heatmap.values, heatmap.faint)
    func places(_ wanted: (Int) -> Bool) -> [Rectangle] {
      blocks(of: heatmap, where: wanted).prefix(limit).map {
        place(rows: $0.rows, columns: $0.columns)
      }
    }
    hatch(places { values[$0].isNaN }, with: FigureColors.undefinedStroke, on: canvas)
    guard faint.contains(true) else { return }
    hatch(places { faint[$0] && !values[$0].isNaN }, with: FigureColors.faintStroke, on: canvas)
  }

  private func draw(_ sample: Legend<CellSample>.Sample, on canvas: Canvas) {
    canvas.fill([sample.place.grown(by: style.line)], with: FigureColors.ink)
    switch sample.kind {
    case .undefined:
      canvas.fill([sample.place], with: FigureColors.undefinedGround)
      hatch([sample.place], with: FigureColors.undefinedStroke, on: canvas)
    case .faint:
      canvas.fill([sample.place], with: FigureColors.map.color(at: 0.15))
      hatch([sample.place], with: FigureColors.faintStroke, on: canvas)
    case .below:
      canvas.fill([sample.place], with: ScoreScale.below)
    case .outline:
      // A middle color of the scale, on which both lines are seen.
      canvas.fill([sample.place], with: FigureColors.map.color(at: 0.5))
      drawOutline(around: sample.place, on: canvas)
    }
  }

  private func hatch(_ rectangles: [Rectangle], with color: RGB, on canvas: Canvas) {
    canvas.hatch(
      rectangles, with: color, spacing: style.hatchSpacing, width: style.hatchWidth)
  }

  /// Lines between groups, over the cells.
  private func drawGroups(on canvas: Canvas) {
    let (plot, line) = (layout.plot, style.line)
    let across = heatmap.rowAxis.groups.borders(count: heatmap.rows).map { border in
      let y = plot.maxY - Double(border) * layout.cell.height
      return Rectangle(
        x: plot.x, y: (y - line / 2).rounded(.down), width: plot.width, height: line)
    }
    let upright = heatmap.columnAxis.groups.borders(count: heatmap.columns).map { border in
      let x = plot.x + Double(border) * layout.cell.width
      return Rectangle(
        x: (x - line / 2).rounded(.down), y: plot.y, width: line, height: plot.height)
    }
    // One path, so that a crossing is no brighter than the lines.
    canvas.fill(
      across + upright, with: FigureColors.groupLine, opacity: FigureColors.groupLineOpacity)
  }

  /// A light line with dark edges, which shows on any color, inside the outermost cells.
  private func drawOutline(around frame: Rectangle, on canvas: Canvas) {
    var frame = frame
    for (width, color) in [
      (style.line, FigureColors.outlineEdge), (style.outlineWidth, FigureColors.outline),
      (style.line, FigureColors.outlineEdge),
    ] {
      // Cells of a pixel or two leave no room for more.
      guard min(frame.width, frame.height) > 2 * width else { break }
      canvas.fill(frame.sides(width: width), with: color)
      frame = frame.grown(by: -width)
    }
  }

  private func drawBar(on canvas: Canvas) throws(FigureError) {
    let (frame, body) = (layout.bar.frame, layout.bar.body)
    let map = FigureColors.map
    // The frame lies behind, a line wider on every side.
    canvas.fill([body.grown(by: style.line)], with: FigureColors.ink)
    if body.y > frame.y { drawPoint(tip: frame.y, color: map.color(at: 1), on: canvas) }
    try canvas.draw(PixelImage(scaleOf: map, height: Int(body.height)), in: body)
  }

  /// The pointed upper end of the bar: scores above the scale take this colour.
  private func drawPoint(tip: Double, color: RGB, on canvas: Canvas) {
    let (body, line) = (layout.bar.body, style.line)
    // The outline of a slanted side is as thick as the frame when the tip lies this much further.
    canvas.fill(
      polygon: [
        (body.x - line, body.y), (body.midX, tip - 1.6 * line), (body.maxX + line, body.y),
      ],
      with: FigureColors.ink)
    canvas.fill(polygon: [(body.x, body.y), (body.midX, tip), (body.maxX, body.y)], with: color)
  }
}

extension Rectangle {
  /// The four sides, `width` thick, inside of the rectangle.
  func sides(width line: Double) -> [Rectangle] {
    [
      Rectangle(x: x, y: y, width: width, height: line),
      Rectangle(x: x, y: maxY - line, width: width, height: line),
      Rectangle(x: x, y: y + line, width: line, height: height - 2 * line),
      Rectangle(x: maxX - line, y: y + line, width: line, height: height - 2 * line),
    ]
  }

  /// The rectangle with a border of `width` all round.
  func grown(by border: Double) -> Rectangle {
    Rectangle(
      x: x - border, y: y - border, width: width + 2 * border, height: height + 2 * border)
  }
}
