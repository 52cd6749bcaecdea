import Activations
import Analyses
import CKA
import Device
import Support

/// What `trust` finds.
public struct UncertaintyResult: FolderResult {
  /// All but the matrices.
  public let document: UncertaintyDocument
  /// Debiased CKA, layers × layers; NaN where a cell has no value, as in the maps below.
  public let cka: Matrix<Double>
  /// Null standard deviations above 0.
  public let z: Matrix<Double>
  /// Standard errors of the jackknife.
  public let standardErrors: Matrix<Double>
  /// The map with the examples of one side shuffled.
  public let control: Matrix<Double>
  /// The chance of at least each value: `MapSignificance`; NaN in older results.
  public let p: Matrix<Double>
  /// The same adjusted for the number of pairs of layers.
  public let adjustedP: Matrix<Double>

  /// See the properties.
  public init(_ document: UncertaintyDocument, _ outcome: Uncertainty.Outcome) {
    self.document = document
    cka = outcome.similarity.cka
    z = outcome.similarity.z ?? cka.map { _ in .nan }
    standardErrors = outcome.standardErrors
    control = outcome.control
    p = outcome.significance.p
    adjustedP = outcome.significance.adjusted
  }

  /// Reads what the command, or `write`, wrote.
  ///
  /// - Throws: `Failure` where a file is missing, damaged or of another format.
  public init(in folder: String) throws {
    let document = try UncertaintyDocument(in: folder)
    func map(_ name: String) throws -> Matrix<Double> {
      try writtenMatrix(
        at: "\(folder)/\(name).npy", rows: document.shape.rows, columns: document.shape.columns)
    }
    self.document = document
    cka = try map("cka")
    z = try map("z")
    standardErrors = try map("standard-error")
    control = try map("control")
    let isTested = document.significance != nil
    p = isTested ? try map("p") : cka.map { _ in .nan }
    adjustedP = isTested ? try map("adjusted-p") : p
    for (name, values) in [("p", p), ("adjusted-p", adjustedP)] {
      if let other = values.elements.first(where: { !($0.isNaN || fractions.contains($0)) }) {
        throw Failure(
          .data, "\(oneLine(folder))/\(name).npy: holds \(other), expected probabilities")
      }
    }
    try checkScores(cka.elements, at: "\(folder)/cka.npy")
    try checkScores(control.elements, at: "\(folder)/control.npy")
    if let other = standardErrors.elements.first(where: { $0 < 0 || $0 > plainNumbers.upperBound })
    {
      throw Failure(
        .data, "\(oneLine(folder))/standard-error.npy: holds \(other), expected standard errors")
    }
  }

  /// The folder that is written.
  public static let kind = ResultFolder.Kind(
    UncertaintyDocument.self,
    names: [
      "trust.csv", "cka.npy", "z.npy", "standard-error.npy", "control.npy", "p.npy",
      "adjusted-p.npy",
      "examples.csv",
    ],
    figures: ["trust", "control", "standard-error", "drops"])

  /// All but the pictures, in the order people look for them.
  ///
  /// - Parameters:
  ///   - comparison: what was compared.
  ///   - outcome: what the analysis of `comparison` found.
  ///   - details: of the pair of layers that was asked for.
  public func dataFiles(
    _ comparison: Comparison, _ outcome: Uncertainty.Outcome, _ details: PairUncertainty? = nil
  ) -> [FileMaker] {
    var files: [FileMaker] = []
    if let details {
      files.append { ("examples.csv", Self.table(details, comparison.exampleNames)) }
    }
    return files + [
      { ("trust.csv", Self.table(document, outcome, z)) },
      { (UncertaintyDocument.name, try document.json) }, { ("cka.npy", npy(cka)) },
      { ("z.npy", npy(z)) }, { ("standard-error.npy", npy(standardErrors)) },
      { ("control.npy", npy(control)) }, { ("p.npy", npy(p)) },
      { ("adjusted-p.npy", npy(adjustedP)) },
    ]
  }

  /// A row a pair of layers; what does not exist is empty.
  private static func table(
    _ document: UncertaintyDocument, _ outcome: Uncertainty.Outcome, _ z: Matrix<Double>
  ) -> [UInt8] {
    let (rows, columns) = (
      document.models[0].layers, (document.models.last ?? document.models[0]).layers
    )
    let cka = outcome.similarity.cka
    var bytes = csvLine([
      "row", "column", "cka", "bias", "standard_error", "z", "bound", "control", "p", "adjusted_p",
      "family_wise_p",
    ])
    let bound = outcome.similarity.significance
    let significance = outcome.significance
    for (i, row) in rows.enumerated() {
      for (j, column) in columns.enumerated() {
        let numbers = [
          cka[i, j], outcome.biases[i, j], outcome.standardErrors[i, j], z[i, j],
          bound?[i, j] ?? .nan, outcome.control[i, j], significance.p[i, j],
          significance.adjusted[i, j], significance.familyWise?[i, j] ?? .nan,
        ]
        bytes += csvLine([row.name, column.name] + numbers.map(csvNumber))
      }
    }
    return bytes
  }

  /// A row an example, the largest contribution first.
  private static func table(_ details: PairUncertainty, _ names: [String]) -> [UInt8] {
    details.byContribution.reduce(into: csvLine(["example", "contribution", "weight"])) {
      $0 += csvLine([
        names[$1], csvNumber(details.contributions[$1]), csvNumber(details.weights[$1]),
      ])
    }
  }
}
