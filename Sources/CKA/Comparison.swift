import Activations
import Device
import Support

/// A comparison of all layers of one model with those of another, or of its own.
public struct Comparison: Sendable {
  /// The first model: the rows of the result.
  public let left: any ActivationSource
  /// The second model: the columns; nil to compare the first with itself.
  public let right: (any ActivationSource)?
  /// How CKA is estimated.
  public let estimator: Estimator
  /// What fills the Gram matrices.
  public let kernel: GramKernel
  /// Which examples are compared, and which of the two models' are the same.
  public let pairing: ExamplePairing
  /// Which of the compared examples, counted from 0, form which minibatch.
  public let plan: MinibatchPlan
  /// Meters the work: the meter of the team which does it.
  package var meter: WorkMeter?

  /// Compares the examples of `pairing`; without one all, which both models hold in the same order.
  ///
  /// - Throws: `ComparisonError` where the models do not hold the same examples, or the estimator's
  ///   minibatches cannot be made.
  public init(
    _ left: any ActivationSource, _ right: (any ActivationSource)? = nil,
    pairing: ExamplePairing? = nil, estimator: Estimator = .minibatch(.init()),
    kernel: GramKernel = .linear
  ) throws(ComparisonError) {
    self.pairing = if let pairing { pairing } else { try ExamplePairing(left, right) }
    try self.pairing.check(left, right)
    self.left = left
    self.right = right
    self.estimator = estimator
    self.kernel = kernel
    plan = try MinibatchPlan(estimator, exampleCount: self.pairing.count)
  }

  /// Compares the examples of `pairing` all at once, by an estimator over all examples.
  package init(
    ofAll left: any ActivationSource, _ right: (any ActivationSource)?, pairing: ExamplePairing,
    estimator: Estimator, kernel: GramKernel
  ) {
    self.pairing = pairing
    self.left = left
    self.right = right
    self.estimator = estimator
    self.kernel = kernel
    plan = MinibatchPlan(oneBatchOf: pairing.count)
  }

  /// The minibatch of the compared examples `batch` in each model.
  package func minibatches(_ batch: [Int]) -> (left: Minibatch, right: Minibatch?) {
    // Ascending in the first model, as files are read best; the second follows.
    let batch = batch.sorted()
    return (
      Minibatch(layers: left.layers, examples: batch.map { pairing.left[$0] }, meter: meter),
      right.map {
        Minibatch(layers: $0.layers, examples: batch.map { pairing.right[$0] }, meter: meter)
      }
    )
  }

  /// Bytes of activations that the plan reads, over all passes.
  public var bytesRead: Int {
    let layers = left.layers + (right?.layers ?? [])
    let perExample = layers.reduce(0) { $0 + $1.bytesPerExample }
    return perExample * plan.examplesUsed * plan.passes
  }

  /// Seconds spent, by stage. Of devices that worked at the same time they are added up.
  public struct Timings: Sendable, Hashable {
    /// Making Gram stacks, by the devices' own account.
    public var stages = StageTimings()
    /// Making Gram stacks, by the wall clock.
    public var gramStacks = 0.0
    /// Inner products of all pairs of layers.
    public var pairs = 0.0
    /// What was computed anew in float64.
    public var float64 = 0.0

    package static func += (sum: inout Timings, more: Timings) {
      sum.stages += more.stages
      sum.gramStacks += more.gramStacks
      sum.pairs += more.pairs
      sum.float64 += more.float64
    }

    package init() {}
  }

  /// What a comparison found.
  public struct Outcome: Sendable {
    /// The scores.
    public let similarity: Similarity
    /// What of it was computed anew in float64; nil where float32 served.
    public var recomputed: Recomputed? = nil
    /// The devices that finished minibatches, in the order they were given.
    public let work: [DeviceShare]
    /// Seconds spent, by stage.
    public let timings: Timings
  }
}

/// Models, examples or settings that cannot be compared or analyzed.
public struct ComparisonError: Error, Sendable, CustomStringConvertible {
  /// One sentence that names the models or the setting, what was found and what was expected.
  public let description: String

  package init(_ description: String) { self.description = description }
}

extension ComparisonError: FailureConvertible {
  /// The sentence.
  public var failure: Failure { Failure(.data, oneLine(description)) }
}
