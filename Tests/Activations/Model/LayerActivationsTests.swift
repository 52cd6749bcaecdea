import Activations
import Testing

@Suite struct LayerActivationsTests {
  /// A caller gets an error that names its layer, not the end of its process.
  @Test func valuesFillTheShape() throws {
    let shape = try #require(LayerShape(exampleCount: 4, featureAxes: [3]))
    func layer(_ count: Int, _ type: ScalarType) throws -> LayerActivations {
      try LayerActivations(
        name: "x", values: [Float](repeating: 1, count: count), shape: shape, scalarType: type)
    }
    #expect(try layer(12, .float32).shape == shape)
    for (count, type) in [(11, .float32), (13, .float32), (0, .float32), (12, .float64)]
      as [(Int, ScalarType)]
    {
      let error = #expect(throws: ActivationReadError.self) { try layer(count, type) }
      #expect(error?.description.hasPrefix("layer x: ") == true)
    }
  }
}
