import Foundation

/// The header of a binary file of a store: what it begins with, in little-endian order, up to where the
/// numbers begin.
///
/// All begin alike: 0 the kind, 8 characters; 8 the header's checksum (XXH3, 64 bits, of the header
/// with zeros here); 16 the header's length, a multiple of 64; 24 the file's length; 32 the numbers'
/// checksum.
struct BinaryHeader {
  /// Where what belongs to the kind of file begins.
  static let commonSize = 40
  /// The most that a header is taken to be.
  static let largest = 1 << 30

  private(set) var bytes: [UInt8]

  /// A header of `kind`, to be filled with `append`.
  init(kind: String) {
    bytes = Array(kind.utf8) + [UInt8](repeating: 0, count: Self.commonSize - 8)
  }

  mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ number: Double) { append(number.bitPattern) }

  mutating func append(_ digest: Digest) {
    append(digest.high)
    append(digest.low)
  }

  mutating func append(_ text: String) {
    let utf8 = Array(text.utf8)
    append(UInt32(utf8.count))
    bytes += utf8
  }

  /// The length that the header has once it is sealed.
  var sealedSize: Int { (bytes.count + 63) / 64 * 64 }

  /// The header of a file with `numbersSize` bytes of numbers.
  mutating func seal(numbersSize: Int, numbersChecksum: UInt64) {
    bytes += [UInt8](repeating: 0, count: sealedSize - bytes.count)
    put(UInt64(bytes.count), at: 16)
    put(UInt64(bytes.count + numbersSize), at: 24)
    put(numbersChecksum, at: 32)
    put(bytes.withUnsafeBytes { checksum($0) }, at: 8)
  }

  private mutating func put(_ number: UInt64, at offset: Int) {
    withUnsafeBytes(of: number.littleEndian) { source in
      for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
    }
  }
}

/// Reads the header of a binary file of a store, whose checksum has been found right.
struct BinaryReader {
  /// Where the numbers begin, and how many bytes they are.
  let numbers: UnsafeRawBufferPointer
  let numbersChecksum: UInt64
  private let header: UnsafeRawBufferPointer
  private var place = BinaryHeader.commonSize

  /// Checks the header of `file`; nil where it is damaged, of another kind or the file is cut short.
  init?(_ file: UnsafeRawBufferPointer, kind: String) {
    func number(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    guard file.count >= BinaryHeader.commonSize, file.prefix(8).elementsEqual(kind.utf8),
      number(24) == UInt64(file.count), number(16) <= min(file.count, BinaryHeader.largest)
    else { return nil }
    let size = Int(number(16))
    guard size >= BinaryHeader.commonSize else { return nil }
    header = UnsafeRawBufferPointer(rebasing: file[..<size])
    var copy = Array(header)
    for index in 8..<16 { copy[index] = 0 }
    guard copy.withUnsafeBytes({ checksum($0) }) == number(8) else { return nil }
    numbers = UnsafeRawBufferPointer(rebasing: file[size...])
    numbersChecksum = number(32)
  }

  /// Whether the numbers are what they were.
  var numbersAreWhole: Bool { checksum(numbers) == numbersChecksum }

  mutating func next<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
    guard place + MemoryLayout<Number>.size <= header.count else { return nil }
    defer { place += MemoryLayout<Number>.size }
    return Number(littleEndian: header.loadUnaligned(fromByteOffset: place, as: Number.self))
  }

  mutating func nextDouble() -> Double? { next(UInt64.self).map { Double(bitPattern: $0) } }

  mutating func nextDigest() -> Digest? {
    guard let high = next(UInt64.self), let low = next(UInt64.self) else { return nil }
    return Digest(high: high, low: low)
  }

  mutating func nextText() -> String? {
    guard let count = next(UInt32.self), place + Int(count) <= header.count else { return nil }
    defer { place += Int(count) }
    return String(validating: header[place..<(place + Int(count))], as: UTF8.self)
  }
}
