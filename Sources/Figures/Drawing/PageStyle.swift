/// The measures of a figure at one size in print.
///
/// Lengths are in pixels of the PNG, `unit` of them to a point; vector drawings are scaled back to points.
/// All but the widths of lines grow with the type.
struct PageStyle {
  /// Pixels to an inch.
  let resolution: Double
  /// The width of the page, in whole pixels.
  let width: Double
  /// The family of the type.
  let fontFamily: String
  /// The height of an em of the titles of axes.
  private let em: Double

  /// - Parameter width: in inches.
  init(_ style: FigureStyle, width: Double, resolution: Double) {
    self.resolution = resolution
    self.width = (width * resolution).rounded()
    fontFamily = style.fontFamily
    em = style.fontSize * resolution / 72
  }

  private init(_ style: PageStyle, width: Double) {
    (resolution, fontFamily, em) = (style.resolution, style.fontFamily, style.em)
    self.width = width
  }

  /// The same for a part of the page.
  func narrowed(to width: Double) -> PageStyle { PageStyle(self, width: width) }

  /// Pixels to a point.
  var unit: Double { resolution / 72 }
  /// The width inside the margins.
  var room: Double { width - 2 * margin }
  /// Whether `length` is too short for a plot.
  func isTooShort(_ length: Double) -> Bool { length < 6 * em }
  /// The error of `what`, for which that is so on this page.
  func tooNarrow(for what: String) -> FigureError {
    FigureError(
      kind: .narrow,
      context:
        "a width of \(shortNumber(width / resolution)) inches is too narrow for \(what) in this size of type"
    )
  }

  // Text.
  var text: Double { 0.875 * em }
  var axisTitle: Double { em }
  var heading: Double { 1.125 * em }
  /// From line to line of names below each other.
  var lineSpacing: Double { 1.15 }
  /// How far names may reach from an axis.
  var longestName: Double { max(0.26 * width, 5 * em) }

  // Distances.
  var margin: Double { 0.4 * em }
  var gap: Double { 0.5 * em }
  var labelGap: Double { 0.3 * em }
  var labelDistance: Double { 0.5 * em }
  var tick: Double { 0.35 * em }
  var columnGap: Double { 1.5 * em }
  var rowGap: Double { em }

  // Maps.
  var barGap: Double { em }
  var barWidth: Double { em.rounded() }
  var shortestBar: Double { 8 * em }
  /// How long an upright title may be beside a map that is lower.
  var longestUprightTitle: Double { 18 * em }
  /// The side of the largest cell.
  var largestCell: Double { 9 * em }
  var sample: Double { text.rounded() }
  var hatchSpacing: Double { 3 * unit }
  var hatchWidth: Double { 0.5 * unit }

  /// The narrowest panel of a figure of several.
  var narrowestPanel: Double { 20 * em }

  // Charts.
  var narrowestPlot: Double { 9 * em }
  var plotHeights: ClosedRange<Double> { 9 * em...18 * em }
  var plotProportion: Double { 0.72 }
  /// Between the outermost points and the frame.
  var inset: Double { 0.8 * em }
  var curveWidth: Double { 1.2 * unit }
  var guideWidth: Double { 0.8 * unit }
  var guideDashes: [Double] { [3.6 * unit, 2.8 * unit] }
  /// The radius of a mark where many points stand close to each other, or few.
  func markRadius(isCrowded: Bool) -> Double { (isCrowded ? 1.1 : 1.9) * unit }
  func markGap(isCrowded: Bool) -> Double { (isCrowded ? 0.4 : 0.8) * unit }

  /// The thickness of frames and ticks: whole pixels, so that they are sharp.
  var line: Double { max(1, (0.5 * unit).rounded()) }
  /// The thickness of the light line around cells.
  var outlineWidth: Double { 2 * line }
}

/// The colors of all figures.
enum FigureColors {
  static let ground = RGB(0xFFFFFF)
  static let ink = RGB(0x262626)
  static let faintInk = RGB(0x6E6E6E)

  // Maps.
  static let map = ColorMap.magma
  static let undefinedGround = RGB(0xD9D9D9)
  static let undefinedStroke = RGB(0x8C8C8C)
  static let faintStroke = RGB(0x9FD3C7)
  static let groupLine = RGB(0x5CC8D7)
  static let groupLineOpacity = 0.8
  static let outline = RGB(0xFFFFFF)
  static let outlineEdge = RGB(0x262626)

  // Charts.
  static let gridLine = RGB(0xE6E6E6)
  static let span = RGB(0xF3E3C3)
  static let guide = RGB(0x9A9A9A)
  static let bandOpacity = 0.2
  /// From the map of the heatmaps.
  static let curve = RGB(0x8C2981)
  /// Where several curves are: its dark to its red colors, all seen well on white.
  static let curves = 0.15...0.66

  /// The color of one of `count` curves.
  static func curve(_ index: Int, of count: Int) -> RGB {
    guard count > 1 else { return curve }
    let step = (curves.upperBound - curves.lowerBound) / Double(count - 1)
    return map.color(at: curves.lowerBound + step * Double(index))
  }
}
