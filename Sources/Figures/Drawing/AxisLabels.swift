/// The labels of one axis of a heatmap.
///
/// Every index is named if there is room for a line of text; otherwise every second, third, … so that
/// names never touch.
struct AxisLabels {
  /// A label: its place in cells from the start of the axis, what it says, how long it is.
  struct Label {
    let place: Double
    let text: String
    let length: Double
  }

  private(set) var labels: [Label]
  /// Whether the texts run at a right angle to the axis.
  private(set) var isAcross: Bool
  /// Whether lines lead from the labels to their cells.
  private(set) var hasTicks: Bool

  /// How far the labels reach from the axis.
  func depth(size: Double) -> Double {
    isAcross ? labels.map(\.length).max() ?? 0 : size
  }

  /// Labels for `count` cells, `cell` long each.
  ///
  /// - Parameters:
  ///   - names: the axis's, one a cell, or none: then indices are written.
  ///   - isHorizontal: whether the axis runs from left to right; beside an upright axis all text
  ///     stands across it.
  init(
    of axis: Heatmap.Axis, names: [String], count: Int, cell: Double, isHorizontal: Bool,
    style: PageStyle, meter: TextMeter
  ) {
    func label(_ place: Double, _ text: String) -> Label {
      Label(place: place, text: text, length: meter.width(of: text, size: style.text))
    }
    isAcross = !isHorizontal
    if !axis.ticks.isEmpty {
      hasTicks = true
      labels = axis.ticks.map {
        label($0.place, meter.fitted($0.label, in: style.longestName, size: style.text))
      }
      if isHorizontal {
        var end = -Double.infinity
        labels = labels.filter { label in
          guard label.place * cell - label.length / 2 >= end else { return false }
          end = label.place * cell + label.length / 2 + style.labelDistance
          return true
        }
      }
      return
    }
    let line = style.text * style.lineSpacing
    hasTicks = count > 1 && cell < line
    guard names.isEmpty else {
      let step = hasTicks ? Int((line / cell).rounded(.up)) : 1
      labels = stride(from: 0, to: count, by: step).map { label(Double($0) + 0.5, names[$0]) }
      let room = cell - style.labelDistance
      isAcross = !isHorizontal || hasTicks || labels.contains { $0.length > room }
      return
    }
    let widest = meter.width(of: String(count - 1), size: style.text)
    let needed = isHorizontal ? widest + style.labelDistance : line
    let step = count > 1 ? Int(niceStep(atLeast: max(1, needed / cell)).rounded()) : 1
    hasTicks = step > 1
    labels = stride(from: 0, to: count, by: step).map { label(Double($0) + 0.5, String($0)) }
  }
}

extension Array where Element == Heatmap.Group {
  /// The inner borders of the groups on an axis of `count` cells, each once.
  func borders(count: Int) -> [Int] {
    Set(flatMap { [$0.range.lowerBound, $0.range.upperBound] })
      .filter { $0 > 0 && $0 < count }.sorted()
  }
}
