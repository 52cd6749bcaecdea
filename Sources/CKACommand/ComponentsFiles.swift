import ActivationFiles
import Activations
import CKA
import CommandSupport
import Device
import Figures
import Report

/// The files of a result of `components`, as bytes, ready to be written.
struct ComponentsFiles {
  private static let document = "components.json"
  /// What is written, in the order people look for it.
  static let names = [
    "components.png", "components.svg", "removal.png", "removal.svg", "projections.png",
    "projections.svg", "components.csv", document, "cka.npy", "reduced.npy", "alignment.npy",
    "contributions.npy", "remainders.npy", "projections.npy", "norms.npy", "removal.npy",
    Report.fileName,
  ]
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    command: "components", document: document, formatFamily: ComponentsDocument.formatFamily,
    names: Set(names))

  /// Names and bytes.
  let contents: [(name: String, bytes: [UInt8])]

  /// - Parameter report: whether a page is among them.
  init(
    _ document: ComponentsDocument, _ analysis: ComponentAnalysis,
    _ outcome: ComponentAnalysis.Outcome, _ traits: [[ActivationTraits]], report: Bool
  ) throws {
    let (rows, columns) = (outcome.similarity.cka.rows, outcome.similarity.cka.columns)
    let (k, n) = (analysis.components, analysis.pairing.count)
    var contents: [(name: String, bytes: [UInt8])] = []
    let figures = ComponentFigures(document, outcome)
    contents += try pictures("components", of: figures.panels)
    for (name, chart) in [
      ("removal", try figures.removal), ("projections", try figures.projections),
    ] {
      guard let chart else { continue }
      contents += try pictures(name, of: chart)
    }
    var contributions: [Double] = []
    var remainders = Matrix<Double>(rows: rows, columns: columns, repeating: .nan)
    contributions.reserveCapacity(rows * columns * k * k)
    for i in 0..<rows {
      for j in 0..<columns {
        let parts = outcome.contributions(i, j)
        contributions += parts?.elements ?? Array(repeating: .nan, count: k * k)
        if let parts { remainders[i, j] = outcome.biased.cka[i, j] - parts.elements.reduce(0, +) }
      }
    }
    let layers = document.models.count > 1 ? outcome.left + outcome.right : outcome.left
    let projections = layers.flatMap { layer in
      layer.values.isEmpty
        ? Array(repeating: Double.nan, count: n) : layer.projections(on: 0)
    }
    func stack(_ maps: [Matrix<Double>]) -> [UInt8] {
      NPYWriter.data(shape: [maps.count, rows, columns], float64: maps.flatMap(\.elements))
    }
    contents += [
      ("components.csv", document.csv), (Self.document, try document.json),
      ("cka.npy", npy(outcome.similarity.cka)), ("reduced.npy", stack(outcome.reduced.map(\.cka))),
      ("alignment.npy", npy(outcome.alignment)),
      (
        "contributions.npy", NPYWriter.data(shape: [rows, columns, k, k], float64: contributions)
      ),
      ("remainders.npy", npy(remainders)),
      ("projections.npy", NPYWriter.data(shape: [layers.count, n], float64: projections)),
      (
        "norms.npy",
        NPYWriter.data(shape: [layers.count, n], float64: traits.joined().flatMap(\.norms))
      ),
      ("removal.npy", stack(outcome.removal.map(\.cka))),
    ]
    if report { contents.append((Report.fileName, try Report(document, figures).bytes())) }
    self.contents = contents
  }
}
