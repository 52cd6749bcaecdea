/// The size of a figure in print, and the type in it.
///
/// A figure is drawn for its place on a page: with a width of 3.3 inches it fits one column of most
/// journals, with 6.8 both, and its type is as large as the caption's beside it. Names that such type
/// leaves no room for are left out, every second or third of them; type never shrinks.
public struct FigureStyle: Sendable, Hashable {
  /// The width in inches; nil for the figure's own, one column or two.
  public let width: Double?
  /// The height of an em of the titles of axes, in points (1/72 inch). Headings are an eighth larger,
  /// numbers and names an eighth smaller.
  public let fontSize: Double
  /// The family of the type, as Fontconfig knows it.
  public let fontFamily: String

  /// One column, and two, in inches.
  public static let columnWidths = [3.3, 6.8]

  /// A style; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where a measure is not a number of its bounds: 1 to 100
  ///   inches, 1 to 72 points.
  public init(
    width: Double? = nil, fontSize: Double = 8, fontFamily: String = "sans-serif"
  ) throws(FigureError) {
    if let width, !(1...100).contains(width) {
      throw .invalid("a figure is from 1 to 100 inches wide, not \(width)")
    }
    guard (1...72).contains(fontSize) else {
      throw .invalid("the type of a figure has from 1 to 72 points, not \(fontSize)")
    }
    guard !fontFamily.isEmpty, !fontFamily.unicodeScalars.contains(where: { $0.value < 32 }) else {
      throw .invalid("'\(displayText(fontFamily))' is not the name of a font family")
    }
    self.width = width
    self.fontSize = fontSize
    self.fontFamily = fontFamily
  }

  private init() {
    width = nil
    fontSize = 8
    fontFamily = "sans-serif"
  }

  /// The figure's own width, 7 to 9 points.
  public static let standard = FigureStyle()
}
