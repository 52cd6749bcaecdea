/// Writes `.npy` files.
package enum NPYWriter {
  /// The bytes of a `.npy` file, version 1.0, of little-endian float64 numbers in C order.
  ///
  /// - Parameters:
  ///   - shape: The length of each axis.
  ///   - values: As many numbers as the product of `shape`, the last axis fastest: callers are of this repository.
  package static func data(shape: [Int], float64 values: [Double]) -> [UInt8] {
    precondition(shape.reduce(1, *) == values.count, "the values do not fill the shape")
    let axes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let dict = "{'descr': '<f8', 'fortran_order': False, 'shape': (\(axes)), }"
    // Padded so that the numbers begin at a multiple of 64 bytes, as numpy does.
    let length = (10 + dict.utf8.count + 1 + 63) / 64 * 64 - 10
    precondition(length <= UInt16.max, "the shape has too many axes for version 1.0")
    var bytes = NPYHeader.magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
    bytes += Array(dict.utf8)
    bytes += Array(repeating: UInt8(ascii: " "), count: length - dict.utf8.count - 1)
    bytes.append(UInt8(ascii: "\n"))
    bytes.reserveCapacity(bytes.count + values.count * 8)
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }
}
