/// The colors that a page on a screen shares with the pictures.
package struct ScreenColors: Sendable {
  /// The scale of scores from the lowest to the highest, six hexadecimal digits each.
  package let map: [String]
  /// Of scores below the scale.
  package let below: String
  /// Behind cells without a value.
  package let undefinedGround: String
  /// The hatching of those cells.
  package let undefinedStroke: String
  /// The light hatching of cells that do not stand out.
  package let faintStroke: String
  /// Between groups of layers.
  package let groupLine: String
  /// The part of `map` that several curves are spread over, on white.
  package let curves: [Double]
  /// Shaded spans of charts, on white.
  package let span: String

  /// The colors of the pictures.
  package init() {
    let steps = FigureColors.map.count
    map = (0..<steps).map { FigureColors.map.color(at: (Double($0) + 0.5) / Double(steps)).digits }
    below = ScoreScale.below.digits
    undefinedGround = FigureColors.undefinedGround.digits
    undefinedStroke = FigureColors.undefinedStroke.digits
    faintStroke = FigureColors.faintStroke.digits
    groupLine = FigureColors.groupLine.digits
    curves = [FigureColors.curves.lowerBound, FigureColors.curves.upperBound]
    span = FigureColors.span.digits
  }
}

extension RGB {
  /// Six hexadecimal digits.
  fileprivate var digits: String {
    let digits = String(code, radix: 16)
    return String(repeating: "0", count: 6 - digits.count) + digits
  }
}
