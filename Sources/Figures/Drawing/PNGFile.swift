import CZlib

/// A PNG file of 8-bit RGB (ISO/IEC 15948) that grows row by row.
///
/// Rows are deflated as they are. Figures are flat areas, which repeat byte by byte; the filter that libpng
/// chooses for each row hides that: of a map of 387 layers it makes half as many bytes again, in three
/// times the time. Level 3 takes a third of the time of zlib's default, 6, for a quarter more bytes.
struct PNGFile: ~Copyable {
  private var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// In one place: zlib remembers where it is.
  private let stream: UnsafeMutablePointer<z_stream>
  /// A row as the file has it: the filter, 0 for none, and three bytes a pixel.
  private var row: [UInt8]
  private var deflated = [UInt8](repeating: 0, count: 1 << 16)

  /// - Parameter perInch: pixels to an inch, so that a word processor and TeX show the picture at its size.
  init(width: Int, height: Int, perInch: Double) throws(FigureError) {
    row = Array(repeating: 0, count: 1 + 3 * width)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let colors: [UInt8] = [8, 2, 0, 0, 0]
    append("IHDR", bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + colors)
    let perMeter = bigEndian(UInt32((perInch / 0.0254).rounded()))
    append("pHYs", perMeter + perMeter + [1])
    let status = deflateInit_(
      stream, 3, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw FigureError(kind: .drawing, context: "encoding a PNG") }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Adds the next row, of pixels 0x00RRGGBB.
  mutating func append(row pixels: UnsafePointer<UInt32>) {
    row.withUnsafeMutableBufferPointer { row in
      for x in 0..<(row.count / 3) {
        let pixel = pixels[x]
        row[1 + 3 * x] = UInt8(truncatingIfNeeded: pixel >> 16)
        row[2 + 3 * x] = UInt8(truncatingIfNeeded: pixel >> 8)
        row[3 + 3 * x] = UInt8(truncatingIfNeeded: pixel)
      }
    }
    deflate(row, Z_NO_FLUSH)
  }

  /// The whole file, after its last row.
  consuming func finished() -> [UInt8] {
    deflate([], Z_FINISH)
    append("IEND", [])
    return bytes
  }

  private mutating func deflate(_ input: [UInt8], _ flush: Int32) {
    input.withUnsafeBufferPointer { input in
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = UInt32(input.count)
      repeat {
        let room = UInt32(deflated.count)
        deflated.withUnsafeMutableBufferPointer { deflated in
          stream.pointee.next_out = deflated.baseAddress
          stream.pointee.avail_out = room
          CZlib.deflate(stream, flush)
        }
        let count = Int(room - stream.pointee.avail_out)
        if count > 0 { append("IDAT", deflated[..<count]) }
      } while stream.pointee.avail_out == 0
    }
  }

  private mutating func append(_ kind: String, _ content: some Collection<UInt8>) {
    let body = Array(kind.utf8) + content
    bytes += bigEndian(UInt32(content.count)) + body
    bytes += bigEndian(UInt32(truncatingIfNeeded: crc32(0, body, UInt32(body.count))))
  }
}

private func bigEndian(_ number: UInt32) -> [UInt8] {
  withUnsafeBytes(of: number.bigEndian, Array.init)
}
