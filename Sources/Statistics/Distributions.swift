import Foundation

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

  /// P(|T| ≥ |t|): I_x(ν/2, 1/2) with x = ν/(ν + t²) (DLMF 8.17).
  public func twoSided(_ t: Double) -> Double {
    guard t.isFinite else { return t.isNaN ? .nan : 0 }
    let (nu, square) = (degreesOfFreedom, t * t)
    return incompleteBeta(nu / 2, 0.5, x: nu / (nu + square), y: square / (nu + square)).lower
  }

  /// The t with P(|T| ≥ t) = `probability`, which lies between 0 and 1: half of an interval's width in
  /// standard errors.
  public func twoSidedCritical(_ probability: Double) -> Double {
    var (low, high) = (0.0, 1.0)
    while twoSided(high) > probability { (low, high) = (high, 2 * high) }
    while true {
      let middle = low + (high - low) / 2
      guard middle > low, middle < high else { return middle }
      if twoSided(middle) > probability { low = middle } else { high = middle }
    }
  }
}

/// The χ² distribution.
public struct ChiSquared: Sendable, Hashable {
  /// ν > 0.
  public let degreesOfFreedom: Double

  /// See the property.
  public init(degreesOfFreedom: Double) { self.degreesOfFreedom = degreesOfFreedom }

  /// P(X ≥ x) = Q(ν/2, x/2) (DLMF 8.2.4).
  public func survival(_ x: Double) -> Double {
    incompleteGamma(degreesOfFreedom / 2, x / 2).upper
  }

  /// P(X ≤ x) = P(ν/2, x/2).
  public func cumulative(_ x: Double) -> Double {
    incompleteGamma(degreesOfFreedom / 2, x / 2).lower
  }
}
