import Activations
import CKA
import Device

/// Minibatch CKA beside the exact value, for batch sizes and numbers of passes.
///
/// HSIC₁ of a minibatch is an unbiased estimate of HSIC₁ of all examples (Nguyen, Raghu & Kornblith
/// 2021, Proposition 1): their mean comes closer to it with every pass. How close it is, and what is
/// left by the ratio of three such means, is measured here: each batch size is run in several
/// independent orders, whose estimates are compared with the exact value, pair of layers by pair.
public struct Convergence: Sendable {
  /// What the estimates are compared with: HSIC₁ of all examples at once.
  public internal(set) var exact: Comparison
  /// b: examples a minibatch, ascending, below the number of examples.
  public let batchSizes: [Int]
  /// Numbers of passes, ascending. The longest run holds all shorter ones: each minibatch is made once.
  public let passes: [Int]
  /// Independent orders; that of repeat r is the shuffled order of `seed` + r.
  public let repeats: Int
  /// The first order's seed.
  public let seed: UInt64

  /// See the properties. Batch sizes that are not below the number of examples are left out: a batch of
  /// all examples is the exact value.
  ///
  /// - Parameters:
  ///   - left: the first model.
  ///   - right: the second; nil for the first with itself.
  ///   - pairing: which examples are compared; without it all, which both models hold in the same order.
  ///   - kernel: the function of two examples.
  ///   - batchSizes: examples a minibatch, each at least 4.
  ///   - passes: numbers of passes.
  ///   - repeats: independent orders.
  ///   - seed: that of the first order.
  /// - Throws: `ComparisonError` where the models do not hold the same examples, a batch size is below 4, or
  ///   passes or repeats are none or more than `mostPasses` and `mostRepeats`.
  public init(
    _ left: any ActivationSource, _ right: (any ActivationSource)? = nil,
    pairing: ExamplePairing? = nil, kernel: GramKernel = .linear, batchSizes: [Int],
    passes: [Int], repeats: Int, seed: UInt64 = 0
  ) throws(ComparisonError) {
    if let small = batchSizes.first(where: { $0 < GramCentering.unbiased.leastExamples }) {
      throw ComparisonError("minibatches of \(small) examples; expected at least 4")
    }
    guard !passes.isEmpty, passes.allSatisfy({ (1...Self.mostPasses).contains($0) }) else {
      throw ComparisonError("passes \(passes): each 1 to \(Self.mostPasses)")
    }
    guard (1...Self.mostRepeats).contains(repeats) else {
      throw ComparisonError("\(repeats) repeats: 1 to \(Self.mostRepeats)")
    }
    exact = try Comparison(left, right, pairing: pairing, estimator: .unbiased, kernel: kernel)
    let count = exact.pairing.count
    self.batchSizes = Set(batchSizes).filter { $0 < count }.sorted()
    self.passes = Set(passes).sorted()
    self.repeats = repeats
    self.seed = seed
  }

  /// The most passes of a run: fewer than `Estimator.Minibatches.mostPasses`, as each of up to `mostRepeats`
  /// orders makes all of them for every batch size.
  public static let mostPasses = 1000
  /// The most orders.
  public static let mostRepeats = 1000

  /// The longest run of one batch size in one order.
  ///
  /// - Throws: where there are too few examples a minibatch.
  public func comparison(
    batchSize: Int, repeat number: Int
  ) throws(ComparisonError) -> Comparison {
    var comparison = try Comparison(
      exact.left, exact.right, pairing: exact.pairing,
      estimator: .minibatch(
        .init(
          size: batchSize, passes: passes[passes.count - 1],
          order: .shuffled(seed: seed &+ UInt64(truncatingIfNeeded: number)))),
      kernel: exact.kernel)
    comparison.meter = exact.meter
    return comparison
  }

  /// Minibatches of one pass; the examples that do not fill one are left out.
  public func minibatches(batchSize: Int) -> Int { exact.pairing.count / batchSize }

  /// Minibatches of all runs, and the exact value's batch of all examples.
  public var minibatchCount: Int {
    let ofOneOrder = batchSizes.reduce(0) { $0 + minibatches(batchSize: $1) }
    return 1 + ofOneOrder * passes[passes.count - 1] * repeats
  }

  /// How often all activations are read.
  public var readings: Int { 1 + batchSizes.count * passes[passes.count - 1] * repeats }

  /// What was found.
  public struct Outcome: Sendable {
    /// The exact value.
    public let exact: Similarity
    /// One a batch size and number of passes, the passes fastest.
    public let points: [Point]
    /// The devices that did it.
    public let work: [DeviceShare]
    /// Seconds spent, by stage.
    public let timings: Comparison.Timings
  }
}

extension Convergence {
  /// How far the estimates of one batch size and number of passes are from the exact value.
  ///
  /// e is an estimate less the exact value, of one pair of layers in one repeat. Counted are pairs
  /// whose exact value and estimates all exist; of one model, pairs of two layers, each once.
  public struct Point: Sendable {
    /// b.
    public let batchSize: Int
    /// How often all examples were gone through.
    public let passes: Int
    /// Minibatches of one repeat.
    public let minibatches: Int
    /// Pairs of layers that count.
    public let pairs: Int
    /// Pairs that have an exact value and no estimate in at least one repeat.
    public let undefinedPairs: Int
    /// Pairs without an exact value, as those of a constant layer.
    public let pairsWithoutExact: Int
    /// The mean of |e| over pairs, one a repeat.
    public let meanErrors: [Double]
    /// The 95th percentile of |e| over pairs and repeats (nearest rank).
    public let percentile95: Double
    /// The largest |e| of all pairs and repeats.
    public let largest: Double
    /// The mean of e over pairs, one a repeat.
    public let meanDeviations: [Double]
    /// √(mean of e² over repeats): layers × layers, NaN where a pair does not count. A layer with
    /// itself is 0.
    public let rootMeanSquares: Matrix<Double>

    /// The mean of |e| over pairs and repeats; NaN where no pair counts, as all that follow.
    public var meanError: Double { mean(meanErrors) }
    /// The standard deviation of the repeats' mean errors; NaN for one repeat.
    public var spread: Double { standardDeviation(meanErrors) }
    /// The mean of e over pairs and repeats: what no number of repeats takes away.
    public var bias: Double { mean(meanDeviations) }
    /// The standard error of `bias`, from its spread over repeats; NaN for one repeat.
    public var biasError: Double {
      standardDeviation(meanDeviations) / Double(meanDeviations.count).squareRoot()
    }
  }
}

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

/// With the denominator n − 1.
func standardDeviation(_ values: [Double]) -> Double {
  let center = mean(values)
  let squares = values.reduce(0) { $0 + ($1 - center) * ($1 - center) }
  return (squares / Double(values.count - 1)).squareRoot()
}
