import ArgumentParser
import CKA

extension Estimator.Name: ExpressibleByArgument {}
extension Estimator.Ragged: ExpressibleByArgument {}

/// How CKA is estimated: the options of `compare`.
struct EstimatorOptions: ParsableArguments {
  enum Order: String, ExpressibleByArgument, CaseIterable { case shuffled, stored }

  @Option(
    help: ArgumentHelp(
      "minibatch averages HSIC over minibatches; unbiased and biased use all examples at once."))
  var estimator = Estimator.Name.minibatch

  // What belongs to minibatch alone is optional, so that it can be refused elsewhere.
  @Option(
    help: ArgumentHelp(
      """
      Examples a minibatch, at least 4 (256, or fewer where that would leave out more than 1 % of the \
      examples).
      """, valueName: "B"))
  var batchSize: Int?

  @Option(help: "How often minibatch goes through the examples: once unless given.")
  var passes: Int?

  @Option(help: "The order in which minibatch goes through the examples: shuffled unless given.")
  var order: Order?

  @Option(
    help: """
      What decides the shuffled order and which examples --examples takes, the same for both models and \
      on every machine: 0 unless given.
      """)
  var seed: UInt64?

  @Option(
    help: "What happens to examples that do not fill a minibatch: drop unless given, or keep.")
  var ragged: Estimator.Ragged?

  @OptionGroup(title: "Kernel") var kernel: KernelOptions

  func validate() throws {
    let sizes = 4...Estimator.Minibatches.mostSize
    if let batchSize, !sizes.contains(batchSize) {
      throw ValidationError(
        "--batch-size is \(batchSize): HSIC needs at least 4 examples, and a minibatch has at most "
          + "\(sizes.upperBound); unbiased and biased take all examples at once.")
    }
    let most = Estimator.Minibatches.mostPasses
    if let passes, !(1...most).contains(passes) {
      throw ValidationError("--passes is \(passes): between 1 and \(most).")
    }
    if let passes, passes > 1, order == .stored {
      throw ValidationError(
        "--passes \(passes) with --order stored: all passes would be the same.")
    }
    guard estimator != .minibatch else { return }
    let given = [
      ("--batch-size", batchSize != nil), ("--passes", passes != nil), ("--order", order != nil),
      ("--ragged", ragged != nil),
    ]
    if let (name, _) = given.first(where: \.1) {
      throw ValidationError(
        "\(name) belongs to --estimator minibatch: \(estimator) uses all examples at once.")
    }
  }

  /// Refuses a seed that decides nothing.
  func checkSeed(with examples: ExampleOptions) throws {
    guard seed != nil, examples.examples == nil else { return }
    guard estimator == .minibatch else {
      throw ValidationError(
        "--seed decides nothing: \(estimator) uses all examples at once, and there is no --examples."
      )
    }
    guard order != .stored else {
      throw ValidationError(
        "--seed decides nothing: --order is stored, and there is no --examples.")
    }
  }

  /// What decides the shuffled order and which examples are taken.
  var seedValue: UInt64 { seed ?? 0 }

  /// The estimator of the library.
  var value: Estimator {
    switch estimator {
    case .minibatch:
      .minibatch(
        .init(
          size: batchSize, passes: passes ?? 1,
          order: order == .stored ? .stored : .shuffled(seed: seedValue), ragged: ragged ?? .drop))
    case .unbiased: .unbiased
    case .biased: .biased
    }
  }
}
