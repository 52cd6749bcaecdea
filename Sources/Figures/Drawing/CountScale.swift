import Glibc

/// Colors of counts: white is none, then from light to dark by their logarithm.
struct CountScale {
  /// The ends of the scale.
  let range: ClosedRange<Double>

  /// From the smallest to the largest positive count.
  init(_ counts: [Double]) {
    let positive = counts.filter { $0 > 0 }
    let (least, most) = (positive.min() ?? 1, positive.max() ?? 1)
    range = least...max(most, 10 * least)
  }

  func color(of count: Double) -> RGB {
    count > 0 ? color(at: fraction(of: count)) : RGB(0xFFFFFF)
  }

  func fraction(of count: Double) -> Double {
    log(count / range.lowerBound) / log(range.upperBound / range.lowerBound)
  }

  /// The lightest colors of the map are too near to white.
  func color(at fraction: Double) -> RGB { ColorMap.magma.color(at: 0.92 * (1 - fraction)) }

  /// Powers of ten inside the range, six at most.
  var ticks: [Double] {
    let (first, last) = (
      Int(log10(range.lowerBound).rounded(.up)),
      Int((log10(range.upperBound) + 1e-9).rounded(.down))
    )
    guard last >= first else { return [range.upperBound] }
    let step = (last - first) / 6 + 1
    return stride(from: first, through: last, by: step).map { pow(10, Double($0)) }
  }
}
