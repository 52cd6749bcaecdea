import Glibc

/// Pearson's distribution of type III, of mean 0, variance 1 and a skewness γ: a shifted gamma distribution, for γ = 0
/// the normal one. It is that of χ² where γ = √(8/ν).
public struct PearsonIII: Sendable, Hashable {
  /// γ.
  public let skewness: Double

  /// See the property.
  public init(skewness: Double) { self.skewness = skewness }

  /// Below it a gamma distribution of 160,000 degrees of freedom and more is a normal one within γ/6 of its density.
  private static let leastSkewness = 0.005

  /// P(Z ≥ z).
  public func upperTail(_ z: Double) -> Double {
    guard abs(skewness) >= Self.leastSkewness else { return Normal.cumulative(-z) }
    // Z = (G − k)/√k with G of the shape k = 4/γ²; of a negative skewness, −Z.
    let shape = 4 / (skewness * skewness)
    let root = shape.squareRoot()
    return skewness > 0
      ? incompleteGamma(shape, shape + z * root).upper
      : incompleteGamma(shape, shape - z * root).lower
  }
}

/// The shares of a gamma distribution of the shape a below and above x; 0 and 1 for x ≤ 0.
func incompleteGamma(_ a: Double, _ x: Double) -> (lower: Double, upper: Double) {
  guard x > 0 else { return (0, 1) }
  // x^a e^−x/Γ(a), by the deviance: the powers themselves overflow.
  let factor = exp(-deviance(a, x) - stirlingError(a)) * (a / (2 * Double.pi)).squareRoot()
  if x < a + 1 {
    // The series Σ x^k/(a(a + 1)…(a + k)).
    var (term, sum, k) = (1 / a, 1 / a, 0.0)
    while term > sum * .ulpOfOne {
      k += 1
      term *= x / (a + k)
      sum += term
    }
    let lower = min(factor * sum, 1)
    return (lower, 1 - lower)
  }
  let fraction = continuedFraction(first: x + 1 - a) { k in (-k * (k - a), x + 2 * k + 1 - a) }
  let upper = min(factor / fraction, 1)
  return (1 - upper, upper)
}
