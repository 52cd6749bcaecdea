import Activations

/// Joins the files of a folder that hold consecutive examples of the same layers.
struct Shards {
  /// One file and its layers.
  struct Shard {
    let path: String
    let layers: [LayerActivations]
  }

  private let first: Shard
  private let rest: ArraySlice<Shard>

  /// The shards in the order of their examples.
  init?(_ shards: [Shard]) {
    guard let first = shards.first else { return nil }
    self.first = first
    rest = shards.dropFirst()
  }

  /// The layers of the first shard, each with the examples of all shards.
  func joined() throws(ActivationFileError) -> [LayerActivations] {
    var blocks = first.layers.map(\.blocks)
    var counts = first.layers.map(\.shape.exampleCount)
    for shard in rest {
      try checkCounts(shard)
      var byName: [String: LayerActivations] = [:]
      for layer in shard.layers { byName[layer.name] = layer }
      for (index, layer) in first.layers.enumerated() {
        guard let next = byName.removeValue(forKey: layer.name) else {
          throw fault(shard, "lacks the layer \(quoted(layer.name))")
        }
        try check(next, of: shard, continues: layer)
        for block in next.blocks {
          blocks[index].append(
            LayerActivations.Block(
              firstExample: counts[index], exampleCount: block.exampleCount, bytes: block.bytes,
              storage: block.storage))
          counts[index] += block.exampleCount
        }
      }
      if let extra = shard.layers.first(where: { byName[$0.name] != nil }) {
        throw fault(shard, "has the additional layer \(quoted(extra.name))")
      }
    }
    var layers: [LayerActivations] = []
    for (index, layer) in first.layers.enumerated() {
      guard
        let shape = LayerShape(exampleCount: counts[index], featureAxes: layer.shape.featureAxes)
      else { throw fault(first, "has more numbers than an address") }
      layers.append(
        LayerActivations(
          name: layer.name, shape: shape, scalarType: layer.scalarType,
          isByteSwapped: layer.isByteSwapped, memoryOrder: layer.memoryOrder,
          blocks: blocks[index]))
    }
    return layers
  }

  /// Layers are compared example by example: in each shard they must have the same number.
  private func checkCounts(_ shard: Shard) throws(ActivationFileError) {
    try checkExampleCounts(shard.layers, path: shard.path)
  }

  private func check(
    _ next: LayerActivations, of shard: Shard, continues layer: LayerActivations
  ) throws(ActivationFileError) {
    let name = quoted(layer.name)
    guard next.shape.featureAxes == layer.shape.featureAxes else {
      throw fault(
        shard, "has the layer \(name) as \(next.shape)", expected: "examples of \(layer.shape)")
    }
    guard next.scalarType == layer.scalarType else {
      throw fault(
        shard, "has the layer \(name) as \(next.scalarType)", expected: "\(layer.scalarType)")
    }
    guard next.isByteSwapped == layer.isByteSwapped else {
      throw fault(shard, "has the layer \(name) in another byte order")
    }
    // numpy calls a single example of one feature axis C order whatever it was before; it is both.
    let isBoth = next.shape.exampleCount == 1 && next.shape.featureAxes.count <= 1
    guard next.memoryOrder == layer.memoryOrder || isBoth else {
      throw fault(
        shard, "has the layer \(name) in \(next.memoryOrder.words)",
        expected: layer.memoryOrder.words)
    }
  }

  private func fault(
    _ shard: Shard, _ found: String, expected: String? = nil
  ) -> ActivationFileError {
    let other = "\(quoted(first.path)), another shard of the model"
    return Place(path: shard.path).data(
      expected.map { "\(found), expected \($0) as in \(other)" } ?? "\(found), unlike \(other)")
  }
}

extension MemoryOrder {
  fileprivate var words: String {
    switch self {
    case .rowMajor: "C order"
    case .columnMajor: "Fortran order"
    }
  }
}

/// Checks that all layers at `path` have the same number of examples.
func checkExampleCounts(
  _ layers: [LayerActivations], path: String
) throws(ActivationFileError) {
  guard let first = layers.first,
    let other = layers.first(where: { $0.shape.exampleCount != first.shape.exampleCount })
  else { return }
  throw Place(path: path).data(
    "the layer \(quoted(first.name)) has \(first.shape.exampleCount) examples, the layer "
      + "\(quoted(other.name)) has \(other.shape.exampleCount), expected the same")
}
