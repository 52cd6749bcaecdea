import Activations
import Report
import Support

extension Report.Table {
  /// The same table as on a terminal.
  init(_ table: TextTable, caption: String? = nil) {
    self.init(
      zip(table.headings, table.alignments).map { $1 == .right ? .number($0) : .text($0) },
      rows: table.rows, caption: caption)
  }
}

extension Report {
  /// The page as a file's bytes.
  package func bytes() throws -> [UInt8] {
    do { return try page() } catch {
      throw Failure(.software, "writing a report: \(oneLine(String(describing: error)))")
    }
  }

  /// A report of this version of the tool.
  init(title: String, facts: [Fact], sections: [Section]) {
    self.init(
      title: title, facts: facts, sections: sections,
      footer: """
        Made by cka \(toolVersion). This page is self-contained and needs no network; the files \
        beside it hold the numbers in full precision.
        """)
  }
}
