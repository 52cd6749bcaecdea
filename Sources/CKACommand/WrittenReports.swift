import CommandSupport
import Foundation
import Report

extension Report {
  /// The page of what `compare`, `converge` or `sweep` wrote into a folder.
  init(ofResultAt folder: String) throws {
    func holds(_ name: String) -> Bool { access("\(folder)/\(name)", F_OK) == 0 }
    if holds(SweepDocument.name) {
      try self.init(ofSweepAt: folder)
    } else if holds(ConvergeFiles.document) {
      let document: ConvergeDocument = try readDocument(
        at: "\(folder)/\(ConvergeFiles.document)", format: ConvergeDocument.format, of: "converge")
      let rows = document.models[0].layers.count
      let columns = (document.models.last ?? document.models[0]).layers.count
      try self.init(
        document,
        exact: writtenScores(
          at: "\(folder)/\(ConvergeFiles.exact)", rows: rows, columns: columns))
    } else {
      let document = try ResultDocument(at: "\(folder)/\(ResultFiles.document)")
      let cka = try document.scores(in: folder)
      let z =
        document.hasSignificance
        ? try writtenMatrix(at: "\(folder)/z.npy", rows: cka.rows, columns: cka.columns) : nil
      try self.init(document, cka: cka, z: z)
    }
  }
}
