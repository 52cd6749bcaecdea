/// p values of several tests, adjusted so that of the tests found at a level no more than that share is expected to
/// be false: Benjamini and Hochberg's step-up method (1995), for tests that are independent or positively dependent.
///
/// Of m sorted p values the j-th becomes the least of m·pᵢ/i, i ≥ j. What is no probability stays NaN and is no test.
public func benjaminiHochberg(_ values: [Double]) -> [Double] {
  let tested = values.indices.filter { (0...1).contains(values[$0]) }
  let order = tested.sorted { values[$0] < values[$1] }
  var adjusted = values.map { _ in Double.nan }
  var least = 1.0
  for (rank, index) in order.enumerated().reversed() {
    least = min(least, values[index] * (Double(order.count) / Double(rank + 1)))
    adjusted[index] = least
  }
  return adjusted
}
