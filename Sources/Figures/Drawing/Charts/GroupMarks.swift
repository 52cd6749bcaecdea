/// How the marks of groups look: discs in the colors of curves, and rings in the same colors where there are many.
struct GroupMarks {
  private let count: Int
  /// With more groups, neighboring colors would be hard to tell apart.
  private static let mostColors = 6

  init(count: Int) { self.count = count }

  private var hasRings: Bool { count > Self.mostColors }

  /// The color of a group.
  func color(of group: Int) -> RGB {
    hasRings
      ? FigureColors.curve(group / 2, of: (count + 1) / 2) : FigureColors.curve(group, of: count)
  }

  /// Draws the mark of a group, with a light edge that tells it from others below it.
  func draw(
    _ group: Int, at center: (x: Double, y: Double), radius: Double, style: PageStyle,
    on canvas: Canvas
  ) {
    canvas.fill(
      disc: center, radius: radius + style.markGap(isCrowded: true), with: FigureColors.ground)
    canvas.fill(disc: center, radius: radius, with: color(of: group))
    if hasRings, !group.isMultiple(of: 2) {
      canvas.fill(disc: center, radius: 0.5 * radius, with: FigureColors.ground)
    }
  }
}
