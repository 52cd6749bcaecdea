import ArgumentParser
import Support

/// Bytes of memory, as they stand behind `--memory`.
struct MemorySize: ExpressibleByArgument, Hashable {
  let bytes: Int

  init?(argument: String) {
    guard let bytes = byteCount(argument) else { return nil }
    self.bytes = bytes
  }
}

/// How much memory a command may take.
struct MemoryOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The most memory to take, such as 800M or 4G (K, M, G, T: powers of 1,024): half of what the process may have \
      unless given.
      """, valueName: "size"))
  var memory: MemorySize?
}

/// How much memory an estimate may take, and whether it is made at all.
struct PlanOptions: ParsableArguments {
  enum Median: String, ExpressibleByArgument, CaseIterable { case exact, sample }

  /// Examples that `--median sample` takes the median of.
  static let sampleSize = 1024

  @Option(
    help: ArgumentHelp(
      """
      The most memory to take, such as 800M or 4G (K, M, G, T: powers of 1,024). unbiased and biased \
      plan with half of what the process may have unless given.
      """, valueName: "size"))
  var memory: MemorySize?

  @Option(
    help: """
      For unbiased and biased with rbf's bandwidth by the median: exact, of all pairs of examples, or \
      sample, of those of 1,024 examples spread evenly.
      """)
  var median: Median?

  @Flag(help: "Print what would be done and what it would cost, and write nothing.")
  var dryRun = false
}
