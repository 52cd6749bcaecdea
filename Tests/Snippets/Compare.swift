import ActivationFiles
import CKA
import DeviceRegistry
import ResultFigures
import Results
import Testing

extension Snippets {
  func compare(_ run1: String, _ run2: String, to folder: String) throws -> Comparison.Outcome {
    // Snippet begins.
    let left = try ModelFiles(path: run1)
    let right = try ModelFiles(path: run2)
    let comparison = try Comparison(left, right, estimator: .minibatch(.init(size: 32, passes: 2)))
    let choice = try DeviceRegistry.choose(.automatic)
    let team = DeviceTeam(choice.devices, sharing: choice.sharing)
    let outcome = try comparison.run(on: team)
    let similarity = outcome.similarity
    print(similarity.cka[0, 0], similarity.statuses[0, 0], similarity.leftStatuses)

    let document = ResultDocument(comparison, outcome, paths: [left.path, right.path])
    let result = CompareResult(document, similarity)
    try result.write(result.dataFiles, to: folder, report: true)
    // Snippet ends.
    return outcome
  }

  @Test func compareWritesWhatItFinds() throws {
    let folder = "\(files.path)/compare"
    let outcome = try compare(run1, run2, to: folder)
    let written = try CompareResult(in: folder)
    #expect(written.cka == outcome.similarity.cka)
    #expect(written.document.models.map(\.name) == ["run1", "run2"])
    #expect(written.document.estimator.passes == 2)
    #expect(written.document.examples.used == 64)
    #expect(
      files(in: folder) == [
        "cka.csv", "cka.npy", "heatmap.pdf", "heatmap.png", "heatmap.svg", "report.html",
        "result.json", "z.npy",
      ])
    // An existing result is kept unless somebody says otherwise.
    #expect(throws: (any Error).self) { try compare(run1, run2, to: folder) }
    // The layers that share most of their numbers are most similar.
    let cka = outcome.similarity.cka
    for layer in 0..<cka.rows {
      #expect(cka[layer, layer] > 0.3, "\(cka[layer, layer])")
      #expect(cka[layer, layer] < 1)
    }
  }
}
