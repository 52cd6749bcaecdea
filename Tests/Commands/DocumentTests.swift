import Foundation
import TestSupport
import Testing

@testable import Results

/// Documents as files.
@Suite struct DocumentTests {
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

  /// Nothing in a result said when and how it was made.
  @Test func documentsSayWhenAndHowTheyWereMade() throws {
    var cka = try Cka()
    cka.environment["SOURCE_DATE_EPOCH"] = "86400"
    try cka.folder.write(TestModel(layers: 2).npz, to: "m.npz")
    let words = ["compare", "m.npz", "--device", "cpu", "--quiet"]
    try cka.run(words).expectSuccess()
    let result = try ResultDocument(at: "\(cka.folder.path)/cka-result/result.json")
    #expect(result.date == "1970-01-02T00:00:00Z")
    #expect(result.commandLine?.dropFirst() == words[...])
    cka.environment["SOURCE_DATE_EPOCH"] = nil
    try cka.run(words + ["--force"]).expectSuccess()
    let now = try ResultDocument(at: "\(cka.folder.path)/cka-result/result.json")
    let date = try #require(now.date.flatMap { ISO8601DateFormatter().date(from: $0) })
    #expect(abs(date.timeIntervalSinceNow) < 600)
  }
}
