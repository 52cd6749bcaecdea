import ArgumentParser
import CKA
import CommandSupport

extension Estimator.Name: ExpressibleByArgument {}
extension Estimator.Ragged: ExpressibleByArgument {}

/// How CKA is estimated: the options of `compare`.
struct EstimatorOptions: ParsableArguments {
  enum Order: String, ExpressibleByArgument, CaseIterable { case shuffled, stored }

  @Option(
    help: ArgumentHelp(
      "minibatch averages HSIC over minibatches; unbiased and biased use all examples at once."))
  var estimator = Estimator.Name.minibatch

  // Options of minibatch are optional, so that other estimators can reject them.
  @Option(
    help: ArgumentHelp(
      """
      Examples per minibatch, at least 4 (default: 256, or fewer if 256 would drop more than 1 % \
      of the examples).
      """, valueName: "B"))
  var batchSize: Int?

  @Option(help: "Number of passes of minibatch over the examples (default: 1).")
  var passes: Int?

  @Option(help: "Order of the examples for minibatch (default: shuffled).")
  var order: Order?

  @Option(
    help: """
      Random seed of the shuffled order and of --examples; the same for both models and on every \
      machine (default: 0).
      """)
  var seed: UInt64?

  @Option(
    help: "Whether to drop or keep examples that do not fill a minibatch (default: drop).")
  var ragged: Estimator.Ragged?

  @OptionGroup(title: "Kernel") var kernel: KernelOptions

  func validate() throws {
    try checkRange("--batch-size", batchSize, 4...Estimator.Minibatches.mostSize)
    try checkRange("--passes", passes, 1...Estimator.Minibatches.mostPasses)
    if let passes, passes > 1, order == .stored {
      throw ValidationError(
        "--passes \(passes) has no effect with --order stored: every pass would be the same.")
    }
    let given = [
      ("--batch-size", batchSize != nil), ("--passes", passes != nil), ("--order", order != nil),
      ("--ragged", ragged != nil),
    ]
    if estimator != .minibatch, let (name, _) = given.first(where: \.1) {
      throw ValidationError(
        "\(name) needs --estimator minibatch; \(estimator) uses all examples at once.")
    }
  }

  /// Rejects a seed that has no effect.
  func checkSeed(with examples: ExampleOptions) throws {
    guard seed != nil, examples.examples == nil, estimator != .minibatch || order == .stored else {
      return
    }
    let reason =
      estimator == .minibatch ? "--order is stored" : "\(estimator) uses all examples at once"
    throw ValidationError("--seed has no effect: \(reason), and --examples is not given.")
  }

  /// Whether σ comes from a median over pairs of all examples.
  var takesMedian: Bool { estimator != .minibatch && kernel.kernel == .rbf && kernel.sigma == nil }

  /// What decides the shuffled order and which examples are taken.
  var seedValue: UInt64 { seed ?? 0 }

  /// The estimator of the library.
  var value: Estimator {
    Estimator(
      estimator,
      .init(
        size: batchSize, passes: passes ?? 1,
        order: order == .stored ? .stored : .shuffled(seed: seedValue), ragged: ragged ?? .drop))
  }
}
