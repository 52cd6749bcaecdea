import ArgumentParser
import Inputs

/// Which models are of one architecture.
struct GroupOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      CSV table with the header model,group,seed that assigns models to architectures (default: \
      models whose names differ only in a seed, such as net-seed0 and net-seed1, form one).
      """, valueName: "file"), completion: .file())
  var modelsCsv: String?

  /// The table, or the rule for names.
  var table: ModelTable {
    get throws { try modelsCsv.map { try ModelTable(path: $0) } ?? ModelTable() }
  }
}
