/// `text` as it may stand in a message: control characters escaped, so that a name from a file
/// neither breaks a line nor steers a terminal.
public func oneLine(_ text: String) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
      result.append(contentsOf: scalar.escaped(asASCII: true).unicodeScalars)
    default:
      result.append(scalar)
    }
  }
  return String(result)
}
