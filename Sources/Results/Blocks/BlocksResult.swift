import Device
import Support

/// The result of `blocks`.
package struct BlocksResult: FolderResult {
  package let document: BlocksDocument
  /// Of one model: its map.
  package let map: Matrix<Double>?

  package init(_ document: BlocksDocument, map: Matrix<Double>?) {
    self.document = document
    self.map = map
  }

  package init(in folder: String) throws {
    document = try BlocksDocument(in: folder)
    guard document.models.count == 1 else {
      map = nil
      return
    }
    guard let result = document.result else {
      throw Failure(
        .data,
        "\(oneLine(folder)): was written without its map by an earlier version; run cka blocks "
          + "again"
      )
    }
    let (rows, columns) = result.shape
    map = try writtenScores(at: "\(folder)/cka.npy", rows: rows, columns: columns)
  }

  /// The folder that is written.
  package static let kind = ResultFolder.Kind(
    BlocksDocument.self,
    names: ["blocks.csv", "pairs.csv", "depth.csv", "matches.csv", "cka.npy"],
    figures: ["heatmap", "blocks", "depth"])

  /// All but the pictures.
  ///
  /// - Parameter across: of a sweep: what its pairs of models share.
  package func dataFiles(_ across: AcrossModels?) -> [FileMaker] {
    var files: [FileMaker] = [
      { ("blocks.csv", document.csv) }, { (BlocksDocument.name, try document.json) },
    ]
    if let map { files.append { ("cka.npy", npy(map)) } }
    if let across {
      files += [
        { ("pairs.csv", across.pairTable) }, { ("depth.csv", across.depthTable) },
        { ("matches.csv", across.matchTable) },
      ]
    }
    return files
  }
}
