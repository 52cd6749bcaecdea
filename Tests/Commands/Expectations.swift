import TestSupport
import Testing

extension Run {
  /// Expects success, and nothing on standard error but `messages` lines.
  func expectSuccess(messages: Int = 0, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(code == 0, "\(errors)", sourceLocation: sourceLocation)
    #expect(errorLines.count == messages, "\(errors)", sourceLocation: sourceLocation)
  }

  /// Expects a failure with exactly one line on standard error that holds `words`, and nothing on
  /// standard output.
  func expectFailure(
    _ expected: Int32, _ words: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(code == expected, "\(errors)", sourceLocation: sourceLocation)
    #expect(errorLines.count == 1, "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.hasPrefix("cka: error: "), "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.hasSuffix("\n"), sourceLocation: sourceLocation)
    #expect(output.isEmpty, "\(output)", sourceLocation: sourceLocation)
    for word in words {
      #expect(errors.contains(word), "\(errors) lacks \(word)", sourceLocation: sourceLocation)
    }
  }

  func expectFailure(
    _ expected: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) { expectFailure(expected, words, sourceLocation: sourceLocation) }

  /// Expects that an option is refused before any work, with how the command is used below `words`.
  func expectUsage(_ words: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(
      code == 64 && errors.contains(words) && output.isEmpty, "\(errors)",
      sourceLocation: sourceLocation)
  }
}

extension Cka {
  /// Expects that neither a result nor a part of one was left.
  func expectNothingWritten(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let found = try contents()
    #expect(
      !found.contains { $0.contains("result") || $0.hasPrefix(".") || $0 == "out" }, "\(found)",
      sourceLocation: sourceLocation)
  }
}
