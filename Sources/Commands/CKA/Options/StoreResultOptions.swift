import ArgumentParser
import CommandSupport
import Inputs
import Logging
import ResultFigures
import Results
import Support
import SweepStore

/// What is written of all pairs of models of a store.
struct StoreResultOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      CSV table with the header model,group,seed that assigns models to architectures (default: \
      models whose names differ only in a seed, such as net-seed0 and net-seed1, form one).
      """, valueName: "file"), completion: .file())
  var modelsCsv: String?

  @Flag(
    help: """
      Also write results/pairs.csv: one line (about 80 bytes) for every pair of layers of every \
      pair of models.
      """)
  var table = false

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

  /// Those of the options that say how results look, as far as they are given.
  var given: [String] {
    [("--report", page.isWanted), ("--table", table), ("--models-csv", modelsCsv != nil)]
      .filter(\.1).map(\.0)
  }

  /// Which models are of one architecture: the table, or the rule for names.
  var groups: ModelTable {
    get throws { try modelsCsv.map { try ModelTable(path: $0) } ?? ModelTable() }
  }

  /// Writes the results of a store beside its data, and says what there is.
  func write(_ results: SweepResults, groups: ModelTable, log: Logger) throws {
    let start = ContinuousClock.now
    let count = results.models.count
    Progress.begin(isQuiet: quiet)
    Progress.meter.begin(Double(count * (count + 1) / 2), as: "results")
    defer { Progress.meter.end() }
    var outputs = try SweepOutputs(results, table: groups, warn: Console.warning)
    let summary = try outputs.write(table: table, report: page.isWanted) {
      Progress.meter.reach($0)
    }
    for warning in summary.warnings { log.warning("\(warning)") }
    guard !quiet else { return }
    try Console.print(
      summary.text(seconds: start.elapsed, table: table, report: page.isWanted))
  }
}
