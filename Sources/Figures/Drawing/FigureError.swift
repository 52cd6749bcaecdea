/// Why a figure could not be made.
public struct FigureError: Error, Sendable, Hashable {
  /// The status code of the library below, kept as it came: unknown codes survive.
  public struct Code: RawRepresentable, Sendable, Hashable {
    /// Cairo's `cairo_status_t`.
    public let rawValue: UInt32

    /// See the property.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
  }

  /// What went wrong, as far as a caller can act on it.
  public enum Kind: Sendable, Hashable {
    /// The parts of the figure contradict each other, such as labels and rows.
    case invalid
    /// The figure has no room on a page of the width that its style asks for, in that size of type.
    case narrow
    /// The drawing library refused, for example for want of memory.
    case drawing
    /// The picture is drawn, its file could not be written.
    case writing
  }

  /// What went wrong.
  public var kind: Kind
  /// Cairo's status, where there is one.
  public var code: Code?
  /// What was being done and what stood in the way, in one line.
  public var context: String

  /// See the properties.
  public init(kind: Kind, code: Code? = nil, context: String) {
    self.kind = kind
    self.code = code
    self.context = context
  }
}

extension FigureError: CustomStringConvertible {
  /// One sentence, with the code where there is one.
  public var description: String {
    context + (code.map { " (Cairo status \($0.rawValue))" } ?? "")
  }
}
