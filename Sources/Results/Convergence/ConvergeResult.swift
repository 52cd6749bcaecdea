import ActivationFiles
import Analyses
import CKA
import Device

/// What `converge` finds.
public struct ConvergeResult: FolderResult {
  /// The exact values of all pairs of layers.
  static let exactName = "exact.npy"

  /// All but the matrices.
  public let document: ConvergeDocument
  /// The exact values, layers × layers; NaN where a cell has none.
  public let exact: Matrix<Double>

  /// See the properties.
  public init(_ document: ConvergeDocument, exact: Matrix<Double>) {
    self.document = document
    self.exact = exact
  }

  /// Reads what the command, or `write`, wrote.
  ///
  /// - Throws: `Failure` where a file is missing, damaged or of another format.
  public init(in folder: String) throws {
    document = try ConvergeDocument(in: folder)
    let (rows, columns) = document.models.shape
    exact = try writtenScores(at: "\(folder)/\(Self.exactName)", rows: rows, columns: columns)
  }

  /// The folder that is written.
  public static let kind = ResultFolder.Kind(
    ConvergeDocument.self, names: ["converge.csv", exactName, "errors.npy"], figures: ["converge"])

  /// All but the picture.
  public func dataFiles(_ outcome: Convergence.Outcome) -> [FileMaker] {
    let errors = outcome.points.flatMap(\.rootMeanSquares.elements)
    let shape = [document.batchSizes.count, document.passes.count, exact.rows, exact.columns]
    return [
      { ("converge.csv", document.csv) }, { (ConvergeDocument.name, try document.json) },
      { (Self.exactName, npy(exact)) },
      { ("errors.npy", NPYWriter.data(shape: shape, float64: errors)) },
    ]
  }
}
