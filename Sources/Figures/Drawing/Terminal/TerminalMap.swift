/// A heatmap as text for a terminal: row 0 at the bottom, column 0 at the left.
///
/// A matrix that is larger than the room is drawn in blocks of cells, each with the mean of its
/// defined scores; a block without any is undefined, and is drawn as `×` (grey in
/// colour, `/` among digits).
///
/// ```swift
/// print(TerminalMap(map, width: 80, style: .trueColor).text)
/// ```
public struct TerminalMap: Sendable {
  /// What a terminal can show.
  public enum Style: Sendable, Hashable, CaseIterable {
    /// Half blocks, two rows of cells in a line, in 24-bit colours.
    case trueColor
    /// The same in the 256 colours of xterm.
    case indexedColor
    /// ` ░▒▓█`, without colour.
    case shades
    /// Digits 0 to 9, tenths of the scale: plain ASCII but for names.
    case digits

    /// Whether a line shows two rows of cells.
    var isColored: Bool { self == .trueColor || self == .indexedColor }
  }

  /// The picture, in lines that end with a line feed.
  public let text: String

  /// Draws `heatmap`.
  ///
  /// - Parameters:
  ///   - heatmap: what is drawn.
  ///   - width: the most columns of the terminal to fill, at least 40.
  ///   - height: the most lines for the cells; titles and legends come on top of it.
  ///   - style: what the terminal can show.
  public init(_ heatmap: Heatmap, width: Int = 80, height: Int = 40, style: Style) {
    // No terminal is larger.
    let (width, height) = (min(max(width, 40), 10_000), min(max(height, 1), 10_000))
    let frame = TerminalFrame(of: heatmap, width: width, height: height, style: style)
    let painter = TerminalPainter(style: style, range: heatmap.range)
    var lines: [String] = []
    if let title = heatmap.title { lines.append(terminalText(title, within: width)) }
    lines += frame.rowLines(painter: painter)
    lines += frame.columnLines(of: heatmap, within: width)
    lines += frame.legend(of: heatmap, painter: painter, width: width)
    text = lines.map { $0 + "\n" }.joined()
  }
}
