import Testing

@testable import ActivationFiles

@Suite struct ActivationFileErrorTests {
  @Test func staysOnOneLine() {
    let error = ActivationFileError(
      kind: .data, path: "a\nb\u{1B}[31m", reason: "found 'c\r\n\u{2028}\u{202E}d'")
    #expect(error.description == #"a\nb\u{1B}[31m: found 'c\r\n\u{2028}\u{202E}d'"#)
  }

  @Test func showsOtherNamesAsTheyAre() {
    #expect(quoted(#"blk/é 😀, "x" <i>\n"#) == #"'blk/é 😀, "x" <i>\n'"#)
  }

  @Test func shortensLongNames() {
    let error = Place(path: "a", part: "member \(quoted(String(repeating: "x", count: 1000)))")
      .data("bad")
    #expect(error.description == "a: member '\(String(repeating: "x", count: 200))…': bad")
  }
}
