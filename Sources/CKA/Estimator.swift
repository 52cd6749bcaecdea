import Device

/// How CKA is estimated from examples. Formulas: `Documentation/Numerics.md`.
public enum Estimator: Sendable, Hashable {
  /// HSIC₁ of each minibatch, averaged over minibatches and passes, divided last (Nguyen, Raghu &
  /// Kornblith 2021, equation 2).
  case minibatch(Minibatches)
  /// HSIC₁ of all examples at once, "debiased CKA" (Song et al. 2012; Nguyen et al. 2021,
  /// equation 3).
  case unbiased
  /// HSIC₀ of all examples at once (Kornblith et al. 2019; Nguyen et al. 2021, equation 1).
  case biased

  /// How the examples are divided into minibatches.
  public struct Minibatches: Sendable, Hashable {
    /// b: examples a minibatch, at least 4 and `mostSize` at the most; nil for `size(forExamples:)`. The
    /// paper takes 256.
    public var size: Int?
    /// How often all examples are gone through, at least once and `mostPasses` times at the most. The
    /// paper takes 10.
    public var passes: Int
    /// The order in which a pass goes through the examples.
    public var order: Order
    /// What happens to the examples left over at the end of a pass.
    public var ragged: Ragged

    /// Minibatches of one shuffled pass, leaving out what does not fill one.
    public init(
      size: Int? = nil, passes: Int = 1, order: Order = .shuffled(seed: 0), ragged: Ragged = .drop
    ) {
      self.size = size
      self.passes = passes
      self.order = order
      self.ragged = ragged
    }

    /// More examples at a time are for the estimators over all examples, which take any number.
    public static let mostSize = GramKernel.mostExamplesOfOneMatrix

    /// More passes change no printed digit: errors fall as 1/√passes.
    public static let mostPasses = 1_000_000

    /// The minibatch size for n examples where none is chosen: 256, or, where that would leave out more
    /// than one example of a hundred, the largest of at most 256 that divides the examples evenly into
    /// as few minibatches, ⌊n / ⌈n / 256⌉⌋.
    public static func size(forExamples n: Int) -> Int {
      let size = 256
      guard n > size, n % size > n / 100 else { return size }
      return n / ((n + size - 1) / size)
    }

    /// - Throws: where a setting is out of its range.
    func check() throws(ComparisonError) {
      let least = GramCentering.unbiased.leastExamples
      if let size, !(least...Self.mostSize).contains(size) {
        throw ComparisonError(
          "minibatches of \(size): they have \(least) to \(Self.mostSize) examples")
      }
      guard (1...Self.mostPasses).contains(passes) else {
        throw ComparisonError("\(passes) passes: there can be 1 to \(Self.mostPasses)")
      }
    }
  }

  /// The order in which a pass goes through the examples.
  public enum Order: Sendable, Hashable {
    /// A permutation of its own for each pass: `permutation(of:seed:pass:)`.
    case shuffled(seed: UInt64)
    /// As stored; all passes are alike.
    case stored
  }

  /// What happens to the examples that do not fill a minibatch.
  public enum Ragged: String, Sendable, Hashable, CaseIterable {
    /// They are left out of this pass.
    case drop
    /// They make a smaller minibatch, where they are at least four. It weighs as much as a full
    /// one.
    case keep
  }

  /// How Gram matrices are centered for this estimator.
  public var centering: GramCentering {
    if case .biased = self { .biased } else { .unbiased }
  }

  /// How results call it.
  public var name: String {
    switch self {
    case .minibatch: "minibatch"
    case .unbiased: "unbiased"
    case .biased: "biased"
    }
  }
}
