import ActivationFiles
import Analyses
import CKA
import DeviceRegistry
import Inputs
import ResultFigures
import Results
import Testing

extension Snippets {
  func probe(_ run: String, _ labels: String, to folder: String) throws -> [Probe.LayerResult] {
    // Snippet begins.
    let model = try ModelFiles(path: run)
    let classes = ClassLabels(try readLabels(labels, count: model.exampleCount, of: model.path))
    let split = try ProbeSplit(classes, testFraction: 0.25, seed: 1)
    let examples = Array(0..<model.exampleCount)
    let probe = try Probe(model, examples: examples, labels: classes, split: split, penalty: 1)
    let choice = try DeviceRegistry.choose(.automatic)
    let team = DeviceTeam(choice.devices, sharing: choice.sharing)
    let (layers, device) = try probe.run(on: team)
    for (layer, found) in zip(model.layers, layers) { print(layer.name, found.testAccuracy) }

    let document = ProbeDocument(
      probe, layers, path: model.path, labelsPath: labels, testFraction: 0.25, seed: 1,
      device: device)
    let result = ProbeResult(document)
    try result.write(result.dataFiles, to: folder)
    // Snippet ends.
    return layers
  }

  @Test func probesFindTheClassesThatLayersHold() throws {
    let folder = "\(files.path)/probe"
    let layers = try probe(run1, labels, to: folder)
    // The last layer has each example's class among its numbers, the first has noise.
    #expect(layers[layers.count - 1].testAccuracy == 1)
    #expect(layers[0].testAccuracy < 0.9)
    let written = try ProbeResult(in: folder)
    #expect(written.document.layers.map(\.testAccuracy) == layers.map { $0.testAccuracy })
    #expect(written.document.examples.test == 16)
    #expect(written.document.classes == [0, 1])
  }
}
