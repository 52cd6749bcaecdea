import CCairo

/// A page to draw on. Lengths are the layout's units; `scale` of them make a point or pixel.
struct Canvas {
  private let surface: Surface
  private let context: Context

  /// A white page.
  init(
    _ format: FigureFormat, width: Double, height: Double, scale: Double
  ) throws(FigureError) {
    surface = try Surface(format, width: width * scale, height: height * scale)
    context = try Context(on: surface)
    cairo_scale(context.pointer, scale, scale)
    fill([Rectangle(x: 0, y: 0, width: width, height: height)], with: RGB(0xFFFFFF))
  }

  /// Ends the page and returns the file.
  func bytes() throws(FigureError) -> [UInt8] {
    try check(cairo_status(context.pointer), "drawing a figure")
    cairo_show_page(context.pointer)
    try check(cairo_status(context.pointer), "ending the page")
    return try surface.bytes()
  }

  /// Draws what `body` draws with its corner at (x, y), `scale` times as large.
  func moved(
    toX x: Double, y: Double, scale: Double, _ body: (Canvas) throws(FigureError) -> Void
  ) throws(FigureError) {
    cairo_save(context.pointer)
    cairo_translate(context.pointer, x, y)
    cairo_scale(context.pointer, scale, scale)
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

  /// Draws `image` over `target`, each of its pixels as a sharp rectangle.
  func draw(_ image: PixelImage, in target: Rectangle) throws(FigureError) {
    let source = try Surface(.png, width: Double(image.width), height: Double(image.height))
    try source.copyPixels(of: image)
    cairo_save(context.pointer)
    cairo_translate(context.pointer, target.x, target.y)
    cairo_scale(
      context.pointer, target.width / Double(image.width), target.height / Double(image.height))
    cairo_set_source_surface(context.pointer, source.pointer, 0, 0)
    cairo_pattern_set_filter(cairo_get_source(context.pointer), CAIRO_FILTER_NEAREST)
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

/// Measures text without a page.
final class TextMeter {
  private let surface: Surface
  private let context: Context

  init() throws(FigureError) {
    surface = try Surface(.png, width: 1, height: 1)
    context = try Context(on: surface)
  }

  /// How far `text` runs, in units of `size`, the height of an em.
  func width(of text: String, size: Double) -> Double {
    context.width(of: text, size: size)
  }

  /// `text` where it is to stand.
  func place(
    _ text: String, x: Double, y: Double, size: Double, anchor: PlacedText.Anchor,
    isVertical: Bool = false
  ) -> PlacedText {
    PlacedText(
      text: text, x: x, y: y, size: size, length: width(of: text, size: size), anchor: anchor,
      isVertical: isVertical)
  }

  /// Throws where measuring failed.
  func checkStatus() throws(FigureError) {
    try check(cairo_status(context.pointer), "measuring text")
  }
}

/// A Cairo context.
private final class Context {
  let pointer: OpaquePointer

  init(on surface: Surface) throws(FigureError) {
    BundledFonts.use()
    guard let created = cairo_create(surface.pointer) else {
      throw FigureError(kind: .drawing, context: "Cairo gave no context")
    }
    pointer = created
    // Unhinted widths scale with the size: one layout is right for pixels and points.
    let options = cairo_font_options_create()
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_set_font_options(created, options)
    cairo_font_options_destroy(options)
    cairo_select_font_face(
      created, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL)
    try check(cairo_status(created), "creating a drawing context")
  }

  /// Sets the font's size and measures `text` in it.
  func width(of text: String, size: Double) -> Double {
    cairo_set_font_size(pointer, size)
    var extents = cairo_text_extents_t()
    cairo_text_extents(pointer, text, &extents)
    return extents.x_advance
  }

  deinit { cairo_destroy(pointer) }
}
