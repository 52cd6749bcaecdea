import Activations
import ArgumentParser
import Report
import Support

/// Whether a command also writes its result as a page.
struct ReportOption: ParsableArguments {
  @Flag(
    name: .customLong("report"),
    help: """
      Also write report.html: the result as one page for a browser, which needs no network.
      """)
  var isWanted = false
}

extension Report.Table {
  /// The same table as on a terminal.
  init(_ table: TextTable, caption: String? = nil) {
    self.init(
      zip(table.headings, table.alignments).map { $1 == .right ? .number($0) : .text($0) },
      rows: table.rows, caption: caption)
  }
}

extension Report {
  /// What a page is called in the folder of a result.
  static let fileName = "report.html"

  /// The page as a file's bytes.
  func bytes() throws -> [UInt8] {
    do { return try page() } catch {
      throw Failure(.software, "writing a report: \(oneLine(String(describing: error)))")
    }
  }

  /// A report of this version of the tool.
  init(title: String, facts: [Fact], sections: [Section]) {
    self.init(
      title: title, facts: facts, sections: sections,
      footer: """
        Made by cka \(toolVersion). The page holds all that it shows and opens without a network; the \
        numbers with all their digits are in the files beside it.
        """)
  }
}
