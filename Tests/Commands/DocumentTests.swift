import Foundation
import TestSupport
import Testing

@testable import Results

/// Documents as files.
@Suite struct DocumentTests {
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
