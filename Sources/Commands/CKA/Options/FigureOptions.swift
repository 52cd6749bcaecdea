import ArgumentParser
import CommandSupport
import Figures
import ResultFigures
import Support

/// What a picture looks like.
struct FigureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Width of pictures in inches: 3.3 is one column of most journals, 6.8 is two (default: \
      whichever suits the picture).
      """, valueName: "inches"))
  var width: Double?

  @Option(
    help: ArgumentHelp(
      """
      Font size of axis titles in points; headings are an eighth larger, names and numbers an \
      eighth smaller.
      """, valueName: "points"))
  var fontSize = FigureStyle.standard.fontSize

  @Option(help: ArgumentHelp("Font family.", valueName: "family"))
  var font = FigureStyle.standard.fontFamily

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Ends of the color scale of maps (default: those of each map; 0,1 for CKA).",
      valueName: "low,high"))
  var range: String?

  @Option(help: ArgumentHelp("Title of maps.", valueName: "text"))
  var title: String?

  func validate() throws { _ = try look }

  /// Whether anything is asked for at all.
  var isGiven: Bool {
    let usual = FigureStyle.standard
    return range != nil || title != nil || width != nil || fontSize != usual.fontSize
      || font != usual.fontFamily
  }

  /// What the options say.
  var look: FigureLook {
    get throws { FigureLook(style: try style(), range: try scores(), title: title) }
  }

  /// The size and the type.
  private func style() throws -> FigureStyle {
    do throws(FigureError) {
      return try FigureStyle(width: width, fontSize: fontSize, fontFamily: font)
    } catch {
      throw ValidationError("\(error.context).")
    }
  }

  /// The ends of the color scale; nil for those of each map.
  private func scores() throws -> ClosedRange<Double>? {
    guard let range else { return nil }
    let ends = range.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    guard ends.count == 2, let low = ends[0], let high = ends[1], low < high,
      (high - low).isFinite
    else {
      throw ValidationError(
        "--range is '\(oneLine(range))': expected two numbers, the lower first, such as -0.2,1.")
    }
    return low...high
  }
}
