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
  var isGiven: Bool { get throws { try look != FigureLook() } }

  /// What the options say.
  var look: FigureLook {
    get throws {
      let ends = try range.map { text in
        guard let ends = FigureLook.range(text) else {
          throw ValidationError(
            "--range is '\(oneLine(text))': expected two numbers, the lower first, such as -0.2,1.")
        }
        return ends
      }
      do throws(FigureError) {
        let style = try FigureStyle(width: width, fontSize: fontSize, fontFamily: font)
        return FigureLook(style: style, range: ends, title: title)
      } catch {
        throw ValidationError("\(error.context).")
      }
    }
  }
}
