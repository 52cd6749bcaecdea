import Foundation
import TestSupport

/// A model of small layers that share some of their activations.
struct TestModel {
  var layers: [(name: String, activations: Activations64)]

  /// `names` as layers of `n` examples and a few features each.
  init(_ names: [String], n: Int = 24, seed: UInt64 = 1) {
    let shared = Activations64.normal(n: n, p: 5, seed: seed &* 1000)
    layers = names.indices.map { index in
      let own = Activations64.normal(
        n: n, p: 3 + index % 7, seed: seed &* 1000 + UInt64(index) + 1)
      return (names[index], shared.mixed(into: own, weight: 0.5))
    }
  }

  /// `layer0`, `layer1`, …
  init(layers: Int, n: Int = 24, seed: UInt64 = 1) {
    self.init((0..<layers).map { "layer\($0)" }, n: n, seed: seed)
  }

  /// A `.npy` file of layer `index`.
  func npy(_ index: Int) -> [UInt8] {
    let layer = layers[index].activations
    return NPYFile.bytes(layer.values, shape: [layer.n, layer.p])
  }

  /// A `.npz` file of all layers; names may hold anything.
  var npz: [UInt8] {
    ZipFile.bytes(layers.indices.map { (name: layers[$0].name + ".npy", data: npy($0)) })
  }

  /// A `.safetensors` file of all layers, whose names must be plain.
  var safetensors: [UInt8] {
    SafetensorsFile.bytes(
      layers.map {
        (
          name: $0.name, shape: [$0.activations.n, $0.activations.p],
          values: $0.activations.values
        )
      })
  }

  /// Writes a folder of `.npy` files and returns its path.
  @discardableResult
  func write(to name: String, in folder: TemporaryFolder) throws -> String {
    for index in layers.indices {
      try folder.write(npy(index), to: "\(name)/\(layers[index].name).npy")
    }
    return "\(folder.path)/\(name)"
  }
}

/// `layers.json` with the given sample IDs.
func sampleIDs(_ ids: [Int]) -> String { "{\"examples\": \(ids)}" }
