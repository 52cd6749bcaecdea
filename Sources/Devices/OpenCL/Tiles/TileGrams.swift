import Activations
import Device

/// The making of one tile of the matrices of some layers.
struct TileGrams {
  let run: GramPipeline
  let known: [KnownLayer]
  let layers: [Int]
  let rows: Range<Int>
  let columns: Range<Int>

  init(
    runtime: Runtime, minibatch: Minibatch, centering: GramCentering, division: TileDivision,
    known: [KnownLayer], layers: [Int], rows: Range<Int>, columns: Range<Int>
  ) {
    self.known = known
    self.layers = layers
    self.rows = rows
    self.columns = columns
    var examples = Array(minibatch.examples[rows])
    if rows != columns { examples += minibatch.examples[columns] }
    let sources = layers.map {
      GatherSource(layer: minibatch.layers[$0], examples: examples, centers: known[$0].centers)
    }
    let widest = sources.map(\.stride).max() ?? 0
    let tile = runtime.tuning.gram.tile
    let limits = runtime.limits.within(
      division.memory,
      sliceBytes: min(widest, runtime.tuning.slice) * examples.count * 4,
      tileBytes: tile * tile * 4)
    run = GramPipeline(
      runtime: runtime, sources: sources,
      shape: MatrixShape(
        part: rows == columns
          ? .triangle(rows.count) : .rectangle(rows: rows.count, columns: columns.count),
        centering: centering),
      tuning: runtime.tuning, limits: limits, tensors: nil,
      known: layers.map { known[$0].record },
      scratchBytesPerLayer: TilePassScratch.bytesPerLayer(exampleCount: examples.count),
      meter: minibatch.meter)
  }

  /// Norms and row means of the tile's examples, on the device.
  func vectors() throws(DeviceError) -> TileVectors {
    let byteCount = layers.count * run.shape.exampleCount * 4
    let vectors = TileVectors(
      norms: try run.runtime.buffer(byteCount: byteCount),
      means: try run.runtime.buffer(byteCount: byteCount))
    try run.runtime.upload(numbers(\.squaredNorms), to: vectors.norms)
    try run.runtime.upload(numbers(\.rowMeans), to: vectors.means)
    return vectors
  }

  /// What is known of the rows, and then of other columns, layer by layer.
  private func numbers(_ vector: KeyPath<KnownLayer, [Float]>) -> [Float] {
    var numbers: [Float] = []
    numbers.reserveCapacity(layers.count * run.shape.exampleCount)
    for layer in layers {
      let all = known[layer][keyPath: vector]
      numbers += all[rows]
      if rows != columns { numbers += all[columns] }
    }
    return numbers
  }
}

/// What entries.cl is told of the examples of a tile, [layer · examples + example].
struct TileVectors {
  let norms: Buffer
  let means: Buffer
}

extension OpenCLLimits {
  /// What a run may take of `memory` bytes: half of them for groups and their copies on the host, a
  /// quarter for partial sums. Never less than whole slices and tiles: then no bit depends on it.
  func within(_ memory: Int, sliceBytes: Int, tileBytes: Int) -> OpenCLLimits {
    var limits = self
    limits.group = min(group, max(memory / 8, sliceBytes))
    limits.workspace = min(workspace, max(memory / 4, tileBytes))
    return limits
  }
}
