import Glibc

/// The standard normal distribution.
public enum Normal {
  /// P(Z ≤ z), to about 1e-15 of itself.
  public static func cumulative(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }
}

/// Student's t distribution.
public struct StudentT: Sendable, Hashable {
  /// ν > 0, not necessarily whole.
  public let degreesOfFreedom: Double

  /// See the property.
  public init(degreesOfFreedom: Double) { self.degreesOfFreedom = degreesOfFreedom }

  /// P(|T| ≥ |t|): I_x(ν/2, 1/2) with x = ν/(ν + t²) (DLMF 8.17). NaN where t or ν is, or ν ≤ 0; the
  /// normal distribution's for an infinite ν.
  public func twoSided(_ t: Double) -> Double {
    guard degreesOfFreedom > 0, !t.isNaN else { return .nan }
    guard t.isFinite else { return 0 }
    guard degreesOfFreedom.isFinite else { return 2 * Normal.cumulative(-abs(t)) }
    let (nu, square) = (degreesOfFreedom, t * t)
    return incompleteBeta(nu / 2, 0.5, x: nu / (nu + square), y: square / (nu + square)).lower
  }

  /// The t with P(|T| ≥ t) = `probability`: half of an interval's width in standard errors. NaN where
  /// `probability` does not lie between 0 and 1, or ν ≤ 0 or NaN.
  public func twoSidedCritical(_ probability: Double) -> Double {
    guard probability > 0, probability < 1, degreesOfFreedom > 0 else { return .nan }
    var (low, high) = (0.0, 1.0)
    while twoSided(high) > probability { (low, high) = (high, 2 * high) }
    while true {
      let middle = low + (high - low) / 2
      guard middle > low, middle < high else { return middle }
      if twoSided(middle) > probability { low = middle } else { high = middle }
    }
  }
}
