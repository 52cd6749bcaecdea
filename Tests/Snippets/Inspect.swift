import ActivationFiles
import Testing

extension Snippets {
  func inspect(_ run: String) throws -> ModelFiles {
    // Snippet begins.
    let contents = try ModelContents(path: run)
    for layer in contents.layers {
      print(layer.name, layer.shape, layer.shape.featureCount, layer.scalarType.rawValue)
    }
    for array in contents.skipped { print(array.name, array.reason) }

    let model = try contents.model()
    print(model.name, model.layers.count, model.exampleCount, model.exampleIDs?.first ?? "no IDs")
    // Snippet ends.
    return model
  }

  @Test func networksOfDigitsHoldTheirLayers() throws {
    let model = try inspect("\(Self.root)/Examples/digits/activations/depth8-width4-seed0")
    #expect(model.layers.count == 30)
    #expect(model.exampleCount == 256)
    #expect(model.layers[0].name == "stem.conv")
  }
}
