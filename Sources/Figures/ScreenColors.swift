/// The colors that a page on a screen shares with the pictures.
package struct ScreenColors: Sendable {
  /// The scale of scores from the lowest to the highest, six hexadecimal digits each.
  package let map: [String]
  /// Behind cells without a value.
  package let undefinedGround: String
  /// The hatching of those cells.
  package let undefinedStroke: String
  /// Between groups of layers.
  package let groupLine: String
  /// The part of `map` that several curves are spread over, on white.
  package let curves: [Double]
  /// Shaded spans of charts, on white.
  package let span: String

  /// The colors of the pictures.
  package init() {
    let style = HeatmapStyle(count: 1)
    let steps = style.colorMap.count
    map = (0..<steps).map { style.colorMap.color(at: (Double($0) + 0.5) / Double(steps)).digits }
    undefinedGround = style.undefinedGround.digits
    undefinedStroke = style.undefinedStroke.digits
    groupLine = style.groupLine.digits
    let chart = LineChartStyle()
    curves = [chart.curves.lowerBound, chart.curves.upperBound]
    span = chart.span.digits
  }
}

extension RGB {
  /// Six hexadecimal digits.
  fileprivate var digits: String {
    let digits = String(code, radix: 16)
    return String(repeating: "0", count: 6 - digits.count) + digits
  }
}
