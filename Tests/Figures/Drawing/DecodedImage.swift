import CCairo

@testable import Figures

/// The pixels of a PNG, read back.
struct DecodedImage {
  let width: Int
  let height: Int
  private let pixels: [UInt32]

  /// Decodes a PNG; nil where Cairo does not take it for one.
  init?(png: [UInt8]) {
    let input = Input(bytes: png)
    let surface = cairo_image_surface_create_from_png_stream(
      readBytes, Unmanaged.passUnretained(input).toOpaque())
    defer { cairo_surface_destroy(surface) }
    guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS,
      let data = cairo_image_surface_get_data(surface)
    else { return nil }
    let (width, height) = (
      Int(cairo_image_surface_get_width(surface)), Int(cairo_image_surface_get_height(surface))
    )
    let stride = Int(cairo_image_surface_get_stride(surface))
    (self.width, self.height) = (width, height)
    pixels = (0..<width * height).map { index in
      UnsafeRawPointer(data).load(
        fromByteOffset: index / width * stride + index % width * 4, as: UInt32.self)
    }
  }

  /// The colour of a pixel, counted from the upper left.
  subscript(x: Int, y: Int) -> RGB { RGB(pixels[y * width + x] & 0xFFFFFF) }

  /// The distinct colours in a rectangle.
  func colors(in rectangle: Rectangle) -> Set<RGB> {
    var found: Set<RGB> = []
    for y in Int(rectangle.y)..<Int(rectangle.maxY) {
      for x in Int(rectangle.x)..<Int(rectangle.maxX) { found.insert(self[x, y]) }
    }
    return found
  }

  /// How many neighbouring pixels of `color` there are from (x, y), itself included, in the
  /// direction of (dx, dy).
  func run(of color: RGB, x: Int, y: Int, dx: Int, dy: Int) -> Int {
    var (x, y, count) = (x, y, 0)
    while (0..<width).contains(x), (0..<height).contains(y), self[x, y] == color {
      (x, y, count) = (x + dx, y + dy, count + 1)
    }
    return count
  }
}

private final class Input {
  var rest: ArraySlice<UInt8>
  init(bytes: [UInt8]) { rest = bytes[...] }
}

private func readBytes(
  closure: UnsafeMutableRawPointer?, data: UnsafeMutablePointer<UInt8>?, length: UInt32
) -> cairo_status_t {
  guard let closure, let data else { return CAIRO_STATUS_READ_ERROR }
  let input = Unmanaged<Input>.fromOpaque(closure).takeUnretainedValue()
  guard input.rest.count >= Int(length) else { return CAIRO_STATUS_READ_ERROR }
  for (offset, byte) in input.rest.prefix(Int(length)).enumerated() { data[offset] = byte }
  input.rest = input.rest.dropFirst(Int(length))
  return CAIRO_STATUS_SUCCESS
}
