/// `text` with everything escaped that is not a visible character: what no font shows, what would
/// steer a terminal, and what Cairo refuses.
///
/// A line feed becomes `\n`, a NUL `\u{0}`. Nothing else is interpreted.
package func displayText(_ text: String) -> String {
  // A name longer than this is shortened by every caller; cut it before it is measured.
  let limit = 512
  let scalars = text.unicodeScalars
  if let start = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex),
    start != scalars.endIndex
  {
    let end = scalars.index(scalars.endIndex, offsetBy: -limit / 2)
    let middle = scalars.index(scalars.startIndex, offsetBy: limit / 2)
    return visibleText(String(scalars[..<middle])) + "…" + visibleText(String(scalars[end...]))
  }
  return visibleText(text)
}

/// The same of a text of any length.
func visibleText(_ text: String) -> String {
  var shown = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\n": shown += "\\n"
    case "\r": shown += "\\r"
    case "\t": shown += "\\t"
    case _ where isInvisible(scalar):
      shown += "\\u{" + String(scalar.value, radix: 16) + "}"
    default: shown.unicodeScalars.append(scalar)
    }
  }
  return shown
}

/// `text` cut in the middle until `fits`, with an ellipsis in the gap; empty where nothing fits.
///
/// `fits` must be true of every text that is shorter than one that fits.
func shortened(_ text: String, until fits: (String) -> Bool) -> String {
  if fits(text) { return text }
  let characters = Array(text)
  // Invariant: `low` characters fit, `high` do not. Keeping none leaves the ellipsis alone.
  var (low, high) = (-1, characters.count)
  var best = ""
  while high - low > 1 {
    let kept = (low + high) / 2
    let candidate =
      String(characters.prefix(kept - kept / 2)) + "…" + String(characters.suffix(kept / 2))
    if fits(candidate) {
      (low, best) = (kept, candidate)
    } else {
      high = kept
    }
  }
  return best
}

/// Whether `scalar` must be escaped to be seen.
private func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .lineSeparator, .paragraphSeparator: true
  // Bidirectional overrides and the like reorder what stands around them; the joiner of emoji
  // and of several scripts is harmless.
  case .format: scalar.value != 0x200D && scalar.value != 0x200C
  // Noncharacters put a Cairo context into its error state: `_cairo_utf8_to_ucs4` refuses them.
  case .unassigned: scalar.properties.isNoncharacterCodePoint
  default: false
  }
}
