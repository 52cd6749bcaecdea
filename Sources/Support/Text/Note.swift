/// What a user should know of a run or a result, in one line without its end.
package struct Note: Sendable, Hashable {
  /// Whether something is not as the user may expect.
  package let isWarning: Bool
  package let text: String

  /// Something to know.
  package static func information(_ text: String) -> Note { Note(isWarning: false, text: text) }

  /// Something that is not as the user may expect.
  package static func warning(_ text: String) -> Note { Note(isWarning: true, text: text) }
}
