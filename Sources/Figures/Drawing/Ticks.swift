import Glibc
import Support

/// The smallest of 1, 2, 5, 10, 20, 50 … (or 0.5, 0.2, 0.1 …) that is at least `minimum`.
func niceStep(atLeast minimum: Double) -> Double {
  let exponent = log10(minimum).rounded(.down)
  let power = pow(10, exponent)
  let step = [1, 2, 5].map { $0 * power }.first { $0 >= minimum * (1 - 1e-9) }
  return step ?? 10 * power
}

/// Where the colour bar is marked: round scores inside `range`, at most `limit` of them, and at
/// least one.
func scaleTicks(over range: ClosedRange<Double>, limit: Int) -> [(value: Double, label: String)] {
  let length = range.upperBound - range.lowerBound
  var step = niceStep(atLeast: length / Double(max(limit - 1, 1)))
  var (first, last) = (0.0, 0.0)
  for _ in 0..<2 {
    // A bound that misses a round number by rounding is still marked.
    first = (range.lowerBound / step - 1e-9).rounded(.up)
    last = (range.upperBound / step + 1e-9).rounded(.down)
    if last >= first { break }
    step = niceStep(atLeast: step / 4)
  }
  guard last >= first, last - first < 1000 else {
    return [(range.lowerBound, scaleLabel(range.lowerBound, step: length))]
  }
  return (0...Int(last - first)).map { index in
    let value = min(max((first + Double(index)) * step, range.lowerBound), range.upperBound)
    return (value, scaleLabel(value, step: step))
  }
}

/// `value` with as many decimals as a multiple of `step` needs, by default with a true minus sign.
func scaleLabel(_ value: Double, step: Double, minus: String = "\u{2212}") -> String {
  // A step of 0 has infinitely many.
  let decimals = Int(min(max(0, -log10(step * (1 + 1e-9)).rounded(.down)), 400))
  let digits =
    decimals > 6 || abs(value) >= 1e7
    ? NumberFormat.significant(digits: 4).text(value)
    : NumberFormat.fixed(decimals: decimals).text(value)
  let isZero = digits.allSatisfy { "-0.".contains($0) }
  return (isZero ? digits.filter { $0 != "-" } : digits).replacing("-", with: minus)
}

/// `value` with two digits that count, such as −0.0007, 0.93 or 1.2e+08.
func shortNumber(_ value: Double, minus: String = "\u{2212}") -> String {
  NumberFormat.significant(digits: 2).text(value).replacing("-", with: minus).replacing(
    "e\(minus)", with: "e-")
}
