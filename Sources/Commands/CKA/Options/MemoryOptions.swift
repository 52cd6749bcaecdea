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
      Memory limit, such as 800M or 4G (K, M, G, T: powers of 1,024). A hard limit: if it cannot \
      be kept, the smallest value that works is named before anything starts (default: half of the \
      memory of this process).
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
      Memory limit, such as 800M or 4G (K, M, G, T: powers of 1,024). A hard limit: if it cannot \
      be kept, the smallest value that works is named before anything starts (default for unbiased \
      and biased: half of the memory of this process).
      """, valueName: "size"))
  var memory: MemorySize?

  @Option(
    help: """
      The median that sets the RBF bandwidth of unbiased and biased: exact, over all pairs of \
      examples, or sample, over 1,024 evenly spaced examples.
      """)
  var median: Median?

  @Flag(help: "Print the plan and its cost; write nothing.")
  var dryRun = false
}
