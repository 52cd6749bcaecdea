/// What `probe` finds.
package struct ProbeResult: FolderResult {
  package let document: ProbeDocument

  package init(_ document: ProbeDocument) { self.document = document }

  package init(in folder: String) throws { document = try ProbeDocument(in: folder) }

  /// The folder that is written.
  package static let kind = ResultFolder.Kind(
    ProbeDocument.self, names: ["probe.csv"], figures: ["probe"])

  /// All but the picture.
  package var dataFiles: [FileMaker] {
    [{ ("probe.csv", document.csv) }, { (ProbeDocument.name, try document.json) }]
  }
}
