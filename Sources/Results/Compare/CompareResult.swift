import CKA
import Device

/// What `compare` finds.
public struct CompareResult: FolderResult {
  /// All but the matrices.
  public let document: ResultDocument
  /// CKA, layers of the first model × layers of the second; NaN where a cell has no value.
  public let cka: Matrix<Double>
  /// Null standard deviations above 0, of the unbiased estimators; nil of others.
  public let z: Matrix<Double>?

  /// See the properties.
  public init(_ document: ResultDocument, _ similarity: Similarity) {
    self.document = document
    (cka, z) = (similarity.cka, similarity.z)
  }

  /// Reads what the command, or `write`, wrote.
  ///
  /// - Throws: `Failure` where a file is missing, damaged or of another format.
  public init(in folder: String) throws {
    document = try ResultDocument(in: folder)
    let (rows, columns) = document.shape
    cka = try writtenScores(at: "\(folder)/cka.npy", rows: rows, columns: columns)
    z =
      document.hasSignificance
      ? try writtenMatrix(at: "\(folder)/z.npy", rows: rows, columns: columns) : nil
  }

  /// Why each cell has a value or has none.
  public var statuses: Matrix<Status> {
    document.undefinedCells.reduce(into: cka.map { _ in Status.ok }) { statuses, cell in
      if let status = Status(rawValue: cell.status) { statuses[cell.row, cell.column] = status }
    }
  }

  /// What `compare` and `plot` write.
  public static let kind = ResultFolder.Kind(
    ResultDocument.self, names: ["cka.npy", "cka.csv", "z.npy"], figures: ["heatmap"])

  /// All but the pictures, which `cka plot` makes of these.
  public var dataFiles: [FileMaker] {
    let (document, cka) = (document, cka)
    var makers: [FileMaker] = [
      { ("cka.npy", npy(cka)) },
      { ("cka.csv", csv(cka, rows: document.rowNames, columns: document.columnNames)) },
      { (ResultDocument.name, try document.json) },
    ]
    if let z { makers.append { ("z.npy", npy(z)) } }
    return makers
  }
}

extension ResultDocument {
  fileprivate var rowNames: [String] { models[0].layers.map(\.name) }
  fileprivate var columnNames: [String] { (models.last ?? models[0]).layers.map(\.name) }

  /// What the scores are, beside the color bar.
  package static func scoreName(kernel: Kernel, estimator: Estimator) -> String {
    "CKA (\(kernel.name), \(estimator.name))"
  }
}
