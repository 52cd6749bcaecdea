import ActivationFiles
import Analyses
import CKA
import Device
import Support

/// What `components` finds, as far as it is drawn.
public struct ComponentsResult: FolderResult {
  /// All but the matrices.
  public let document: ComponentsDocument
  /// CKA, layers × layers; NaN where a cell has no value, as in the maps below.
  public let cka: Matrix<Double>
  /// CKA without the first of `document.removed` components.
  public let reduced: Matrix<Double>
  /// ⟨uˣ₁, uʸ₁⟩² of the first components.
  public let alignment: Matrix<Double>
  /// Of each model's layers: the examples' projections on the first component; none where undefined.
  public let projections: [[[Double]]]

  /// See the properties.
  ///
  /// - Throws: `ComparisonError` where a layer lacks the component that it should have.
  public init(_ document: ComponentsDocument, _ outcome: ComponentAnalysis.Outcome) throws {
    self.document = document
    cka = outcome.similarity.cka
    reduced = outcome.reduced[0].cka
    alignment = outcome.alignment
    projections = try [outcome.left, outcome.right].prefix(document.models.count).map { layers in
      try layers.map { try $0.firstStatus == .ok ? $0.projections(on: 0) : [] }
    }
  }

  /// Reads what the command, or `write`, wrote.
  ///
  /// - Throws: `Failure` where a file is missing, damaged or of another format.
  public init(in folder: String) throws {
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

  /// The folder that is written.
  public static let kind = ResultFolder.Kind(
    ComponentsDocument.self,
    names: [
      "components.csv", "cka.npy", "reduced.npy", "alignment.npy", "contributions.npy",
      "remainders.npy", "projections.npy", "norms.npy", "removal.npy",
    ],
    figures: ["components", "removal", "projections"])

  /// All but the pictures.
  ///
  /// - Parameters:
  ///   - analysis: what was examined.
  ///   - outcome: what `analysis` found.
  ///   - traits: of each model's layers.
  public func dataFiles(
    _ analysis: ComponentAnalysis, _ outcome: ComponentAnalysis.Outcome,
    _ traits: [[ActivationTraits]]
  ) throws -> [FileMaker] {
    let (rows, columns) = (cka.rows, cka.columns)
    let (k, n) = (analysis.components, analysis.pairing.count)
    let found = try concurrentMap(0..<rows) { (i) throws(ComparisonError) in
      var parts: [Double] = []
      var remainders: [Double] = []
      for j in 0..<columns {
        let found = try outcome.contributions(i, j)
        parts += found?.parts.elements ?? Array(repeating: .nan, count: k * k)
        remainders.append(found?.remainder ?? .nan)
      }
      return (parts: parts, remainders: remainders)
    }
    let contributions = found.flatMap(\.parts)
    let remainders = Matrix(rows: rows, columns: columns, elements: found.flatMap(\.remainders))
    let layers = self.projections.joined()
    let projections = layers.flatMap { $0.isEmpty ? Array(repeating: Double.nan, count: n) : $0 }
    let norms = traits.joined().flatMap(\.norms)
    @Sendable func stack(_ maps: [Matrix<Double>]) -> [UInt8] {
      NPYWriter.data(shape: [maps.count, rows, columns], float64: maps.flatMap(\.elements))
    }
    return [
      { ("components.csv", document.csv) }, { (ComponentsDocument.name, try document.json) },
      { ("cka.npy", npy(cka)) }, { ("reduced.npy", stack(outcome.reduced.map(\.cka))) },
      { ("alignment.npy", npy(alignment)) },
      {
        (
          "contributions.npy", NPYWriter.data(shape: [rows, columns, k, k], float64: contributions)
        )
      },
      { ("remainders.npy", npy(remainders)) },
      { ("projections.npy", NPYWriter.data(shape: [layers.count, n], float64: projections)) },
      { ("norms.npy", NPYWriter.data(shape: [layers.count, n], float64: norms)) },
      { ("removal.npy", stack(outcome.removal.map(\.cka))) },
    ]
  }
}
