/// Turns scores into characters.
struct TerminalPainter {
  let style: TerminalMap.Style
  let range: ClosedRange<Double>

  private var scale: ScoreScale { ScoreScale(range) }
  private static let shades: [Character] = [" ", "░", "▒", "▓", "█"]
  private static let reset = "\u{1B}[0m"

  init(style: TerminalMap.Style, range: ClosedRange<Double>) {
    self.style = style
    self.range = range
  }

  /// An undefined cell for the legend.
  var undefinedSample: String {
    switch style {
    case .trueColor, .indexedColor: halfBlocks(upper: [.nan], lower: [.nan])
    case .shades: "×"
    case .digits: "/"
    }
  }

  /// A cell below the scale for the legend.
  var belowSample: String {
    let score = -Double.infinity
    return style.isColored
      ? halfBlocks(upper: [score], lower: [score]) : String(cell(score).suffix(1))
  }

  /// The whole scale, from its lower end; colours take at most `columns` columns, and at least 4.
  func scale(within columns: Int) -> String {
    let steps = style == .digits ? 10 : style == .shades ? 5 : max(4, min(24, columns))
    let scores = (0..<steps).map { step in
      let fraction = (Double(step) + 0.5) / Double(steps)
      return range.lowerBound + fraction * (range.upperBound - range.lowerBound)
    }
    switch style {
    case .trueColor, .indexedColor: return halfBlocks(upper: scores, lower: scores)
    case .shades: return scores.map(cell).joined()
    case .digits: return scores.map { String(cell($0).suffix(1)) }.joined()
    }
  }

  /// One cell without colour, two columns wide.
  func cell(_ score: Double) -> String {
    guard !score.isNaN else { return style == .digits ? " /" : "××" }
    if scale.isBelow(score) { return style == .digits ? " -" : "--" }
    let clamped = min(max(score, range.lowerBound), range.upperBound)
    let fraction = (clamped - range.lowerBound) / (range.upperBound - range.lowerBound)
    if style == .digits { return " \(min(9, Int(fraction * 10)))" }
    let count = Self.shades.count
    return String(repeating: Self.shades[min(count - 1, Int(fraction * Double(count)))], count: 2)
  }

  /// A line of two rows of cells; without an upper row, its half stays empty.
  func halfBlocks(upper: [Double]?, lower: [Double]) -> String {
    var line = ""
    var active = ""
    for column in lower.indices {
      let (codes, character) = halfBlock(upper: upper?[column], lower: lower[column])
      // Neighbours of the same colours share one sequence.
      if codes != active {
        line += "\u{1B}[0;\(codes)m"
        active = codes
      }
      line.append(character)
    }
    return line + Self.reset
  }

  private func halfBlock(upper: Double?, lower: Double) -> (codes: String, character: Character) {
    let below = color(of: lower)
    guard let upper else { return (code(of: below, for: 38), "▄") }
    let isUndefined = upper.isNaN && lower.isNaN
    let above = color(of: upper)
    let foreground = isUndefined ? Self.undefinedSign : above
    return (code(of: foreground, for: 38) + ";" + code(of: below, for: 48), isUndefined ? "×" : "▀")
  }

  private func color(of score: Double) -> RGB {
    score.isNaN ? Self.undefinedGround : scale.color(of: score)
  }

  /// Grey, which magma does not contain.
  private static let undefinedGround = RGB(0x8C8C8C)
  private static let undefinedSign = RGB(0x444444)

  /// The parameters of the SGR sequence for a colour: 38 is the foreground, 48 the background.
  private func code(of color: RGB, for layer: Int) -> String {
    style == .trueColor
      ? "\(layer);2;\(color.red);\(color.green);\(color.blue)"
      : "\(layer);5;\(xtermIndex(of: color))"
  }
}

/// The index of the nearest of xterm's colours 16 to 255: a 6 × 6 × 6 cube, then 24 greys.
func xtermIndex(of color: RGB) -> Int {
  let levels = [0, 95, 135, 175, 215, 255]
  let channels = [color.red, color.green, color.blue].map(Int.init)
  let cube = channels.map { channel in
    levels.indices.min { abs(levels[$0] - channel) < abs(levels[$1] - channel) } ?? 0
  }
  let gray = min(23, max(0, (channels.reduce(0, +) / 3 - 3) / 10))
  func distance(_ candidate: [Int]) -> Int {
    zip(candidate, channels).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  }
  let grayLevel = 8 + 10 * gray
  return distance([grayLevel, grayLevel, grayLevel]) < distance(cube.map { levels[$0] })
    ? 232 + gray : 16 + 36 * cube[0] + 6 * cube[1] + cube[2]
}
