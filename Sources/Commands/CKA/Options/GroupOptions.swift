import ArgumentParser
import Inputs

/// Which models are of one architecture.
struct GroupOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A table with the header model,group,seed: which models are one architecture. Without it, names \
      that differ in a seed only (net-seed0, net_s1) are.
      """, valueName: "file"), completion: .file())
  var modelsCsv: String?

  /// The table, or the rule for names.
  var table: ModelTable {
    get throws { try modelsCsv.map { try ModelTable(path: $0) } ?? ModelTable() }
  }
}
