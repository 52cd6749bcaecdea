import Testing

@testable import ActivationFiles

@Suite struct StrictJSONTests {
  private func parse(_ bytes: [UInt8]) throws -> StrictJSON {
    try StrictJSON(bytes, place: Place(path: "a.json"))
  }

  static let values: [(String, StrictJSON)] = [
    ("0", .integer(0)), ("-1", .integer(-1)), ("-0", .integer(0)),
    ("9223372036854775807", .integer(.max)),
    ("9223372036854775808", .number("9223372036854775808")),
    ("1.0", .number("1.0")), ("1e5", .number("1e5")), ("-2.5E-3", .number("-2.5E-3")),
    (" true ", .boolean(true)), ("false", .boolean(false)), ("null", .null),
    ("[]", .array([])), ("{}", .object([])),
    ("[1,[2]]", .array([.integer(1), .array([.integer(2)])])),
    (#""a\"\\\/\b\f\n\r\t\u0041""#, .string("a\"\\/\u{8}\u{C}\n\r\tA")),
    (#""\ud83d\ude00é""#, .string("😀é")),
    (
      #"{"b":1,"a":2}"#,
      .object([.init(key: "b", value: .integer(1)), .init(key: "a", value: .integer(2))])
    ),
  ]

  @Test(arguments: values)
  func reads(text: String, expected: StrictJSON) throws {
    #expect(try parse(Array(text.utf8)) == expected)
  }

  @Test(arguments: [
    "", " ", "01", "-", "+1", "1.", ".5", "1e", "1e+", "tru", "nul", "[1,]", "[,]", "[1 2]", "[",
    "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1 \"b\":2}", "\"", "\"\\", "\"\\x\"",
    "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"",
    "1 2", "NaN", "'a'", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":1}", "[1]x", "\u{FEFF}1",
  ])
  func refuses(text: String) {
    #expect(throws: ActivationFileError.self) { try parse(Array(text.utf8)) }
  }

  @Test func refusesInvalidUTF8() {
    #expect(throws: ActivationFileError.self) { try parse([0x22, 0xC3, 0x28, 0x22]) }
    #expect(throws: ActivationFileError.self) { try parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
  }

  @Test func limitsDepth() throws {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    _ = try parse(nested(StrictJSON.deepest))
    #expect(throws: ActivationFileError.self) { try parse(nested(StrictJSON.deepest + 1)) }
  }
}
