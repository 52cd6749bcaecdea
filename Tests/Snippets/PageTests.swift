import Foundation
import Testing

/// The page of the snippets says what is compiled here.
@Suite struct PageTests {
  private static let page = "\(Snippets.root)/Sources/Results/Results.docc/UseTheLibrary.md"
  private static let names = [
    "compare", "trust", "converge", "components", "blocks", "probe", "errors", "sweep", "merge",
    "plot", "inspect", "devices", "verify",
  ]

  @Test(arguments: names) func pageHoldsTheSnippet(_ name: String) throws {
    let file = "\(Snippets.root)/Tests/Snippets/\(name.capitalized).swift"
    let snippet = try Self.snippet(try String(contentsOfFile: file, encoding: .utf8))
    let page = try String(contentsOfFile: Self.page, encoding: .utf8)
    let section = try #require(
      page.components(separatedBy: "\n## ").first { $0.hasPrefix("\(name.capitalized)\n") })
    let code = try #require(section.components(separatedBy: "```swift\n").dropFirst().first)
    #expect(code.components(separatedBy: "```")[0] == snippet)
  }

  @Test func pageHasNoOtherSections() throws {
    let page = try String(contentsOfFile: Self.page, encoding: .utf8)
    let headings = page.components(separatedBy: "\n## ").dropFirst().map {
      String($0.prefix { $0 != "\n" })
    }
    #expect(headings == Self.names.map(\.capitalized))
  }

  /// The libraries that a file imports, but for those of tests, and the lines between its two comments, as they
  /// stand in the page.
  private static func snippet(_ source: String) throws -> String {
    let lines = source.components(separatedBy: "\n")
    let first = try #require(lines.firstIndex { $0.hasSuffix("// Snippet begins.") })
    let last = try #require(lines.firstIndex { $0.hasSuffix("// Snippet ends.") })
    let indent = lines[first].prefix { $0 == " " }.count
    let body = lines[first + 1..<last].map { String($0.dropFirst(indent)) }
    let imports = lines.filter { $0.hasPrefix("import ") && !$0.hasSuffix("// Of the test.") }
    return
      (imports.filter { !["import Testing", "import TestSupport"].contains($0) } + [""] + body)
      .joined(separator: "\n") + "\n"
  }
}
