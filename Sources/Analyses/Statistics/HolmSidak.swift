import Glibc

/// p values of several tests, adjusted so that the chance of any false finding among them stays below
/// the level they are held against: Holm's step-down method with Šidák's bound.
///
/// Of m sorted p values the j-th becomes the largest of 1 − (1 − pᵢ)^(m − i + 1), i ≤ j (Holm 1979; Šidák
/// 1967): sharp for independent tests, and safe for positively dependent ones. What is no probability stays
/// NaN and is no test.
public func holmSidak(_ values: [Double]) -> [Double] {
  let tested = values.indices.filter { (0...1).contains(values[$0]) }
  let order = tested.sorted { values[$0] < values[$1] }
  var adjusted = values.map { _ in Double.nan }
  var largest = 0.0
  for (rank, index) in order.enumerated() {
    let tests = Double(order.count - rank)
    // By logarithms: 1 − p has few digits of a small p.
    largest = max(largest, -expm1(tests * log1p(-values[index])))
    adjusted[index] = largest
  }
  return adjusted
}
