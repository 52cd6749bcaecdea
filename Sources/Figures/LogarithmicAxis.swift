import Foundation

/// An axis on which equal distances are equal ratios.
struct LogarithmicAxis {
  struct Tick: Hashable {
    let value: Double
    let label: String
  }

  /// Pixels for each factor of 10.
  let scale: Double
  private let start: Double
  private let inset: Double
  private let range: ClosedRange<Double>

  /// An axis of `length` pixels over positive `values`, the outermost `inset` from its ends.
  ///
  /// It spans a factor of four at least: noise should not look like growth.
  init(_ values: [Double], length: Double, inset: Double) {
    let least = log10(values.min() ?? 1)
    let most = log10(values.max() ?? 1)
    let missing = max(log10(4) - (most - least), 0)
    start = least - missing / 2
    self.inset = inset
    scale = (length - 2 * inset) / (most - least + missing)
    let reach = inset / scale
    range = (start - reach)...(most + missing / 2 + reach)
  }

  /// Pixels from the start of the axis to `value`.
  func place(of value: Double) -> Double { inset + (log10(value) - start) * scale }

  /// Round numbers inside the axis, `limit` at most: 1, 2, 5, 10 … where they fit, else powers of 10,
  /// of 100 ….
  func ticks(limit: Int) -> [Tick] {
    let exponents = Int(range.lowerBound.rounded(.down))...Int(range.upperBound.rounded(.up))
    func ticks(_ digits: [Double], every step: Int) -> [Double] {
      exponents.filter { $0.isMultiple(of: step) }.flatMap { exponent in
        digits.map { $0 * pow(10, Double(exponent)) }
      }.filter { range.contains(log10($0)) }
    }
    var values = ticks([1, 2, 5], every: 1)
    var step = 1
    while values.count > limit {
      values = ticks([1], every: step)
      step += 1
    }
    return values.map { Tick(value: $0, label: plainNumber($0)) }
  }
}

/// A round number without needless digits: `0.002`, `5`, `16,384`.
func plainNumber(_ value: Double) -> String {
  guard (1e-4..<1e7).contains(value) else { return String(format: "%.3g", value) }
  guard value == value.rounded() else { return String(format: "%.3g", value) }
  var digits = String(Int(value))
  var groups: [String] = []
  while digits.count > 3 {
    groups.insert(String(digits.suffix(3)), at: 0)
    digits.removeLast(3)
  }
  return ([digits] + groups).joined(separator: ",")
}
