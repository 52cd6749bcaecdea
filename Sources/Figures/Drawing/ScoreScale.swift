/// Colors of scores: those of a map inside a range, and others for what lies below it or is undefined.
struct ScoreScale {
  let range: ClosedRange<Double>
  /// Below the range: a hue that the map has not, as dark as its low end.
  static let below = RGB(0x0F6B66)

  init(_ range: ClosedRange<Double>) { self.range = range }

  /// How far beyond the range a score may lie for reasons of rounding: 1 + 1e-9 is a CKA of 1.
  private var slack: Double { 1e-6 * (range.upperBound - range.lowerBound) }

  func isBelow(_ score: Double) -> Bool { score < range.lowerBound - slack }
  func isAbove(_ score: Double) -> Bool { score > range.upperBound + slack }

  func color(of score: Double) -> RGB {
    if isBelow(score) { return Self.below }
    return FigureColors.map.color(of: score, in: range) ?? FigureColors.undefinedGround
  }

  /// What the color below the range means, where `lowest` is the lowest score.
  func meaningOfBelow(lowest: Double, minus: String = "\u{2212}") -> String {
    let low = scaleLabel(range.lowerBound, step: range.lowerBound == 0 ? 1 : 0.01, minus: minus)
    return "below \(low) (lowest \(shortNumber(lowest, minus: minus)))"
  }
}

extension Heatmap {
  /// What the color below the scale means; nil where no score lies there.
  package var meaningOfBelow: String? {
    let summary = ScoreSummary(values, range: range)
    return summary.belowCount > 0
      ? ScoreScale(range).meaningOfBelow(lowest: summary.lowest) : nil
  }
}

/// What of a heatmap's scores its scale does not show.
struct ScoreSummary {
  /// How many have no value.
  private(set) var undefinedCount = 0
  /// How many lie below the range.
  private(set) var belowCount = 0
  /// The least, infinity where none is defined.
  private(set) var lowest = Double.infinity
  private(set) var hasAbove = false

  init(_ scores: some Sequence<Double>, range: ClosedRange<Double>) {
    let scale = ScoreScale(range)
    for score in scores {
      guard !score.isNaN else {
        undefinedCount += 1
        continue
      }
      lowest = min(lowest, score)
      if scale.isBelow(score) { belowCount += 1 }
      if scale.isAbove(score) { hasAbove = true }
    }
  }
}
