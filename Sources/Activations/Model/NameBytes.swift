extension String {
  /// What tells a name in a file from others.
  ///
  /// `String` takes texts for equal that look the same: "é" of one scalar and "e" with an accent. Files, and what
  /// wrote them, do not.
  package var nameBytes: [UInt8] { Array(utf8) }

  /// Whether two names have the same `nameBytes`.
  package func isSameName(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
