import ActivationFiles
import Activations
import Analyses
import CKA
import CommandSupport
import Device
import Figures
import Report

/// What `converge` finds.
struct ConvergeResult: DrawableResult {
  /// The exact values of all pairs of layers.
  static let exactName = "exact.npy"

  let document: ConvergeDocument
  let exact: Matrix<Double>

  init(_ document: ConvergeDocument, exact: Matrix<Double>) {
    self.document = document
    self.exact = exact
  }

  init(in folder: String) throws {
    document = try ConvergeDocument(in: folder)
    let (rows, columns) = document.models.shape
    exact = try writtenScores(at: "\(folder)/\(Self.exactName)", rows: rows, columns: columns)
  }

  func figures() throws -> [NamedFigure] {
    [NamedFigure(name: "converge", figure: try LineChart(document))]
  }

  func report() throws -> Report { try Report(document, exact: exact) }
}

/// The files of a result of `converge`, as bytes, ready to be written.
struct ConvergeFiles {
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    ConvergeDocument.self, names: ["converge.csv", ConvergeResult.exactName, "errors.npy"],
    figures: ["converge"])

  /// Names and bytes, in the order people look for them.
  let contents: [(name: String, bytes: [UInt8])]

  /// - Parameter report: whether a page is among them.
  init(_ document: ConvergeDocument, _ outcome: Convergence.Outcome, report: Bool) throws {
    let exact = outcome.exact.cka
    let errors = outcome.points.flatMap(\.rootMeanSquares.elements)
    let shape = [document.batchSizes.count, document.passes.count, exact.rows, exact.columns]
    contents =
      try [
        ("converge.csv", document.csv), (ConvergeDocument.name, try document.json),
        (ConvergeResult.exactName, npy(exact)),
        ("errors.npy", NPYWriter.data(shape: shape, float64: errors)),
      ] + ConvergeResult(document, exact: exact).drawings(report: report).map { try $0() }
  }
}

extension LineChart {
  /// Mean errors against batch size, a curve a number of passes, and the other way round, with bands
  /// from the least to the most of all repeats. An error of 0 has no place on a logarithmic axis.
  init(_ document: ConvergeDocument) throws(FigureError) {
    func curve(
      _ points: [ConvergeDocument.Point], label: String, x: (ConvergeDocument.Point) -> Int
    ) -> Curve? {
      let placed: [Point] = points.compactMap { point in
        guard let error = point.meanError, let least = point.meanErrors.min(),
          let most = point.meanErrors.max(), least > 0
        else { return nil }
        // The mean of equal numbers may round away from them.
        let spread = min(least, error)...max(most, error)
        return Point(
          x: Double(x(point)), y: error, spread: point.meanErrors.count > 1 ? spread : nil)
      }
      return placed.isEmpty ? nil : Curve(points: placed, label: label)
    }
    let byPasses = document.passes.compactMap { passes in
      curve(
        document.points.filter { $0.passes == passes },
        label: "\(passes) \(passes == 1 ? "pass" : "passes")", x: \.batchSize)
    }
    let byBatchSize = document.batchSizes.compactMap { size in
      curve(
        document.points.filter { $0.batchSize == size }, label: "batches of \(size)", x: \.passes)
    }
    let names = document.models.map(\.name).joined(separator: " and ")
    let bands = document.repeats > 1 ? "bands: \(document.repeats) orders; " : ""
    try self.init(
      panels: [
        [
          Panel(xTitle: "batch size", curves: byPasses),
          Panel(xTitle: "passes", curves: byBatchSize, expectedSlope: -0.5),
        ]
      ],
      rowTitles: ["mean |error| of CKA"], title: "minibatch CKA, \(document.kernel.name): \(names)",
      note: "\(bands)dashed: 1/√passes; exact: all \(document.examples.compared) examples")
  }
}
