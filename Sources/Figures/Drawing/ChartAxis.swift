import Glibc
import Support

/// An axis of a line chart: numbers become pixels.
struct ChartAxis {
  struct Tick: Hashable {
    let value: Double
    let label: String
  }

  /// Pixels for each factor of 10, or for each 1.
  let scale: Double
  private let isLogarithmic: Bool
  private let start: Double
  private let inset: Double
  /// What is on the axis, in the numbers that `scale` counts.
  private let range: ClosedRange<Double>

  /// An axis of `length` pixels over `values`, the outermost `inset` from its ends.
  ///
  /// A logarithmic axis spans at least a factor of four, so that noise does not look like growth. A
  /// linear one spans its range, where it has one.
  init(_ values: [Double], scale kind: LineChart.Scale, length: Double, inset: Double) {
    self.inset = inset
    var (least, most): (Double, Double)
    switch kind {
    case .logarithmic:
      isLogarithmic = true
      (least, most) = (log10(values.min() ?? 1), log10(values.max() ?? 1))
      let missing = max(log10(4) - (most - least), 0)
      (least, most) = (least - missing / 2, most + missing / 2)
    case .linear(let range):
      isLogarithmic = false
      least = range?.lowerBound ?? values.min() ?? 0
      most = range?.upperBound ?? values.max() ?? 1
      // A single number stands in the middle.
      if most == least { (least, most) = (least - 0.5, most + 0.5) }
    }
    start = least
    scale = (length - 2 * inset) / (most - least)
    let reach = inset / scale
    range = (least - reach)...(most + reach)
  }

  private func linear(_ value: Double) -> Double { isLogarithmic ? log10(value) : value }

  /// Pixels from the start of the axis to `value`.
  func place(of value: Double) -> Double { inset + (linear(value) - start) * scale }

  /// Round numbers inside the axis, `limit` at most: on a logarithmic axis 1, 2, 5, 10 … where they fit,
  /// else powers of 10, of 100 …; on a linear one equally far apart.
  func ticks(limit: Int) -> [Tick] {
    guard isLogarithmic else {
      return scaleTicks(over: range, limit: limit).map { Tick(value: $0.value, label: $0.label) }
    }
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

extension Double {
  /// Whether a linear axis has a place for the number: the difference of any two such is a number.
  var hasLinearPlace: Bool { magnitude <= 1e300 }
}

/// A round number without needless digits: `0.002`, `5`, `16,384`.
func plainNumber(_ value: Double) -> String {
  guard (1e-4..<1e7).contains(value) else { return NumberFormat.significant(digits: 3).text(value) }
  guard value == value.rounded() else { return NumberFormat.significant(digits: 3).text(value) }
  var digits = String(Int(value))
  var groups: [String] = []
  while digits.count > 3 {
    groups.insert(String(digits.suffix(3)), at: 0)
    digits.removeLast(3)
  }
  return ([digits] + groups).joined(separator: ",")
}
