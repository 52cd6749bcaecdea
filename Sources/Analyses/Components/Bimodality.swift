/// Sarle's bimodality coefficient of a sample, (g² + 1) / (κ + 3(n−1)²/((n−2)(n−3))), with the sample's
/// skewness g and excess kurtosis κ, both without their small samples' bias (SAS; Pfister et al. 2013).
///
/// 5/9 is the uniform distribution's; more hints at two modes, or at heavy skew, and 1 is reached by two
/// values alone. The normal distribution has 1/3. NaN for less than four numbers, or where all are equal.
public func bimodalityCoefficient(_ sample: [Double]) -> Double {
  let n = Double(sample.count)
  guard sample.count >= 4 else { return .nan }
  let center = sample.reduce(0) { $0 + $1 / n }
  // The coefficient has no unit, and fourth powers of numbers beyond 1e77 are beyond float64.
  let largest = sample.reduce(0) { max($0, abs($1 - center)) }
  guard largest > 0, largest.isFinite else { return .nan }
  var (second, third, fourth) = (0.0, 0.0, 0.0)
  for value in sample {
    let difference = (value - center) / largest
    let square = difference * difference
    second += square / n
    third += square * difference / n
    fourth += square * square / n
  }
  guard second > 0 else { return .nan }
  let skewness = third / (second * second.squareRoot()) * (n * (n - 1)).squareRoot() / (n - 2)
  let excess = fourth / (second * second) - 3
  let kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6)
  return (skewness * skewness + 1) / (kurtosis + 3 * (n - 1) * (n - 1) / ((n - 2) * (n - 3)))
}
