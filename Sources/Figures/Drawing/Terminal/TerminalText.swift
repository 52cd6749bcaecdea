/// `text` escaped and cut in the middle to at most `columns` columns of a terminal.
func terminalText(_ text: String, within columns: Int) -> String {
  shortened(displayText(text)) { terminalWidth(of: $0) <= columns }
}

/// `text` with blanks before it, `columns` wide.
func padded(_ text: String, to columns: Int) -> String {
  String(repeating: " ", count: max(0, columns - terminalWidth(of: text))) + text
}

/// How many columns `text` takes on a terminal: East Asian letters and emoji take two.
func terminalWidth(of text: String) -> Int {
  text.reduce(0) { width, character in
    let isWide = character.unicodeScalars.contains { scalar in
      switch scalar.value {
      // Unicode's East Asian Width W and F in coarse ranges, and emoji.
      case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
        true
      default: false
      }
    }
    return width + (isWide ? 2 : 1)
  }
}
