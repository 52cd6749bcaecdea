import Synchronization

/// Which examples form which minibatch.
///
/// Memory does not grow with the passes: each order is computed when needed.
public struct MinibatchPlan: Sendable {
  /// The minibatches in the order they are worked on; each a list of examples.
  public let batches: Batches
  /// Passes over the examples.
  public let passes: Int
  /// Examples of a full minibatch.
  public let batchSize: Int
  /// Examples in the minibatches of one pass.
  public let examplesUsed: Int
  /// Examples left out of each pass.
  public let examplesDropped: Int

  /// The plan of `estimator` for `exampleCount` examples.
  ///
  /// The full estimators, and minibatches larger than the examples are many, make one batch of all.
  ///
  /// - Throws: where there are fewer than no examples, or the settings of minibatches are out of range.
  public init(_ estimator: Estimator, exampleCount n: Int) throws(ComparisonError) {
    guard n >= 0 else { throw ComparisonError("\(n) examples: the number cannot be negative") }
    guard case .minibatch(let settings) = estimator else {
      self.init(oneBatchOf: n)
      return
    }
    try settings.check()
    let size = settings.size ?? Estimator.Minibatches.size(forExamples: n)
    guard n > size else {
      // One batch of all is the same in every pass.
      self.init(oneBatchOf: n)
      return
    }
    let rest = n % size
    let keepsRest = settings.ragged == .keep && rest >= estimator.centering.leastExamples
    self.init(settings, size: size, exampleCount: n, used: keepsRest ? n : n - rest)
  }

  /// All examples at once.
  init(oneBatchOf n: Int) {
    self.init(.init(order: .stored), size: n, exampleCount: n, used: n)
  }

  private init(_ settings: Estimator.Minibatches, size: Int, exampleCount n: Int, used: Int) {
    batches = Batches(
      order: settings.order, exampleCount: n, used: used, size: size, passes: settings.passes)
    passes = settings.passes
    batchSize = size
    examplesUsed = used
    examplesDropped = n - used
  }

  /// The variance of the sum over all passes, in units of what it would be if minibatches of different
  /// passes had nothing to do with each other, when the examples are paired at random.
  ///
  /// 1 + (P − 1)·ρ for P passes. With m minibatches of bₖ examples a pass, N = n(n − 3) and
  /// Nₖ = bₖ(bₖ − 3), two passes correlate by ρ = m²/(N·Σ1/Nₖ), which is (b − 3)/(n − 3) where all
  /// minibatches are full; passes in stored order are all the same (`Documentation/Numerics.md`).
  public var varianceInflation: Double {
    guard passes > 1 else { return 1 }
    guard case .shuffled = batches.order else { return Double(passes) }
    func pairs(_ count: Int) -> Double { Double(count) * Double(count - 3) }
    let count = Double(batches.perPass)
    let inverses = (0..<batches.perPass).reduce(0) { $0 + 1 / pairs(batches.size(of: $1)) }
    let correlation = count * count / (pairs(batches.exampleCount) * inverses)
    return 1 + Double(passes - 1) * correlation
  }

  /// The permutation of `0 ..< count` that pass `pass` follows: Fisher and Yates's shuffle from the
  /// last position down, with bounded numbers by Lemire's method from a SplitMix64 generator. The
  /// generator starts from the first output of one seeded with
  /// `seed + pass · 0xD1B54A32D192ED03` (mod 2⁶⁴). The same on every machine; empty for a `count`
  /// below 1.
  package static func permutation(of count: Int, seed: UInt64, pass: Int) -> [Int] {
    var generator = generator(seed: seed, pass: pass)
    var result = Array(0..<max(count, 0))
    for last in stride(from: count - 1, to: 0, by: -1) {
      result.swapAt(last, Int(generator.next(below: UInt64(last) + 1)))
    }
    return result
  }

  static func generator(seed: UInt64, pass: Int) -> SplitMix64 {
    var first = SplitMix64(seed: seed &+ UInt64(truncatingIfNeeded: pass) &* 0xD1B5_4A32_D192_ED03)
    return SplitMix64(seed: first.next())
  }
}

extension MinibatchPlan {
  /// The minibatches of all passes. Lists of examples are made when they are asked for.
  public struct Batches: RandomAccessCollection, Sendable {
    let order: Estimator.Order
    let exampleCount: Int
    /// Examples of one pass.
    let used: Int
    private let size: Int
    private let passes: Int
    private let orders = RecentOrders()

    init(order: Estimator.Order, exampleCount: Int, used: Int, size: Int, passes: Int) {
      self.order = order
      self.exampleCount = exampleCount
      self.used = used
      self.size = Swift.max(size, 1)
      self.passes = passes
    }

    /// Minibatches of one pass; of no examples there is one, an empty one.
    public var perPass: Int { Swift.max((used + size - 1) / size, 1) }
    /// 0.
    public var startIndex: Int { 0 }
    /// How many minibatches there are, over all passes.
    public var endIndex: Int { passes * perPass }

    /// How many examples minibatch `index` has.
    public func size(of index: Int) -> Int {
      let start = index % perPass * size
      return Swift.min(start + size, used) - start
    }

    /// Examples of the largest minibatch.
    public var largest: Int { Swift.min(size, used) }

    /// The examples of minibatch `index`, in the order of its pass.
    public subscript(index: Int) -> [Int] {
      let start = index % perPass * size
      let range = start..<(start + size(of: index))
      switch order {
      case .stored: return Array(range)
      case .shuffled(let seed):
        return Array(
          orders.order(ofPass: index / perPass) { pass in
            permutation(of: exampleCount, seed: seed, pass: pass)
          }[range])
      }
    }
  }

  /// The orders of the last passes that were asked for: devices that share minibatches are in two at
  /// the most, and what reads ahead in one more.
  private final class RecentOrders: Sendable {
    private let kept = Mutex<[(pass: Int, order: [Int])]>([])
    private static let most = 3

    func order(ofPass pass: Int, make: (Int) -> [Int]) -> [Int] {
      kept.withLock { kept in
        if let known = kept.first(where: { $0.pass == pass }) { return known.order }
        if kept.count == Self.most { kept.removeFirst() }
        let order = make(pass)
        kept.append((pass, order))
        return order
      }
    }
  }
}

/// SplitMix64 (Steele, Lea & Flood 2014).
package struct SplitMix64 {
  private var state: UInt64

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= Self.step
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Steps the generator back by one output.
  mutating func goBack() { state &-= Self.step }

  /// A number below `bound`, all equally likely (Lemire 2019).
  mutating func next(below bound: UInt64) -> UInt64 {
    draw(below: bound).number
  }

  /// The same, and how many outputs before it were refused: each with a probability below bound/2⁶⁴.
  mutating func draw(below bound: UInt64) -> (number: UInt64, refused: Int) {
    let threshold = (0 &- bound) % bound
    var refused = 0
    while true {
      let (high, low) = next().multipliedFullWidth(by: bound)
      if low >= threshold { return (high, refused) }
      refused += 1
    }
  }
}
