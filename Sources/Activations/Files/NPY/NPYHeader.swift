import Activations

/// The header of a `.npy` file.
///
///     6 bytes   \x93NUMPY
///     2 bytes   version: 1.0, 2.0 or 3.0
///     2 bytes   length of what follows, little-endian (4 bytes since version 2.0)
///     …         a Python dict literal: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
///
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
struct NPYHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The longest header read, with all that comes before the dict.
  static let longest = 1 << 20

  let layout: ArrayLayout
  /// Where the numbers begin.
  let dataOffset: Int

  /// How many bytes a file has before its numbers, by its first 12; at most `longest`.
  static func size(of start: ArraySlice<UInt8>) -> Int {
    let lengthBytes = start.dropFirst(8).prefix(start.dropFirst(6).first == 1 ? 2 : 4)
    return min(12 + lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }, longest)
  }

  /// Reads the header at the start of `bytes`, of which there are `totalSize` in the whole file.
  ///
  /// - Precondition: `bytes` are all of the file or at least its first `size(of:)` bytes.
  init(
    _ bytes: [UInt8], totalSize: Int, place: Place
  ) throws(ActivationFileError) {
    guard bytes.count >= 10, bytes.starts(with: Self.magic) else {
      throw place.data("found \(bytes.count) bytes that do not start with an .npy header")
    }
    let version = (bytes[6], bytes[7])
    guard (1...3).contains(version.0), version.1 == 0 else {
      throw place.data(
        "found .npy version \(version.0).\(version.1), expected 1.0, 2.0 or 3.0")
    }
    let lengthSize = version.0 == 1 ? 2 : 4
    let start = 8 + lengthSize
    guard bytes.count >= start else { throw place.data("cut short inside its header") }
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.longest - start else {
      throw place.data("found a header of \(length) bytes, expected at most \(Self.longest)")
    }
    guard length <= bytes.count - start else {
      throw place.data(
        "cut short: holds \(totalSize) bytes, its header alone promises \(start + length)")
    }
    var literal = NPYLiteral(bytes[start..<(start + length)], place: place)
    layout = try literal.layout()
    dataOffset = start + length
    let (promised, overflow) = dataOffset.addingReportingOverflow(layout.byteCount)
    guard !overflow, totalSize >= promised else {
      throw place.data("cut short: holds \(totalSize) bytes, its header promises \(promised)")
    }
    guard totalSize == promised else {
      throw place.data(
        "\(totalSize - promised) bytes too long: holds \(totalSize), its header promises \(promised)"
      )
    }
  }
}

/// A reader of the one dict literal that numpy writes; nothing is ever evaluated.
struct NPYLiteral {
  private let bytes: [UInt8]
  private let place: Place
  private var index = 0

  init(_ bytes: ArraySlice<UInt8>, place: Place) {
    self.bytes = Array(bytes)
    self.place = place
  }

  /// Reads `{'descr': …, 'fortran_order': …, 'shape': …}`, the keys in any order.
  mutating func layout() throws(ActivationFileError) -> ArrayLayout {
    var type: NPYType?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !take("}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr" where type == nil: type = try descr()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try boolean()
      case "shape" where shape == nil: shape = try tuple()
      case "descr", "fortran_order", "shape":
        throw fault("the key \(quoted(key)) appears twice")
      default: throw fault("found the unknown key \(quoted(key))")
      }
      guard take(",") || peek() == UInt8(ascii: "}") else { throw unexpected("',' or '}'") }
    }
    guard peek() == nil else { throw unexpected("nothing after '}'") }
    guard let type, let isFortranOrder, let shape else {
      throw fault("expected the keys descr, fortran_order and shape")
    }
    return try ArrayLayout(
      axes: shape, scalarType: type.scalarType, isByteSwapped: type.isByteSwapped,
      memoryOrder: isFortranOrder ? .columnMajor : .rowMajor, place: place)
  }

  private mutating func descr() throws(ActivationFileError) -> NPYType {
    switch peek() {
    case UInt8(ascii: "["), UInt8(ascii: "("), UInt8(ascii: "{"):
      throw place.noLayer("found a structured scalar type, expected one number type")
    default: return try NPYType(descr: try string(), place: place)
    }
  }

  private mutating func boolean() throws(ActivationFileError) -> Bool {
    if take("True") { return true }
    if take("False") { return false }
    throw unexpected("True or False")
  }

  /// `()`, `(3,)`, `(3, 4)` or `(3, 4,)`.
  private mutating func tuple() throws(ActivationFileError) -> [Int] {
    var axes: [Int] = []
    try expect("(")
    while !take(")") {
      axes.append(try integer())
      if take(",") { continue }
      guard axes.count > 1, peek() == UInt8(ascii: ")") else { throw unexpected("','") }
    }
    return axes
  }

  private mutating func integer() throws(ActivationFileError) -> Int {
    _ = peek()
    let start = index
    while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
    let digits = String(decoding: bytes[start..<index], as: UTF8.self)
    guard !digits.isEmpty else { throw unexpected("an axis of 0 or more") }
    guard digits == "0" || !digits.hasPrefix("0") else { throw fault("found the number \(digits)") }
    guard let value = Int(digits) else {
      throw fault("an axis of \(quoted(digits)) is longer than any file")
    }
    // Python 2 wrote long integers like this.
    if index < bytes.count, bytes[index] == UInt8(ascii: "L") { index += 1 }
    return value
  }

  private mutating func string() throws(ActivationFileError) -> String {
    guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw unexpected("a string")
    }
    index += 1
    let start = index
    while index < bytes.count, bytes[index] != quote {
      guard bytes[index] != UInt8(ascii: "\\"), bytes[index] >= 0x20 else {
        throw unexpected("a plain string")
      }
      index += 1
    }
    guard index < bytes.count else { throw unexpected("the end of a string") }
    defer { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  /// The next byte that is no white space.
  private mutating func peek() -> UInt8? {
    while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
    return index < bytes.count ? bytes[index] : nil
  }

  private mutating func take(_ token: StaticString) -> Bool {
    guard peek() != nil else { return false }
    let matches = token.withUTF8Buffer { bytes[index...].starts(with: $0) }
    if matches { index += token.utf8CodeUnitCount }
    return matches
  }

  private mutating func expect(_ token: StaticString) throws(ActivationFileError) {
    guard take(token) else { throw unexpected("'\(token)'") }
  }

  private func unexpected(_ expected: String) -> ActivationFileError {
    let found =
      index < bytes.count ? quoted(String(UnicodeScalar(bytes[index]))) : "the end of the header"
    return fault("found \(found), expected \(expected), at byte \(index) of the dict")
  }

  private func fault(_ reason: String) -> ActivationFileError {
    place.data("unreadable .npy header: \(reason)")
  }
}
