import Glibc

// The incomplete beta function, from which the distributions are made. Its prefactor is that of
// C. Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000): no difference of large
// logarithms is taken, so that many degrees of freedom cost no digits.

/// Both regularized incomplete beta functions of a, b > 0 at x = 1 − y: I_x(a, b) and
/// I_y(b, a) = 1 − I_x(a, b), the smaller one to about 1e-14 of itself (DLMF 8.17).
///
/// - Parameter y: 1 − x, which the caller knows to all its digits.
func incompleteBeta(_ a: Double, _ b: Double, x: Double, y: Double) -> (
  lower: Double, upper: Double
) {
  guard x > 0 else { return (0, 1) }
  guard y > 0 else { return (1, 0) }
  // The continued fraction converges fast on this side of the mean.
  guard x * (a + b + 2) > a + 1 else {
    let lower = betaFraction(a, b, x, y)
    return (lower, 1 - lower)
  }
  let upper = betaFraction(b, a, y, x)
  return (1 - upper, upper)
}

/// I_x(a, b) by DiDonato & Morris's continued fraction (1992, Eq. 9), which sees a·y − b·x as a whole:
/// nothing cancels where x is next to 1.
private func betaFraction(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
  func denominator(_ m: Double) -> Double {
    let rest = m == 0 ? 0 : m * (b - m) * x / (a + 2 * m - 1)
    return m + rest + (a + m) * (a * y - b * x + 1 + m * (2 - x)) / (a + 2 * m + 1)
  }
  let fraction = continuedFraction(first: denominator(0)) { m in
    let step = x / (a + 2 * m - 1)
    return ((a + m - 1) * (a + b + m - 1) * m * (b - m) * step * step, denominator(m))
  }
  return min(a * betaFactor(a, b, x, y) / fraction, 1)
}

/// xᵃ yᵇ / (a B(a, b)): a binomial probability of a successes among a + b, times b/(a + b).
private func betaFactor(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
  let n = a + b
  let logarithm =
    stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x)
    - deviance(b, n * y)
  return exp(logarithm) * (b / (2 * .pi * a * n)).squareRoot()
}

/// log Γ(a + 1) − (a + ½) log a + a − ½ log 2π: what Stirling's formula leaves.
func stirlingError(_ a: Double) -> Double {
  guard a > 16 else {
    return lgamma(a + 1) - (a + 0.5) * log(a) + a - 0.5 * log(2 * .pi)
  }
  // DLMF 5.11.1; the first term left out is below 1e-16.
  let square = 1 / (a * a)
  let terms: [Double] = [
    1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360_360, 1.0 / 156,
  ]
  return terms.reversed().reduce(0) { $0 * square + $1 } / a
}

/// a log(a/μ) + μ − a, without cancellation where a is near μ.
func deviance(_ a: Double, _ mean: Double) -> Double {
  let difference = a - mean
  guard abs(difference) < 0.1 * (a + mean) else { return a * log(a / mean) + mean - a }
  // With v = (a − μ)/(a + μ): log(a/μ) = 2 (v + v³/3 + …).
  let v = difference / (a + mean)
  var (sum, power, k) = (difference * v, 2 * a * v, 1.0)
  while true {
    power *= v * v
    k += 2
    let next = sum + power / k
    if next == sum { return sum }
    sum = next
  }
}

/// first + n₁/(d₁ + n₂/(d₂ + …)) by Lentz's algorithm with Thompson and Barnett's changes.
///
/// - Parameter term: nₖ and dₖ, k from 1.
func continuedFraction(
  first: Double, _ term: (Double) -> (numerator: Double, denominator: Double)
) -> Double {
  let tiny = 1e-300
  var value = first == 0 ? tiny : first
  var (c, d, k) = (value, 0.0, 0.0)
  while true {
    k += 1
    let (numerator, denominator) = term(k)
    d = denominator + numerator * d
    if d == 0 { d = tiny }
    d = 1 / d
    c = denominator + numerator / c
    if c == 0 { c = tiny }
    let factor = c * d
    value *= factor
    // Converges in O(√ν) terms; this limit is never reached.
    if abs(factor - 1) <= .ulpOfOne || k == 1e6 { return value }
  }
}
