import CKA
import Device

/// What `compare` finds.
package struct CompareResult: FolderResult {
  package let document: ResultDocument
  package let cka: Matrix<Double>
  /// Of the unbiased estimators.
  package let z: Matrix<Double>?

  package init(_ document: ResultDocument, _ similarity: Similarity) {
    self.document = document
    (cka, z) = (similarity.cka, similarity.z)
  }

  package init(in folder: String) throws {
    document = try ResultDocument(in: folder)
    let (rows, columns) = document.shape
    cka = try writtenScores(at: "\(folder)/cka.npy", rows: rows, columns: columns)
    z =
      document.hasSignificance
      ? try writtenMatrix(at: "\(folder)/z.npy", rows: rows, columns: columns) : nil
  }

  /// What `compare` and `plot` write.
  package static let kind = ResultFolder.Kind(
    ResultDocument.self, names: ["cka.npy", "cka.csv", "z.npy"], figures: ["heatmap"])

  /// All but the pictures, which `cka plot` makes of these.
  package var dataFiles: [FileMaker] {
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
