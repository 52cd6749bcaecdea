/// `png`, as Cairo wrote it, with its resolution: a `pHYs` chunk behind the header (ISO/IEC 15948, 11.3.4.3),
/// so that a word processor and TeX show the picture at its size.
func withResolution(_ perInch: Double, png: [UInt8]) -> [UInt8] {
  // The signature has 8 bytes, the IHDR chunk 25.
  let header = 33
  let perMeter = UInt32((perInch / 0.0254).rounded())
  let body = Array("pHYs".utf8) + bigEndian(perMeter) + bigEndian(perMeter) + [1]
  let chunk = bigEndian(UInt32(body.count - 4)) + body + bigEndian(crc32(body))
  return png.prefix(header) + chunk + png.dropFirst(header)
}

private func bigEndian(_ number: UInt32) -> [UInt8] {
  withUnsafeBytes(of: number.bigEndian, Array.init)
}

/// The checksum of a chunk (ISO 3309), bit by bit: it is of 13 bytes.
private func crc32(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~0) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
}
