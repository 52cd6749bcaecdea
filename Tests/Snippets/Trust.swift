import ActivationFiles
import Analyses
import CKA
import DeviceRegistry
import ResultFigures
import Results
import Testing

extension Snippets {
  func trust(_ run1: String, _ run2: String, to folder: String) throws -> Uncertainty.Outcome {
    // Snippet begins.
    let left = try ModelFiles(path: run1)
    let right = try ModelFiles(path: run2)
    let comparison = try Comparison(left, right, estimator: .unbiased)
    let trust = try Uncertainty(comparison, seed: 1)
    let choice = try DeviceRegistry.choose(.automatic)
    let team = DeviceTeam(choice.devices, sharing: choice.sharing)
    let outcome = try trust.run(on: team)
    print(outcome.similarity.cka[0, 0], outcome.standardErrors[0, 0], outcome.control[0, 0])

    var document = UncertaintyDocument(
      comparison, outcome, paths: [left.path, right.path], seed: 1)
    let pair = try outcome.pair(row: 0, column: 0, settings: .init(permutations: 199))
    if let pair {
      print(pair.permutation.p, pair.byContribution.prefix(5))
      document.add(pair, row: 0, column: 0, of: comparison)
    }
    let result = UncertaintyResult(document, outcome)
    try result.write(result.dataFiles(comparison, outcome, pair), to: folder)
    // Snippet ends.
    return outcome
  }

  @Test func trustWritesWhatItFinds() throws {
    let folder = "\(files.path)/trust"
    let outcome = try trust(run1, run2, to: folder)
    let written = try UncertaintyResult(in: folder)
    #expect(written.cka == outcome.similarity.cka)
    #expect(written.standardErrors == outcome.standardErrors)
    // The same float32 matrices, summed in another order.
    let pair = try #require(written.document.pair)
    #expect(abs(pair.cka - outcome.similarity.cka[0, 0]) < 1e-6)
    #expect(pair.permutations == 199)
    #expect(written.document.largestStandardError == outcome.standardErrors.elements.max())
    #expect(outcome.standardErrors.elements.allSatisfy { $0 > 0 && $0 < 0.3 })
  }
}
