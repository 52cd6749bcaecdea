import Foundation
import Testing

@testable import Results

/// Numbers and names in the bytes of files.
@Suite struct OutputBytesTests {
  private struct Numbers: Encodable {
    struct Part: Encodable { var value: Float }
    var name: String
    var one: Double
    var several: [Double]
    var perhaps: Double?
    var parts: [String: [Part]]
  }

  /// One infinity ended a command with an EncodingError after all its work.
  @Test func numbersThatJSONLacksAreNull() throws {
    let numbers = Numbers(
      name: "\"nan\" inf", one: -.infinity, several: [1.5, .nan, 1e308], perhaps: .infinity,
      parts: ["a": [.init(value: .nan), .init(value: 2)]])
    let object = try JSONSerialization.jsonObject(with: Data(numbers.json))
    let found = try #require(object as? NSDictionary)
    #expect(
      found == [
        "name": "\"nan\" inf", "one": NSNull(), "several": [1.5, NSNull(), 1e308] as [Any],
        "perhaps": NSNull(), "parts": ["a": [["value": NSNull()], ["value": 2]]],
      ])
    #expect(try numbers.json == numbers.json)
  }

  @Test func numbersThatDoNotExistAreEmptyInTables() {
    #expect([1.5, .nan, .infinity, -.infinity].map(csvNumber) == ["1.5", "", "", ""])
  }

  @Test func quotationMarksInTablesAreDoubled() {
    #expect(
      String(decoding: csvLine(["a\"b", "\"\u{301},"]), as: UTF8.self)
        == "\"a\"\"b\",\"\"\"\u{301},\"\n")
  }
}
