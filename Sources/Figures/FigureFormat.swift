/// What can be drawn.
public protocol Figure: Sendable {
  /// The picture as the bytes of a file.
  func data(_ format: FigureFormat) throws(FigureError) -> [UInt8]
}

/// The file formats of a figure.
public enum FigureFormat: String, Sendable, Hashable, CaseIterable {
  /// Pixels, each cell a whole number of them.
  case png
  /// A vector drawing with the cells as an embedded image, for the web.
  case svg
  /// A vector drawing with the cells as an embedded image, for papers.
  case pdf

  /// The format that a file name's extension stands for, in any case, or nil.
  public init?(pathExtension: String) {
    self.init(rawValue: pathExtension.lowercased())
  }
}
