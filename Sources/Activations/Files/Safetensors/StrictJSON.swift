import Activations

/// A JSON value (RFC 8259) with the order of its keys kept and every integer exact.
enum StrictJSON: Sendable, Equatable {
  case object([Member])
  case array([StrictJSON])
  case string(String)
  case integer(Int)
  /// Any other number, as it is written.
  case number(String)
  case boolean(Bool)
  case null

  /// One key of an object and its value.
  struct Member: Equatable {
    let key: String
    let value: StrictJSON
  }

  /// The deepest nesting read: arrays in arrays would otherwise use up the stack.
  static let deepest = 32

  /// Reads one value that fills `bytes`; duplicate keys are refused.
  init(_ bytes: [UInt8], place: Place) throws(ActivationFileError) {
    var parser = StrictJSONParser(bytes: bytes, place: place)
    self = try parser.document()
  }

  /// What kind of value it is, for a message.
  var kind: String {
    switch self {
    case .object: "an object"
    case .array: "an array"
    case .string: "a string"
    case .integer, .number: "a number"
    case .boolean: "a boolean"
    case .null: "null"
    }
  }
}

private struct StrictJSONParser {
  let bytes: [UInt8]
  let place: Place
  private var index = 0

  init(bytes: [UInt8], place: Place) {
    self.bytes = bytes
    self.place = place
  }

  mutating func document() throws(ActivationFileError) -> StrictJSON {
    let value = try value(depth: 0)
    guard peek() == nil else { throw unexpected("nothing after the value") }
    return value
  }

  private mutating func value(depth: Int) throws(ActivationFileError) -> StrictJSON {
    guard depth < StrictJSON.deepest else {
      throw fault("nested more than \(StrictJSON.deepest) levels deep")
    }
    switch peek() {
    case UInt8(ascii: "{"): return .object(try members(depth: depth))
    case UInt8(ascii: "["): return .array(try elements(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), .some(0x30...0x39): return try number()
    default: break
    }
    if take("true") { return .boolean(true) }
    if take("false") { return .boolean(false) }
    if take("null") { return .null }
    throw unexpected("a value")
  }

  private mutating func members(depth: Int) throws(ActivationFileError) -> [StrictJSON.Member] {
    var members: [StrictJSON.Member] = []
    var keys: Set<[UInt8]> = []
    try expect("{")
    if take("}") { return members }
    repeat {
      guard peek() == UInt8(ascii: "\"") else { throw unexpected("a key") }
      let key = try string()
      guard keys.insert(key.nameBytes).inserted else {
        throw fault("the key \(quoted(key)) appears twice")
      }
      try expect(":")
      members.append(StrictJSON.Member(key: key, value: try value(depth: depth + 1)))
    } while take(",")
    try expect("}")
    return members
  }

  private mutating func elements(depth: Int) throws(ActivationFileError) -> [StrictJSON] {
    var elements: [StrictJSON] = []
    try expect("[")
    if take("]") { return elements }
    repeat { elements.append(try value(depth: depth + 1)) } while take(",")
    try expect("]")
    return elements
  }

  private mutating func number() throws(ActivationFileError) -> StrictJSON {
    let start = index
    skip(UInt8(ascii: "-"))
    let whole = index
    try digits()
    guard bytes[whole] != UInt8(ascii: "0") || index == whole + 1 else {
      throw fault("a number begins with 0")
    }
    var isInteger = true
    if skip(UInt8(ascii: ".")) {
      isInteger = false
      try digits()
    }
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      isInteger = false
      if !skip(UInt8(ascii: "+")) { skip(UInt8(ascii: "-")) }
      try digits()
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    guard isInteger, let value = Int(text) else { return .number(text) }
    return .integer(value)
  }

  private mutating func digits() throws(ActivationFileError) {
    let start = index
    while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
    guard index > start else { throw unexpected("a digit") }
  }

  private mutating func string() throws(ActivationFileError) -> String {
    index += 1
    var content: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: content, as: UTF8.self) else {
          throw fault("a string is not valid UTF-8")
        }
        return string
      case UInt8(ascii: "\\"): content.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20:
        index -= 1
        throw unexpected("no bare control character in a string")
      default: content.append(byte)
      }
    }
    throw unexpected("the end of a string")
  }

  private mutating func escape() throws(ActivationFileError) -> Unicode.Scalar {
    guard index < bytes.count else { throw unexpected("the end of an escape") }
    let byte = bytes[index]
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw fault("found an unknown escape")
    }
    var code = try hexadecimal()
    if (0xD800..<0xDC00).contains(code), take("\\u") {
      let low = try hexadecimal()
      guard (0xDC00..<0xE000).contains(low) else { throw fault("found half a surrogate pair") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw fault("found half a surrogate pair") }
    return scalar
  }

  private mutating func hexadecimal() throws(ActivationFileError) -> UInt32 {
    guard index + 4 <= bytes.count else { throw unexpected("four hexadecimal digits") }
    var value: UInt32 = 0
    for byte in bytes[index..<(index + 4)] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected("four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
    }
    index += 4
    return value
  }

  /// The next byte that is no white space.
  private mutating func peek() -> UInt8? {
    while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
    return index < bytes.count ? bytes[index] : nil
  }

  @discardableResult
  private mutating func skip(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func take(_ token: StaticString) -> Bool {
    _ = peek()
    let matches = token.withUTF8Buffer { bytes[index...].starts(with: $0) }
    if matches { index += token.utf8CodeUnitCount }
    return matches
  }

  private mutating func expect(_ token: StaticString) throws(ActivationFileError) {
    guard take(token) else { throw unexpected("'\(token)'") }
  }

  private func unexpected(_ expected: String) -> ActivationFileError {
    let found = index < bytes.count ? quoted(String(UnicodeScalar(bytes[index]))) : "the end"
    return fault("found \(found), expected \(expected)")
  }

  private func fault(_ reason: String) -> ActivationFileError {
    place.data("not valid JSON at byte \(index): \(reason)")
  }
}
