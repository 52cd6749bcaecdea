import ActivationFiles
import Analyses
import CKA
import DeviceRegistry
import ResultFigures
import Results
import Testing

extension Snippets {
  func components(_ run: String, to folder: String) throws -> ComponentAnalysis.Outcome {
    // Snippet begins.
    let model = try ModelFiles(path: run)
    let analysis = try ComponentAnalysis(model, components: 5, removed: [1, 2])
    let choice = try DeviceRegistry.choose(.automatic)
    let team = DeviceTeam(choice.devices, sharing: choice.sharing)
    let outcome = try analysis.run(on: team)
    for (layer, found) in zip(model.layers, outcome.left) {
      print(layer.name, found.varianceFractions)
    }
    print(outcome.similarity.cka[0, 1], outcome.reduced[0].cka[0, 1])

    let traits = try analysis.traits
    let document = try ComponentsDocument(analysis, outcome, traits, paths: [model.path])
    let result = try ComponentsResult(document, outcome)
    try result.write(try result.dataFiles(analysis, outcome, traits), to: folder)
    // Snippet ends.
    return outcome
  }

  @Test func componentsWriteWhatTheyFind() throws {
    let folder = "\(files.path)/components"
    let outcome = try components(run1, to: folder)
    let written = try ComponentsResult(in: folder)
    #expect(written.cka == outcome.similarity.cka)
    #expect(written.reduced == outcome.reduced[0].cka)
    #expect(
      written.document.layers[0].map(\.varianceFractions) == outcome.left.map(\.varianceFractions))
    #expect(written.document.removed == [1, 2])
    for layer in outcome.left {
      #expect(layer.values.count == 5)
      #expect(layer.varianceFractions.reduce(0, +) < 1)
    }
  }
}
