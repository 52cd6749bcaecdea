import CCairo

/// A Cairo surface that collects the bytes of one picture.
final class Surface {
  let pointer: OpaquePointer
  private let format: FigureFormat
  private let resolution: Double
  private let sink: ByteSink

  /// A page of `width` × `height`, in pixels for PNG, in points (1/72 inch) for the others.
  ///
  /// - Parameter resolution: pixels to an inch of a PNG, which it tells.
  init(
    _ format: FigureFormat, width: Double, height: Double, resolution: Double
  ) throws(FigureError) {
    let sink = ByteSink()
    let closure = Unmanaged.passUnretained(sink).toOpaque()
    let created: OpaquePointer?
    switch format {
    case .png:
      // Cairo's own limit; it would answer CAIRO_STATUS_INVALID_SIZE without the numbers.
      let limit = 32_767.0
      guard width <= limit, height <= limit else {
        throw FigureError(
          kind: .drawing,
          context: "a picture of \(Int(width)) × \(Int(height)) pixels is too large to draw: "
            + "at most \(Int(limit)) on a side")
      }
      created = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height))
    case .svg:
      created = cairo_svg_surface_create_for_stream(collectBytes, closure, width, height)
    case .pdf:
      created = cairo_pdf_surface_create_for_stream(collectBytes, closure, width, height)
    }
    guard let created else {
      throw FigureError(kind: .drawing, context: "Cairo gave no \(format.rawValue) surface")
    }
    pointer = created
    self.format = format
    self.resolution = resolution
    self.sink = sink
    try check(cairo_surface_status(created), "creating a \(format.rawValue) surface")
    if format == .pdf {
      // An empty date is left out: the same figure is the same file on any day.
      cairo_pdf_surface_set_metadata(created, CAIRO_PDF_METADATA_CREATE_DATE, "")
    }
  }

  /// The whole file. Nothing can be drawn afterwards.
  func bytes() throws(FigureError) -> [UInt8] {
    if format == .png { return try png() }
    // Vector surfaces write their last bytes here.
    cairo_surface_finish(pointer)
    try check(cairo_surface_status(pointer), "finishing a \(format.rawValue) surface")
    return format == .svg ? corrected(svg: sink.bytes) : sink.bytes
  }

  private func png() throws(FigureError) -> [UInt8] {
    cairo_surface_flush(pointer)
    try check(cairo_surface_status(pointer), "finishing a png surface")
    guard let pixels = cairo_image_surface_get_data(pointer) else {
      throw FigureError(kind: .drawing, context: "Cairo gave no pixels")
    }
    let height = Int(cairo_image_surface_get_height(pointer))
    let stride = Int(cairo_image_surface_get_stride(pointer))
    var file = try PNGFile(
      width: Int(cairo_image_surface_get_width(pointer)), height: height, perInch: resolution)
    for y in 0..<height {
      let row = UnsafeRawPointer(pixels + y * stride)
      file.append(row: row.assumingMemoryBound(to: UInt32.self))
    }
    return file.finished()
  }

  deinit {
    // A context may still hold the surface: what it has to write must be written while `sink`
    // lives.
    cairo_surface_finish(pointer)
    cairo_surface_destroy(pointer)
  }
}

/// Where Cairo's streams end.
private final class ByteSink {
  var bytes: [UInt8] = []
}

/// Appends what Cairo writes to the `ByteSink` behind `closure`.
private func collectBytes(
  closure: UnsafeMutableRawPointer?, data: UnsafePointer<UInt8>?, length: UInt32
) -> cairo_status_t {
  guard let closure else { return CAIRO_STATUS_WRITE_ERROR }
  let sink = Unmanaged<ByteSink>.fromOpaque(closure).takeUnretainedValue()
  sink.bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: Int(length)))
  return CAIRO_STATUS_SUCCESS
}

/// Throws where `status` is not success.
func check(_ status: cairo_status_t, _ context: String) throws(FigureError) {
  guard status != CAIRO_STATUS_SUCCESS else { return }
  let reason = cairo_status_to_string(status).map { String(cString: $0) } ?? "unknown error"
  throw FigureError(
    kind: .drawing, code: FigureError.Code(rawValue: status.rawValue),
    context: "\(context) failed: \(reason)")
}
