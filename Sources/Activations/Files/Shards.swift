import Activations

/// Joins the files of a folder that hold consecutive examples of the same layers.
struct Shards {
  /// One file and its arrays.
  struct Shard {
    let path: String
    let arrays: [FoundArray]
  }

  private let first: Shard
  private let rest: ArraySlice<Shard>

  /// The shards in the order of their examples.
  init?(_ shards: [Shard]) {
    guard let first = shards.first else { return nil }
    self.first = first
    rest = shards.dropFirst()
  }

  /// The arrays of the first shard, each with the examples of all shards. An array that is not in every
  /// shard, of the same type and features, is no layer.
  func joined() throws(ActivationFileError) -> [FoundArray] {
    var shards: [(shard: Shard, byName: [[UInt8]: FoundArray])] = []
    for shard in rest {
      var byName: [[UInt8]: FoundArray] = [:]
      for array in shard.arrays { byName[array.name.nameBytes] = array }
      shards.append((shard, byName))
    }
    var arrays: [FoundArray] = []
    for array in first.arrays {
      guard case .layer(let layer) = array else {
        arrays.append(array)
        continue
      }
      arrays.append(
        try FoundArray(layer.name) { () throws(ActivationFileError) in
          try joined(layer, with: shards.map { ($0.shard, $0.byName[layer.name.nameBytes]) })
        })
    }
    var names = Set(arrays.map(\.name.nameBytes))
    for shard in rest {
      for array in shard.arrays where names.insert(array.name.nameBytes).inserted {
        let error = fault(shard, "has the additional layer \(quoted(array.name))")
        arrays.append(.skipped(SkippedArray(array.name, reason: error.description, error: error)))
      }
    }
    return arrays
  }

  /// `layer` of the first shard, continued by what the other shards have under its name.
  private func joined(
    _ layer: LayerActivations, with continuations: [(shard: Shard, array: FoundArray?)]
  ) throws(ActivationFileError) -> LayerActivations {
    var blocks = layer.blocks
    var count = layer.shape.exampleCount
    for (shard, array) in continuations {
      switch array {
      case nil: throw fault(shard, "lacks the layer \(quoted(layer.name))")
      case .skipped(let array): throw array.error.ofNoLayer(array.error.description)
      case .layer(let next):
        try check(next, of: shard, continues: layer)
        for block in next.blocks {
          blocks.append(
            LayerActivations.Block(
              firstExample: count, exampleCount: block.exampleCount, bytes: block.bytes,
              storage: block.storage))
          count += block.exampleCount
        }
      }
    }
    guard let shape = LayerShape(exampleCount: count, featureAxes: layer.shape.featureAxes) else {
      throw fault(first, "has more numbers than an address")
    }
    return LayerActivations(
      name: layer.name, shape: shape, scalarType: layer.scalarType,
      isByteSwapped: layer.isByteSwapped, memoryOrder: layer.memoryOrder, blocks: blocks)
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
    let error = Place(path: shard.path).data(
      expected.map { "\(found), expected \($0) as in \(other)" } ?? "\(found), unlike \(other)")
    return error.ofNoLayer(error.description)
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
