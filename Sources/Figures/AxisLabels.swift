/// What is written beside the cells of one axis, and in which size.
///
/// Every index gets its name where the cells leave room for a line of text. Otherwise round
/// indices are written, so far apart that they never touch.
struct AxisLabels {
  /// The labels: which cell, what text, how long it is.
  private(set) var labels: [(index: Int, text: String, length: Double)]
  /// The height of an em.
  private(set) var size: Double
  /// Whether the texts run at a right angle to the axis.
  private(set) var isAcross: Bool
  /// Whether only some cells are labelled, by index.
  private(set) var isThinned: Bool

  /// How far the labels reach from the axis.
  var depth: Double {
    isAcross ? labels.map(\.length).max() ?? 0 : size
  }

  /// Labels for `count` cells, `cell` long each.
  ///
  /// - Parameters:
  ///   - isHorizontal: whether the axis runs from left to right; beside an upright axis all text
  ///     stands across it.
  init(
    of axis: Heatmap.Axis, count: Int, cell: Double, isHorizontal: Bool, style: HeatmapStyle,
    meter: TextMeter
  ) {
    if count == 1 || cell >= style.smallestText * style.lineSpacing {
      size = count == 1 ? style.text : min(style.text, cell / style.lineSpacing)
      isThinned = false
      let size = size
      labels = (0..<count).map { index in
        let text = shortened(axis.name(of: index)) {
          meter.width(of: $0, size: size) <= style.longestName
        }
        return (index, text, meter.width(of: text, size: size))
      }
      let room = cell - 0.5 * size
      isAcross = !isHorizontal || labels.contains { $0.length > room }
      return
    }
    size = style.text
    isThinned = true
    isAcross = !isHorizontal
    let widest = meter.width(of: String(count - 1), size: size)
    let needed = max(isHorizontal ? widest + size : size * style.lineSpacing, style.tickDistance)
    let step = Int(niceStep(atLeast: max(1, needed / cell)).rounded())
    labels = stride(from: 0, to: count, by: step).map { index in
      let text = String(index)
      return (index, text, meter.width(of: text, size: style.text))
    }
  }
}

extension Array where Element == Heatmap.Group {
  /// The inner borders of the groups on an axis of `count` cells, each once.
  func borders(count: Int) -> [Int] {
    Set(flatMap { [$0.range.lowerBound, $0.range.upperBound] })
      .filter { $0 > 0 && $0 < count }.sorted()
  }
}
