import Support

/// A file of a result, ready to be written: its name in the folder and its bytes.
public typealias ResultFile = (name: String, bytes: [UInt8])

/// What makes a file of a result.
public typealias FileMaker = @Sendable () throws -> ResultFile

/// Reads a file of a result that was written.
func reading(_ name: String, in folder: String) -> FileMaker {
  {
    let path = "\(folder)/\(name)"
    return (name, try readFile(path, called: oneLine(path), expected: "a file of a result"))
  }
}

/// Names of files that several results have.
package enum ResultNames {
  /// The page for a browser.
  package static let page = "report.html"
  /// The ends of pictures' names.
  package static let pictures = ["png", "svg", "pdf"]

  /// The files of a picture.
  static func pictures(_ name: String) -> [String] { pictures.map { "\(name).\($0)" } }
}

/// A result that a command writes into a folder of its own.
public protocol FolderResult: Sendable {
  /// The folder.
  static var kind: ResultFolder.Kind { get }
}

extension FolderResult {
  /// What reads the numbers, tables and documents of the result in a folder: all but pictures and the page.
  ///
  /// - Throws: `Failure` where it cannot be determined which are there.
  public static func dataFiles(in folder: String) throws -> [FileMaker] {
    try kind.dataFiles(in: folder)
  }
}
