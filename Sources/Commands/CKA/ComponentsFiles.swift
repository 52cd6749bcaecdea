import ActivationFiles
import Activations
import Analyses
import CKA
import CommandSupport
import Device
import Figures
import Report

/// What `components` finds, as far as it is drawn.
struct ComponentsResult: DrawableResult {
  let document: ComponentsDocument
  let cka: Matrix<Double>
  /// CKA without the first of `document.removed` components.
  let reduced: Matrix<Double>
  let alignment: Matrix<Double>
  /// Of each model's layers: the examples' projections on the first component; none where undefined.
  let projections: [[[Double]]]

  init(_ document: ComponentsDocument, _ outcome: ComponentAnalysis.Outcome) throws {
    self.document = document
    cka = outcome.similarity.cka
    reduced = outcome.reduced[0].cka
    alignment = outcome.alignment
    projections = try [outcome.left, outcome.right].prefix(document.models.count).map { layers in
      try layers.map { try $0.firstStatus == .ok ? $0.projections(on: 0) : [] }
    }
  }

  init(in folder: String) throws {
    let document = try ComponentsDocument(in: folder)
    self.document = document
    let (rows, columns) = document.models.shape
    cka = try writtenScores(at: "\(folder)/cka.npy", rows: rows, columns: columns)
    let path = "\(folder)/reduced.npy"
    let maps = try writtenNumbers(at: path, shape: [document.removed.count, rows, columns])
    try checkScores(maps, at: path)
    reduced = Matrix(
      rows: rows, columns: columns, elements: Array(maps.prefix(rows * columns)))
    alignment = try writtenScores(at: "\(folder)/alignment.npy", rows: rows, columns: columns)
    let n = document.examples.compared
    let counts = document.models.map(\.layers.count)
    let numbers = try writtenNumbers(
      at: "\(folder)/projections.npy", shape: [counts.reduce(0, +), n])
    var layers = stride(from: 0, to: numbers.count, by: n).map { start in
      let values = Array(numbers[start..<start + n])
      return values.allSatisfy(\.isFinite) ? values : []
    }[...]
    projections = counts.map { count in
      defer { layers = layers.dropFirst(count) }
      return Array(layers.prefix(count))
    }
  }

  func figures() throws -> [NamedFigure] {
    let figures = ComponentFigures(self)
    return try [
      NamedFigure(name: "components", figure: figures.panels),
      figures.removal.map { NamedFigure(name: "removal", figure: $0) },
      figures.projections.map { NamedFigure(name: "projections", figure: $0) },
    ].compactMap { $0 }
  }

  func report() throws -> Report { try Report(document, ComponentFigures(self)) }
}

/// The files of a result of `components`, as bytes, ready to be written.
struct ComponentsFiles {
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    ComponentsDocument.self,
    names: [
      "components.csv", "cka.npy", "reduced.npy", "alignment.npy", "contributions.npy",
      "remainders.npy", "projections.npy", "norms.npy", "removal.npy",
    ],
    figures: ["components", "removal", "projections"])

  /// Names and bytes.
  let contents: [(name: String, bytes: [UInt8])]

  /// - Parameter report: whether a page is among them.
  init(
    _ document: ComponentsDocument, _ analysis: ComponentAnalysis,
    _ outcome: ComponentAnalysis.Outcome, _ traits: [[ActivationTraits]], report: Bool
  ) throws {
    let (rows, columns) = (outcome.similarity.cka.rows, outcome.similarity.cka.columns)
    let (k, n) = (analysis.components, analysis.pairing.count)
    let result = try ComponentsResult(document, outcome)
    var contents = try result.drawings(report: report).map { try $0() }
    var contributions: [Double] = []
    var remainders = Matrix<Double>(rows: rows, columns: columns, repeating: .nan)
    contributions.reserveCapacity(rows * columns * k * k)
    for i in 0..<rows {
      for j in 0..<columns {
        let parts = try outcome.contributions(i, j)
        contributions += parts?.elements ?? Array(repeating: .nan, count: k * k)
        remainders[i, j] = try outcome.remainder(i, j) ?? .nan
      }
    }
    let layers = result.projections.joined()
    let projections = layers.flatMap { $0.isEmpty ? Array(repeating: Double.nan, count: n) : $0 }
    func stack(_ maps: [Matrix<Double>]) -> [UInt8] {
      NPYWriter.data(shape: [maps.count, rows, columns], float64: maps.flatMap(\.elements))
    }
    contents += [
      ("components.csv", document.csv), (ComponentsDocument.name, try document.json),
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
    self.contents = contents
  }
}
