import Device
import Support

/// The result of `blocks`.
public struct BlocksResult: FolderResult {
  /// All but the matrices.
  public let document: BlocksDocument
  /// Of one model: its map.
  public let map: Matrix<Double>?

  /// The result of `findings`, of which `document` is.
  public init(_ document: BlocksDocument, _ findings: BlockFindings) {
    self.document = document
    let networks = findings.input.networks
    map = networks.count == 1 ? networks[0].map : nil
  }

  /// Reads what the command, or `write`, wrote.
  ///
  /// - Throws: `Failure` where a file is missing, damaged or of another format.
  public init(in folder: String) throws {
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
  public static let kind = ResultFolder.Kind(
    BlocksDocument.self,
    names: ["blocks.csv", "pairs.csv", "depth.csv", "matches.csv", "cka.npy"],
    figures: ["heatmap", "blocks", "depth"])

  /// All but the pictures.
  public func dataFiles(_ findings: BlockFindings) -> [FileMaker] {
    var files: [FileMaker] = [
      { ("blocks.csv", document.csv) }, { (BlocksDocument.name, try document.json) },
    ]
    if let map { files.append { ("cka.npy", npy(map)) } }
    if !findings.input.pairs.isEmpty {
      let across = findings.across
      files += [
        { ("pairs.csv", across.pairTable) }, { ("depth.csv", across.depthTable) },
        { ("matches.csv", across.matchTable) },
      ]
    }
    return files
  }
}
