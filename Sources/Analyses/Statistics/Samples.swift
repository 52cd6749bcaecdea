/// What a sample says of the mean behind it.
public struct SampleMean: Sendable, Hashable {
  /// N.
  public let count: Int
  /// Σx/N; NaN of nothing.
  public let mean: Double
  /// Σ(x − mean)²/(N − 1); NaN of a single number, or none.
  public let variance: Double

  /// Of the numbers of a sample.
  public init(_ values: [Double]) {
    count = values.count
    let n = Double(values.count)
    // The second pass takes out what the first one's rounding left, so that equal numbers have no
    // variance.
    let rough = values.reduce(0, +) / n
    mean = rough + values.reduce(0) { $0 + ($1 - rough) } / n
    let mean = mean
    variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count > 0 ? n - 1 : .nan)
  }

  /// √variance.
  public var standardDeviation: Double { variance.squareRoot() }
  /// √(variance/N), the standard error of the mean.
  public var standardError: Double { (variance / Double(count)).squareRoot() }
}

/// Welch's t test of two means: samples of unlike variances (Welch 1947).
public struct WelchTest: Sendable, Hashable {
  /// The first mean less the second.
  public let difference: Double
  /// √(s₁²/N₁ + s₂²/N₂).
  public let standardError: Double
  /// difference/standardError.
  public let t: Double
  /// Welch and Satterthwaite's ν = (s₁²/N₁ + s₂²/N₂)² / Σ (sᵢ²/Nᵢ)²/(Nᵢ − 1).
  public let degreesOfFreedom: Double
  /// P(|T| ≥ |t|) where the means behind are equal.
  public let p: Double

  /// Nil where neither sample varies, or one has a single number: there is nothing to compare the
  /// difference with then.
  public init?(_ first: SampleMean, _ second: SampleMean) {
    guard first.count > 1, second.count > 1 else { return nil }
    let shares = [first, second].map { (sample: SampleMean) -> (Double, Double) in
      (sample.variance / Double(sample.count), Double(sample.count - 1))
    }
    let sum = shares[0].0 + shares[1].0
    guard sum > 0 else { return nil }
    difference = first.mean - second.mean
    standardError = sum.squareRoot()
    t = difference / standardError
    // In parts of the sum, so that nothing vanishes.
    let parts = shares.map { ($0.0 / sum) * ($0.0 / sum) / $0.1 }
    degreesOfFreedom = 1 / (parts[0] + parts[1])
    p = StudentT(degreesOfFreedom: degreesOfFreedom).twoSided(t)
  }

  /// The interval that holds the difference of the means behind with the probability `confidence`; nil where
  /// that does not lie between 0 and 1, or no number bounds it.
  public func interval(confidence: Double) -> ClosedRange<Double>? {
    let distribution = StudentT(degreesOfFreedom: degreesOfFreedom)
    let reach = distribution.twoSidedCritical(1 - confidence) * standardError
    guard reach.isFinite, difference.isFinite else { return nil }
    return (difference - reach)...(difference + reach)
  }
}
