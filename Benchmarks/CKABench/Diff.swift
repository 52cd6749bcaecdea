import Activations
import ArgumentParser
import CommandSupport
import Foundation
import Logging
import Support

/// Two files of figures, row by row.
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares the figures of two runs that --json wrote.",
    discussion: """
      Rows of the same workload, program and device are compared. A row is slower or faster where \
      all runs of one file took longer than all runs of the other, of at least three each: with \
      five and five of equal speed, that happens once in 126 comparisons. Anything less is noise.

      Exit codes: 0 nothing is slower, 1 something is, 65 the files have no figures in common.
      """)

  @Argument(help: ArgumentHelp("Figures from before.", valueName: "old.json"))
  var old: String

  @Argument(help: ArgumentHelp("Figures from after.", valueName: "new.json"))
  var new: String

  func run() throws {
    var isSlower = false
    try reportingFailures {
      let difference = try DocumentDifference(
        Document(readingFrom: old), Document(readingFrom: new))
      let log = Console.bootstrapLogging(isQuiet: false)
      for warning in difference.warnings { log.warning("\(warning)") }
      guard !difference.rows.isEmpty else {
        throw Failure(.data, "\(oneLine(old)) and \(oneLine(new)) have no row in common")
      }
      try Console.print(difference.table, terminator: "")
      isSlower = difference.rows.contains { $0.verdict == .slower }
    }
    if isSlower { throw ExitCode(1) }
  }
}

/// What changed between two files of figures.
struct DocumentDifference {
  enum Verdict: String {
    case slower, faster
    case same = "within noise"
    case unknown = "too few runs"
  }

  struct Row {
    let old: Document.Row
    let new: Document.Row
    let verdict: Verdict
  }

  /// What makes the comparison doubtful.
  private(set) var warnings: [String] = []
  /// In the order of the new file.
  private(set) var rows: [Row] = []

  init(_ old: Document, _ new: Document) {
    if old.command != new.command {
      warnings.append(
        "one file is of \(oneLine(old.command)), the other of \(oneLine(new.command))")
    }
    if old.machine != new.machine {
      let (before, after) = (oneLine(old.machine.summary), oneLine(new.machine.summary))
      warnings.append(
        before == after
          ? "the machines' systems or libraries differ" : "the machines differ: \(before); \(after)"
      )
    }
    var rest = old.rows
    var added = 0
    for row in new.rows {
      guard let index = rest.firstIndex(where: { $0.isSameWork(as: row) }) else {
        added += 1
        continue
      }
      let before = rest.remove(at: index)
      rows.append(Row(old: before, new: row, verdict: Self.verdict(before.seconds, row.seconds)))
    }
    if added > 0 { warnings.append("\(added) rows are only in the new file") }
    if !rest.isEmpty { warnings.append("\(rest.count) rows are only in the old file") }
  }

  /// Beyond noise where the two sets of runs do not overlap.
  static func verdict(_ old: Spread, _ new: Spread) -> Verdict {
    guard old.runs.count >= 3, new.runs.count >= 3 else { return .unknown }
    if new.least > old.most { return .slower }
    if new.most < old.least { return .faster }
    return .same
  }

  var table: String {
    var table = TextTable([
      ("workload", .left), ("program", .left), ("device", .left), ("old", .right), ("new", .right),
      ("change", .right), ("verdict", .left), ("memory", .right), ("error", .right),
    ])
    for row in rows {
      let change = 100 * (row.new.seconds.median / row.old.seconds.median - 1)
      table.add([
        oneLine(row.new.key), oneLine(row.new.program), oneLine(row.new.device),
        Format.seconds(row.old.seconds.median), Format.seconds(row.new.seconds.median),
        String(format: "%+.1f %%", change), row.verdict.rawValue,
        "\(Format.bytes(row.old.peakMemory)) → \(Format.bytes(row.new.peakMemory))",
        [row.old.error, row.new.error].map { $0.map(Format.scientific) ?? "–" }
          .joined(separator: " → "),
      ])
    }
    return table.text
  }
}

extension Document.Row {
  /// The workload's name, with its shape where the name does not tell.
  fileprivate var key: String {
    let shape = ["custom", "scaling"].contains(workload.name) ? ": \(workload.description)" : ""
    return workload.name + shape + (threads.map { ", \($0) threads" } ?? "")
  }

  fileprivate func isSameWork(as other: Document.Row) -> Bool {
    // A peer's version and the way it was fastest may change: that is what is compared.
    workload == other.workload && threads == other.threads
      && program.prefix { $0 != " " } == other.program.prefix { $0 != " " }
      && (device == other.device || program != "cka")
  }
}

extension Machine {
  fileprivate var summary: String { "\(processor), \(cores) cores" }
}
