import CKA

/// Jackknife bias and standard error of a similarity.
///
/// With θ the value of all n examples and θ₍ₖ₎ that without example k (Efron & Tibshirani 1993, chapter
/// 11): bias (n−1)(θ̄ − θ) and squared error (n−1)/n·Σ(θ₍ₖ₎ − θ̄)². Nothing is drawn twice: a bootstrap
/// would make similarities of examples with their own copies.
///
/// Debiased CKA of U-centered A and B has θ₍ₖ₎ in closed form. Without example k, what U-centering adds to
/// A_ij is (A_ik + A_jk)/(n−3), since rows add up to zero; and as U-centering is an orthogonal projection,
/// ⟨A₍ₖ₎, B₍ₖ₎⟩ = ⟨A, B⟩ − 2(n−2)/(n−3)·cₖ with example k's contribution cₖ = Σⱼ A_kj·B_kj.
public struct Jackknife: Sendable, Hashable {
  /// θ, of all examples.
  public let value: Double
  /// What the mean of many samples of n would be too high, by the jackknife's account.
  public let bias: Double
  /// The standard deviation of θ over samples of n examples.
  public let standardError: Double

  /// From Σ(θ₍ₖ₎ − θ) and Σ(θ₍ₖ₎ − θ)² over n examples.
  init(value: Double, exampleCount: Int, sum: Double, squares: Double) {
    let n = Double(exampleCount)
    self.value = value
    bias = (n - 1) * (sum / n)
    standardError = ((n - 1) / n * max(squares - sum * sum / n, 0)).squareRoot()
  }

  /// Of values of which each leaves out one example.
  init(value: Double, leavingOneOut values: [Double]) {
    let deviations = values.map { $0 - value }
    self.init(
      value: value, exampleCount: values.count, sum: deviations.reduce(0, +),
      squares: deviations.reduce(0) { $0 + $1 * $1 })
  }

  /// θ ± 1.96 standard errors, within [−1, 1]: 95 % of samples where θ is far from both ends.
  ///
  /// It says how far the value is known, not whether there is any similarity: near 0 a debiased CKA does
  /// not vary like a mean, and `Similarity.z` or a permutation test answers.
  public var interval: ClosedRange<Double> {
    let reach = 1.959963984540054 * standardError
    return max(min(value - reach, 1), -1)...max(min(value + reach, 1), -1)
  }
}

/// ⟨A, B⟩, ⟨A, A⟩ and ⟨B, B⟩, or one example's parts of them.
struct PairProducts {
  var cross: Double
  var left: Double
  var right: Double

  /// ⟨A, B⟩/√(⟨A, A⟩⟨B, B⟩).
  var cosine: Double { cross / (left * right).squareRoot() }

  /// ⟨A₍ₖ₎, B₍ₖ₎⟩, ⟨A₍ₖ₎, A₍ₖ₎⟩ and ⟨B₍ₖ₎, B₍ₖ₎⟩ of all n examples but one, whose parts `example` holds.
  func without(_ example: PairProducts, of n: Int) -> PairProducts {
    let factor = 2 * Double(n - 2) / Double(n - 3)
    return PairProducts(
      cross: cross - factor * example.cross, left: left - factor * example.left,
      right: right - factor * example.right)
  }
}

/// Whether a layer has values without some of its examples.
enum RemainingNorm {
  /// `.ok` where ⟨A₍ₖ₎, A₍ₖ₎⟩ of every example k is known; `.tooFewExamples` where three are left, of which no
  /// U-centered matrix but zero exists; `.lowPrecision` where one example holds all of A beside rounding.
  ///
  /// The closed form takes rows of A to add up to zero, which rounding E spoils by its own row sums: an error of
  /// 4/(n−3)·√(⟨A, A⟩'s part k)·‖E‖ at most, beside that of `isKnown`.
  ///
  /// Of heavy examples, whose rest was U-centered anew, there is no such error.
  ///
  /// - Parameters:
  ///   - weights: Σⱼ A_kj² of every example.
  ///   - total: ⟨A, A⟩, their sum.
  ///   - rounding: ‖E‖, in the same units.
  ///   - heavy: ⟨A₍ₖ₎, A₍ₖ₎⟩ of every heavy example.
  static func statusOfLeavingOneOut(
    weights: [Double], total: Double, rounding: Double, heavy: [Int: Double]
  ) -> Status {
    let n = weights.count
    guard n > 4 else { return .tooFewExamples }
    let isKnown = weights.enumerated().allSatisfy { k, weight in
      if let rest = heavy[k] { return Self.isKnown(rest, rounding: rounding) }
      return Self.isKnown(
        total - factor(n) * weight, rounding: rounding,
        drift: 4 / Double(n - 3) * weight.squareRoot() * rounding)
    }
    return isKnown ? .ok : .lowPrecision
  }

  /// Whether without an example of this weight less than 1/16 of ⟨A, A⟩ is left: the difference is of nearly equal
  /// numbers then.
  static func isHeavy(_ weight: Double, total: Double, exampleCount n: Int) -> Bool {
    n > 4 && total > 0 && total - factor(n) * weight < total / 16
  }

  /// 2(n−2)/(n−3).
  private static func factor(_ n: Int) -> Double { 2 * Double(n - 2) / Double(n - 3) }

  /// Whether `square`, a ‖A‖² after some examples were taken away, is known to 2⁻⁶ of itself at least:
  /// rounding errors of the norm ‖E‖ change it by 2‖A‖‖E‖ + ‖E‖² at most, and `drift` adds to that.
  static func isKnown(_ square: Double, rounding: Double, drift: Double = 0) -> Bool {
    guard square > 0 else { return false }
    return square >= 64 * (rounding * (2 * square.squareRoot() + rounding) + drift)
  }
}
