import CommandSupport
import Figures
import ResultFigures

extension Heatmap {
  /// The map as text, as large and as colorful as this terminal allows.
  func terminalText() -> String {
    let size = Console.size
    let style: TerminalMap.Style =
      if !Console.showsColor { .shades } else if Console.showsTrueColor { .trueColor } else {
        .indexedColor
      }
    return TerminalMap(
      self, width: min(size.columns, 100), height: max(size.rows - 6, 12), style: style
    ).text
  }
}
