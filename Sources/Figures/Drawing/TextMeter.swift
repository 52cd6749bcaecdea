import CCairo

/// Measures text without a page.
final class TextMeter {
  private let surface: Surface
  private let context: Context

  /// Of texts with an em of 1: without hinting widths grow with the size.
  private var widths: [String: Double] = [:]

  init(fontFamily: String) throws(FigureError) {
    surface = try Surface(.png, width: 1, height: 1, resolution: 72)
    context = try Context(on: surface, fontFamily: fontFamily)
  }

  /// How far `text` runs, in units of `size`, the height of an em.
  func width(of text: String, size: Double) -> Double {
    if let width = widths[text] { return width * size }
    let width = context.width(of: text, size: 100) / 100
    widths[text] = width
    return width * size
  }

  /// How far the longest of some texts runs; 0 where there is none.
  func widest(of texts: some Sequence<String>, size: Double) -> Double {
    texts.map { width(of: $0, size: size) }.max() ?? 0
  }

  /// `text` fit for display and cut in the middle to a width of `room`.
  func fitted(_ text: String, in room: Double, size: Double) -> String {
    shortened(displayText(text)) { width(of: $0, size: size) <= room }
  }

  /// `text` in lines no wider than `room`, broken at blanks; what does not fit `limit` lines is cut.
  func lines(of text: String, in room: Double, size: Double, limit: Int = 4) -> [String] {
    var lines: [String] = []
    var rest = displayText(text).split(separator: " ", omittingEmptySubsequences: false)[...]
    while !rest.isEmpty {
      let isLast = lines.count == limit - 1
      var count = isLast ? rest.count : 1
      while !isLast, count < rest.count,
        width(of: rest.prefix(count + 1).joined(separator: " "), size: size) <= room
      { count += 1 }
      lines.append(fitted(rest.prefix(count).joined(separator: " "), in: room, size: size))
      rest = rest.dropFirst(count)
    }
    return lines.filter { !$0.isEmpty }
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

  /// `text` in lines below each other, no wider than `room`, from `x` and the upper edge `y` on; and how high they are.
  func paragraph(
    _ text: String, x: Double, y: Double, room: Double, size: Double, style: PageStyle
  ) -> (lines: [PlacedText], height: Double) {
    let distance = size * style.lineSpacing
    let lines = lines(of: text, in: room, size: size).enumerated().map { index, line in
      place(line, x: x, y: y + Double(index) * distance + size / 2, size: size, anchor: .start)
    }
    return (lines, Double(lines.count) * distance)
  }

  /// Throws where measuring failed.
  func checkStatus() throws(FigureError) {
    try check(cairo_status(context.pointer), "measuring text")
  }
}

/// A Cairo context.
final class Context {
  let pointer: OpaquePointer

  init(on surface: Surface, fontFamily: String) throws(FigureError) {
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
      created, fontFamily, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL)
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
