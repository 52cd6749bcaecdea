import ActivationFiles
import Analyses
import CKA
import Device

/// What `converge` finds.
package struct ConvergeResult: FolderResult {
  /// The exact values of all pairs of layers.
  static let exactName = "exact.npy"

  package let document: ConvergeDocument
  package let exact: Matrix<Double>

  package init(_ document: ConvergeDocument, exact: Matrix<Double>) {
    self.document = document
    self.exact = exact
  }

  package init(in folder: String) throws {
    document = try ConvergeDocument(in: folder)
    let (rows, columns) = document.models.shape
    exact = try writtenScores(at: "\(folder)/\(Self.exactName)", rows: rows, columns: columns)
  }

  /// The folder that is written.
  package static let kind = ResultFolder.Kind(
    ConvergeDocument.self, names: ["converge.csv", exactName, "errors.npy"], figures: ["converge"])

  /// All but the picture.
  package func dataFiles(_ outcome: Convergence.Outcome) -> [FileMaker] {
    let errors = outcome.points.flatMap(\.rootMeanSquares.elements)
    let shape = [document.batchSizes.count, document.passes.count, exact.rows, exact.columns]
    return [
      { ("converge.csv", document.csv) }, { (ConvergeDocument.name, try document.json) },
      { (Self.exactName, npy(exact)) },
      { ("errors.npy", NPYWriter.data(shape: shape, float64: errors)) },
    ]
  }
}
