import FoundationEssentials
import Glibc
import Support

/// What can be drawn.
public protocol Figure: Sendable {
  /// The picture as the bytes of a file.
  func data(_ format: FigureFormat, style: FigureStyle) throws(FigureError) -> [UInt8]
}

extension Figure {
  /// The picture in its own size, as the bytes of a file.
  public func data(_ format: FigureFormat) throws(FigureError) -> [UInt8] {
    try data(format, style: .standard)
  }

  /// Writes the picture to `path` atomically.
  ///
  /// - Throws: `FigureError` of kind `writing` where the file cannot be written.
  public func write(
    to path: String, format: FigureFormat, style: FigureStyle = .standard
  ) throws(FigureError) {
    let bytes = try data(format, style: style)
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      let code = ((error as? CocoaError)?.underlying as? POSIXError)?.code.rawValue
      let reason = code.map { systemMessage($0) } ?? "\(error)"
      throw FigureError(kind: .writing, context: "cannot write \(path): \(reason)")
    }
  }
}

/// The file formats of a figure.
public enum FigureFormat: String, Sendable, Hashable, CaseIterable {
  /// Pixels, each cell a whole number of them, 300 to an inch or more; the file tells how many.
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
