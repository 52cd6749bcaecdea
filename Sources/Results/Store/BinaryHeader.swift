/// The header of a binary file of a store: what it begins with, in little-endian order, up to where the
/// numbers begin.
///
/// All begin alike: 0 the kind, 8 characters; 8 the header's checksum (XXH3, 64 bits, of the header
/// with zeros here); 16 the header's length, a multiple of 64; 24 the file's length; 32 the numbers'
/// checksum.
struct BinaryHeader {
  /// Where what belongs to the kind of file begins.
  static let commonSize = 40
  /// What a header's length is a multiple of.
  static let alignment = 64
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
  var sealedSize: Int {
    (bytes.count + Self.alignment - 1) / Self.alignment * Self.alignment
  }

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

/// Reads the header of a binary file of a store, whose checksum has been found right. A valid
/// checksum proves nothing about the content: every number is range-checked.
struct BinaryReader {
  /// Where the numbers begin, and how many bytes they are.
  let numbers: UnsafeRawBufferPointer
  private let numbersChecksum: UInt64
  private let path: String
  private let header: UnsafeRawBufferPointer
  private var place = BinaryHeader.commonSize

  /// Checks the common header of `file`, which lies at `path`.
  ///
  /// - Throws: `.data` where it is damaged, of another kind or the file is cut short.
  init(_ file: UnsafeRawBufferPointer, kind: String, path: String) throws(StoreError) {
    self.path = path
    func number(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    guard file.count >= BinaryHeader.commonSize, file.prefix(8).elementsEqual(kind.utf8) else {
      throw StoreError(.data, path, "is damaged: expected a whole file of the kind \(kind)")
    }
    guard number(24) == UInt64(file.count) else {
      throw .damaged(path, "the file's length", found: number(24), expected: "\(file.count) bytes")
    }
    guard let size = Int(exactly: number(16)), size % BinaryHeader.alignment == 0,
      (BinaryHeader.commonSize...BinaryHeader.largest).contains(size), size <= file.count
    else {
      throw .damaged(
        path, "the header's length", found: number(16),
        expected: "a multiple of \(BinaryHeader.alignment) within the file")
    }
    header = UnsafeRawBufferPointer(rebasing: file[..<size])
    var copy = Array(header)
    for index in 8..<16 { copy[index] = 0 }
    guard copy.withUnsafeBytes({ checksum($0) }) == number(8) else {
      throw StoreError(.data, path, "is damaged: its checksum does not match")
    }
    numbers = UnsafeRawBufferPointer(rebasing: file[size...])
    numbersChecksum = number(32)
  }

  /// - Throws: `.data` where the numbers are not what they were.
  func checkNumbers() throws(StoreError) {
    guard checksum(numbers) == numbersChecksum else {
      throw StoreError(.data, path, "is damaged: its checksum does not match")
    }
  }

  /// The failure of a field that holds what it cannot.
  func damaged(_ field: String, found: some CustomStringConvertible, expected: String) -> StoreError
  {
    .damaged(path, field, found: found, expected: expected)
  }

  /// The next number, of any value; `field` is what messages call it.
  mutating func next<Number: FixedWidthInteger>(
    _ field: String, as type: Number.Type = Number.self
  ) throws(StoreError) -> Number {
    guard header.count - place >= MemoryLayout<Number>.size else { throw ended(before: field) }
    defer { place += MemoryLayout<Number>.size }
    return Number(littleEndian: header.loadUnaligned(fromByteOffset: place, as: Number.self))
  }

  /// The next number, stored as `type`, which must be in `range`.
  mutating func next<Number: FixedWidthInteger>(
    _ field: String, as type: Number.Type, in range: ClosedRange<Int>
  ) throws(StoreError) -> Int {
    let number = try next(field, as: type)
    guard let value = Int(exactly: number), range.contains(value) else {
      let (least, most) = (range.lowerBound, range.upperBound)
      throw damaged(
        field, found: number, expected: least == most ? "\(least)" : "\(least) to \(most)")
    }
    return value
  }

  /// The next number, which must not be negative, and finite unless `isFinite` is false.
  mutating func nextMagnitude(_ field: String, isFinite: Bool = true) throws(StoreError) -> Double {
    let value = Double(bitPattern: try next(field))
    guard value.isFinite || !isFinite, value >= 0 else {
      throw damaged(
        field, found: value, expected: "a \(isFinite ? "finite " : "")number, at least 0")
    }
    return value
  }

  mutating func nextDigest(_ field: String) throws(StoreError) -> Digest {
    Digest(high: try next(field), low: try next(field))
  }

  mutating func nextText(_ field: String) throws(StoreError) -> String {
    let count = Int(try next(field, as: UInt32.self))
    guard header.count - place >= count else { throw ended(before: field) }
    defer { place += count }
    guard let text = String(validating: header[place..<(place + count)], as: UTF8.self) else {
      throw damaged(field, found: "other bytes", expected: "UTF-8")
    }
    return text
  }

  private func ended(before field: String) -> StoreError {
    damaged(field, found: "the header's end", expected: "more")
  }
}
