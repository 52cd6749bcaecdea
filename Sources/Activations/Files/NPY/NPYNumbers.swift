import Activations
import Support

/// Reads the `.npy` files that `NPYWriter` writes.
///
/// A reader of results, not of activations: the numbers are of one type and of a shape that the caller knows,
/// and they are copied. Programs that wrote such a file anew may have chosen the order of bytes and axes.
public enum NPYNumbers {
  /// More bytes than the header of any result has.
  private static let mostHeader = 1 << 16

  /// The float64 numbers of the file at `path`, the last axis fastest.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - shape: the length of each axis that the file must have.
  /// - Throws: where the file cannot be read, is damaged, or holds anything else.
  public static func float64(
    at path: String, shape: [Int]
  ) throws(ActivationFileError) -> [Double] {
    let place = Place(path: path)
    let file = try MappedFile(path: path)
    // What is longer holds other numbers, as its header says: it is not read into memory.
    let most = saturatingSum(saturatingProduct([8] + shape), mostHeader)
    let bytes = try file.copy(0..<min(file.bytes.count, most))
    return try numbers(of: bytes, totalSize: file.bytes.count, expected: shape, place).numbers
  }

  /// The float64 numbers of a file that is in memory, the last axis fastest, and the length of each axis.
  ///
  /// - Parameter name: what messages call the file.
  /// - Throws: where the bytes are damaged or hold anything else.
  package static func float64(
    in bytes: [UInt8], called name: String
  ) throws(ActivationFileError) -> (shape: [Int], numbers: [Double]) {
    try numbers(of: bytes, totalSize: bytes.count, expected: nil, Place(path: name))
  }

  private static func numbers(
    of bytes: [UInt8], totalSize: Int, expected: [Int]?, _ place: Place
  ) throws(ActivationFileError) -> (shape: [Int], numbers: [Double]) {
    let header = try NPYHeader(bytes, totalSize: totalSize, place: place)
    let layout = header.layout
    let axes = [layout.shape.exampleCount] + layout.shape.featureAxes
    guard axes == expected ?? axes, layout.scalarType == .float64 else {
      func text(_ axes: [Int]) -> String { axes.map(String.init).joined(separator: " × ") }
      throw place.data(
        "found \(text(axes)) numbers of the type \(layout.scalarType.rawValue), expected "
          + "\(text(expected ?? axes)) float64 numbers")
    }
    let numbers = bytes.withUnsafeBytes { raw in
      stride(from: header.dataOffset, to: raw.count, by: 8).map { offset in
        let bits = raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        return Double(bitPattern: layout.isByteSwapped ? bits.byteSwapped : bits)
      }
    }
    return (axes, layout.memoryOrder == .rowMajor ? numbers : reordered(numbers, axes: axes))
  }

  /// Numbers that lie with the first axis fastest, with the last axis fastest.
  private static func reordered(_ values: [Double], axes: [Int]) -> [Double] {
    let strides = axes.dropLast().reduce(into: [1]) { $0.append($0[$0.count - 1] * $1) }
    return values.indices.map { index in
      var (rest, place) = (index, 0)
      for axis in axes.indices.reversed() {
        place += rest % axes[axis] * strides[axis]
        rest /= axes[axis]
      }
      return values[place]
    }
  }
}
