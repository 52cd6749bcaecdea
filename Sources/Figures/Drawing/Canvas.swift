import CCairo

/// A page to draw on. Lengths are pixels of its style's resolution, whatever the format.
struct Canvas {
  private let surface: Surface
  private let context: Context

  /// A white page.
  init(
    _ format: FigureFormat, width: Double, height: Double, style: PageStyle
  ) throws(FigureError) {
    let scale = format == .png ? 1 : 1 / style.unit
    surface = try Surface(
      format, width: width * scale, height: height * scale, resolution: style.resolution)
    context = try Context(on: surface, fontFamily: style.fontFamily)
    cairo_scale(context.pointer, scale, scale)
    fill(
      [Rectangle(x: 0, y: 0, width: width, height: height)], with: FigureColors.ground)
  }

  /// Ends the page and returns the file.
  func bytes() throws(FigureError) -> [UInt8] {
    try check(cairo_status(context.pointer), "drawing a figure")
    cairo_show_page(context.pointer)
    try check(cairo_status(context.pointer), "ending the page")
    return try surface.bytes()
  }

  /// Draws what `body` draws with its corner at (x, y).
  func moved(
    toX x: Double, y: Double, _ body: (Canvas) throws(FigureError) -> Void
  ) throws(FigureError) {
    cairo_save(context.pointer)
    cairo_translate(context.pointer, x, y)
    try body(self)
    cairo_restore(context.pointer)
  }

  /// Fills the union of `rectangles`.
  func fill(_ rectangles: [Rectangle], with color: RGB, opacity: Double = 1) {
    setColor(color, opacity: opacity)
    trace(rectangles)
    cairo_fill(context.pointer)
  }

  /// Fills the polygon through `corners`.
  func fill(polygon corners: [(x: Double, y: Double)], with color: RGB, opacity: Double = 1) {
    setColor(color, opacity: opacity)
    for corner in corners { cairo_line_to(context.pointer, corner.x, corner.y) }
    cairo_close_path(context.pointer)
    cairo_fill(context.pointer)
  }

  /// Strokes the line through `points`, with round corners, in `dashes` and gaps in
  /// turn where there are any.
  func stroke(
    _ points: [(x: Double, y: Double)], with color: RGB, width: Double, dashes: [Double] = []
  ) {
    cairo_save(context.pointer)
    setColor(color)
    cairo_set_line_width(context.pointer, width)
    cairo_set_line_join(context.pointer, CAIRO_LINE_JOIN_ROUND)
    cairo_set_dash(context.pointer, dashes, Int32(dashes.count), 0)
    for point in points { cairo_line_to(context.pointer, point.x, point.y) }
    cairo_stroke(context.pointer)
    cairo_restore(context.pointer)
  }

  /// Fills a disc.
  func fill(disc center: (x: Double, y: Double), radius: Double, with color: RGB) {
    setColor(color)
    cairo_arc(context.pointer, center.x, center.y, radius, 0, 2 * .pi)
    cairo_fill(context.pointer)
  }

  /// Strokes rising diagonals, `spacing` apart, on the union of `rectangles`.
  ///
  /// The diagonals go on from one rectangle to the next.
  func hatch(_ rectangles: [Rectangle], with color: RGB, spacing: Double, width: Double) {
    guard let first = rectangles.first else { return }
    let bounds = rectangles.dropFirst().reduce(first) { $0.union($1) }
    cairo_save(context.pointer)
    trace(rectangles)
    cairo_clip(context.pointer)
    setColor(color)
    cairo_set_line_width(context.pointer, width)
    // A diagonal is x + y = c; those that meet `bounds` run from corner to corner.
    let last = bounds.maxX + bounds.maxY
    var sum = ((bounds.x + bounds.y) / spacing).rounded(.up) * spacing
    while sum <= last {
      cairo_move_to(context.pointer, sum - bounds.maxY, bounds.maxY)
      cairo_line_to(context.pointer, sum - bounds.y, bounds.y)
      sum += spacing
    }
    cairo_stroke(context.pointer)
    cairo_restore(context.pointer)
  }

  /// Draws `image` over `target`, each of its pixels as a sharp rectangle, or averaged where they are
  /// smaller than those of the page.
  func draw(_ image: PixelImage, in target: Rectangle) throws(FigureError) {
    let source = try Surface(
      .png, width: Double(image.width), height: Double(image.height), resolution: 72)
    try source.copyPixels(of: image)
    cairo_save(context.pointer)
    cairo_translate(context.pointer, target.x, target.y)
    cairo_scale(
      context.pointer, target.width / Double(image.width), target.height / Double(image.height))
    cairo_set_source_surface(context.pointer, source.pointer, 0, 0)
    let isSmall =
      target.width < Double(image.width) || target.height < Double(image.height)
    cairo_pattern_set_filter(
      cairo_get_source(context.pointer), isSmall ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST)
    cairo_paint(context.pointer)
    cairo_restore(context.pointer)
  }

  /// Writes `text`.
  func draw(_ text: PlacedText, with color: RGB) {
    let pointer = context.pointer
    let advance = context.width(of: text.text, size: text.size)
    cairo_save(pointer)
    setColor(color)
    cairo_translate(pointer, text.x, text.y)
    if text.isVertical { cairo_rotate(pointer, -.pi / 2) }
    // The middle of a capital letter lies on the line of the text.
    cairo_move_to(pointer, -advance * text.anchor.fraction, 0.36 * text.size)
    cairo_show_text(pointer, text.text)
    cairo_restore(pointer)
  }

  private func setColor(_ color: RGB, opacity: Double = 1) {
    cairo_set_source_rgba(
      context.pointer, Double(color.red) / 255, Double(color.green) / 255,
      Double(color.blue) / 255, opacity)
  }

  private func trace(_ rectangles: [Rectangle]) {
    for rectangle in rectangles {
      cairo_rectangle(
        context.pointer, rectangle.x, rectangle.y, rectangle.width, rectangle.height)
    }
  }
}
