/// Draws a heatmap, layer over layer.
struct HeatmapDrawing: Drawing {
  private let heatmap: Heatmap
  private let style: HeatmapStyle
  private let layout: HeatmapLayout
  private let image: PixelImage

  init(of heatmap: Heatmap) throws(FigureError) {
    let style = HeatmapStyle(count: max(heatmap.rows, heatmap.columns))
    // A small matrix is enlarged before it is embedded: some viewers blur the border of a pixel,
    // which must not be the border of half a cell.
    let scale = max(1, min(style.cell, 512 / max(heatmap.rows, heatmap.columns)))
    try self.init(
      of: heatmap, style: style, hasUndefined: heatmap.values.contains(where: \.isNaN),
      image: PixelImage(
        of: heatmap, colorMap: style.colorMap, undefined: style.undefinedGround, scale: scale))
  }

  /// A drawing with `image` for its cells.
  init(
    of heatmap: Heatmap, style: HeatmapStyle, hasUndefined: Bool, image: PixelImage
  ) throws(FigureError) {
    self.heatmap = heatmap
    self.style = style
    self.image = image
    let meter = try TextMeter()
    layout = HeatmapLayout(of: heatmap, style: style, meter: meter, hasUndefined: hasUndefined)
    try meter.checkStatus()
  }

  var page: Rectangle { layout.page }
  var pointsPerPixel: Double { style.pointsPerPixel }

  func draw(on canvas: Canvas) throws(FigureError) {
    try canvas.draw(image, in: layout.plot)
    drawUndefined(on: canvas)
    drawGroups(on: canvas)
    drawOutlines(on: canvas)
    try drawBar(on: canvas)
    canvas.fill(layout.lines, with: style.ink)
    canvas.fill(layout.brackets, with: style.faintInk)
    for text in layout.texts { canvas.draw(text, with: style.ink) }
  }

  private func drawUndefined(on canvas: Canvas) {
    // Scattered cells beyond this number stay plain grey: a file must not grow without bound.
    let limit = 2000
    let cell = Double(style.cell)
    let plot = layout.plot
    let blocks = undefinedBlocks(of: heatmap).prefix(limit).map { block in
      Rectangle(
        x: plot.x + Double(block.columns.lowerBound) * cell,
        y: plot.maxY - Double(block.rows.upperBound) * cell,
        width: Double(block.columns.count) * cell, height: Double(block.rows.count) * cell)
    }
    hatch(blocks, on: canvas)
    guard let sample = layout.undefinedSample else { return }
    canvas.fill([sample.grown(by: style.line)], with: style.ink)
    canvas.fill([sample], with: style.undefinedGround)
    hatch([sample], on: canvas)
  }

  private func hatch(_ rectangles: [Rectangle], on canvas: Canvas) {
    canvas.hatch(
      rectangles, with: style.undefinedStroke, spacing: style.hatchSpacing,
      width: style.hatchWidth)
  }

  /// Lines between groups, over the cells.
  private func drawGroups(on canvas: Canvas) {
    let (cell, plot, line) = (Double(style.cell), layout.plot, style.line)
    let across = heatmap.rowAxis.groups.borders(count: heatmap.rows).map { border in
      Rectangle(
        x: plot.x, y: plot.maxY - Double(border) * cell - (line / 2).rounded(.down),
        width: plot.width, height: line)
    }
    let upright = heatmap.columnAxis.groups.borders(count: heatmap.columns).map { border in
      Rectangle(
        x: plot.x + Double(border) * cell - (line / 2).rounded(.down), y: plot.y, width: line,
        height: plot.height)
    }
    // One path, so that a crossing is no brighter than the lines.
    canvas.fill(across + upright, with: style.groupLine, opacity: style.groupLineOpacity)
  }

  /// A light line with dark edges, which shows on any color, inside the outermost cells.
  private func drawOutlines(on canvas: Canvas) {
    let (cell, plot, line) = (Double(style.cell), layout.plot, style.line)
    for outline in heatmap.outlines {
      var frame = Rectangle(
        x: plot.x + Double(outline.columns.lowerBound) * cell,
        y: plot.maxY - Double(outline.rows.upperBound) * cell,
        width: Double(outline.columns.count) * cell, height: Double(outline.rows.count) * cell)
      for (width, color) in [
        (line, style.outlineEdge), (style.outlineWidth, style.outline), (line, style.outlineEdge),
      ] {
        // Cells of a pixel or two leave no room for more.
        guard min(frame.width, frame.height) > 2 * width else { break }
        canvas.fill(frame.sides(width: width), with: color)
        frame = frame.grown(by: -width)
      }
    }
  }

  private func drawBar(on canvas: Canvas) throws(FigureError) {
    let (frame, body) = (layout.bar.frame, layout.bar.body)
    let map = style.colorMap
    // The frame lies behind, a line wider on every side.
    let line = style.line
    canvas.fill([body.grown(by: line)], with: style.ink)
    if body.y > frame.y {
      drawPoint(tip: frame.y, base: body.y, color: map.color(at: 1), on: canvas)
    }
    if body.maxY < frame.maxY {
      drawPoint(tip: frame.maxY, base: body.maxY, color: map.color(at: 0), on: canvas)
    }
    try canvas.draw(PixelImage(scaleOf: map, height: Int(body.height)), in: body)
  }

  /// The pointed end of the bar: scores beyond the scale take this colour.
  private func drawPoint(
    tip: Double, base: Double, color: RGB, on canvas: Canvas
  ) {
    let (body, line) = (layout.bar.body, style.line)
    // The outline of a slanted side is as thick as the frame when the tip lies this much further.
    let outward = (tip < base ? -1 : 1) * line * 1.6
    canvas.fill(
      polygon: [
        (body.x - line, base), (body.midX, tip + outward), (body.maxX + line, base),
      ],
      with: style.ink)
    canvas.fill(polygon: [(body.x, base), (body.midX, tip), (body.maxX, base)], with: color)
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
