/// What `probe` finds.
public struct ProbeResult: FolderResult {
  /// All but the matrices.
  public let document: ProbeDocument

  /// See the properties.
  public init(_ document: ProbeDocument) { self.document = document }

  /// Reads what the command, or `write`, wrote.
  ///
  /// - Throws: `Failure` where a file is missing, damaged or of another format.
  public init(in folder: String) throws { document = try ProbeDocument(in: folder) }

  /// The folder that is written.
  public static let kind = ResultFolder.Kind(
    ProbeDocument.self, names: ["probe.csv"], figures: ["probe"])

  /// All but the picture.
  public var dataFiles: [FileMaker] {
    [{ ("probe.csv", document.csv) }, { (ProbeDocument.name, try document.json) }]
  }
}
