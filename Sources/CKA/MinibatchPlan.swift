/// Which examples form which minibatch.
public struct MinibatchPlan: Sendable {
  /// The minibatches in the order they are worked on; each a list of examples.
  public let batches: [[Int]]
  /// Passes over the examples.
  public let passes: Int
  /// Examples in the minibatches of one pass.
  public let examplesUsed: Int
  /// Examples left out of each pass.
  public let examplesDropped: Int

  /// The plan of `estimator` for `exampleCount` examples.
  ///
  /// The full estimators, and minibatches larger than the examples are many, make one batch of all.
  public init(_ estimator: Estimator, exampleCount n: Int) {
    guard case .minibatch(let settings) = estimator, n > settings.size else {
      let passes = if case .minibatch(let settings) = estimator { settings.passes } else { 1 }
      // One batch of all is the same in every pass.
      batches = [Array(0..<n)]
      self.passes = min(passes, 1)
      examplesUsed = n
      examplesDropped = 0
      return
    }
    let rest = n % settings.size
    let keepsRest = settings.ragged == .keep && rest >= estimator.centering.leastExamples
    let used = keepsRest ? n : n - rest
    var batches: [[Int]] = []
    for pass in 0..<settings.passes {
      let order =
        switch settings.order {
        case .stored: Array(0..<n)
        case .shuffled(let seed): Self.permutation(of: n, seed: seed, pass: pass)
        }
      for start in stride(from: 0, to: used, by: settings.size) {
        batches.append(Array(order[start..<min(start + settings.size, used)]))
      }
    }
    self.batches = batches
    passes = settings.passes
    examplesUsed = used
    examplesDropped = n - used
  }

  /// The permutation of `0 ..< count` that pass `pass` follows: Fisher and Yates's shuffle from the
  /// last position down, with bounded numbers by Lemire's method from a SplitMix64 generator. The
  /// generator starts from the first output of one seeded with
  /// `seed + pass · 0xD1B54A32D192ED03` (mod 2⁶⁴). The same on every machine.
  public static func permutation(of count: Int, seed: UInt64, pass: Int) -> [Int] {
    var first = SplitMix64(seed: seed &+ UInt64(truncatingIfNeeded: pass) &* 0xD1B5_4A32_D192_ED03)
    var generator = SplitMix64(seed: first.next())
    var result = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      result.swapAt(last, Int(generator.next(below: UInt64(last) + 1)))
    }
    return result
  }
}

/// SplitMix64 (Steele, Lea & Flood 2014).
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number below `bound`, all equally likely (Lemire 2019).
  mutating func next(below bound: UInt64) -> UInt64 {
    let threshold = (0 &- bound) % bound
    while true {
      let (high, low) = next().multipliedFullWidth(by: bound)
      if low >= threshold { return high }
    }
  }
}
