import Activations
import Device

/// ‖XᵀY‖² of pairs of layers, by cross.cl: sums of products of features stay on the device, examples
/// stream past them.
///
/// The sums of all pairs are cut into tiles, and the tiles into blocks whose sums fit. All examples of a
/// block's layers are read once a block.
struct CrossCovarianceNorms {
  private let runtime: Runtime
  private let pairs: [LayerPair]
  /// The layers of `left`, then those of `right`, which has none where it is `left`.
  private let sources: [GatherSource]
  private let exponents: [Int]
  /// Where the layers of `right` begin.
  private let firstRight: Int
  private let limits: OpenCLLimits
  private let exampleCount: Int
  /// Bytes of a block's sums.
  private let sumBytes: Int
  private let meter: WorkMeter?

  /// TILE × TILE sums of a pair.
  private struct Tile {
    let pair: Int
    let left: Int
    let right: Int
    let firstLeft: Int
    let firstRight: Int
  }

  /// Tiles that are summed in one reading of the examples.
  private struct Block {
    var tiles: [Tile] = []
    /// The layers they are made of, as indices of `sources`.
    var sources: [Int] = []
    var bytesPerExample = 0
  }

  init(_ left: OpenCLGramTiles, _ right: OpenCLGramTiles, pairs: [LayerPair]) {
    runtime = left.runtime
    self.pairs = pairs
    let all = left === right ? [left] : [left, right]
    let sources = all.flatMap { tiles in
      zip(tiles.minibatch.layers, tiles.known).map {
        GatherSource(layer: $0, examples: tiles.minibatch.examples, centers: $1.centers)
      }
    }
    exponents = all.flatMap { tiles in
      tiles.known.map { $0.exponentOfSquares - 2 * $0.centers.exponent }
    }
    firstRight = left === right ? 0 : left.known.count
    exampleCount = left.minibatch.exampleCount
    meter = left.minibatch.meter
    self.sources = sources
    let firstRight = firstRight
    let memory = min(left.division.memory, right.division.memory)
    let widest = pairs.map { pair in
      Set([pair.left, firstRight + pair.right]).reduce(0) { $0 + sources[$1].bytesPerExample }
    }
    let tile = runtime.tuning.gram.tile
    limits = runtime.limits.within(
      memory, sliceBytes: (widest.max() ?? 0) * Tuning.exampleSlice, tileBytes: tile * tile * 4)
    // What groups and partial sums leave.
    sumBytes = min(max(memory / 4, tile * tile * 8), limits.memory / 4, limits.largestAllocation)
  }

  private var side: Int { runtime.tuning.gram.tile }
  private var tileBytes: Int { side * side * 8 }

  /// One number a pair, in units of both layers' squares.
  func run(in workspace: inout Workspace?) throws(DeviceError) -> [Double] {
    var products = [Double](repeating: 0, count: pairs.count)
    for block in try blocks() {
      let squares = try squares(of: block, in: &workspace)
      for (tile, square) in zip(block.tiles, squares) {
        products[tile.pair] += square
      }
    }
    for (index, pair) in pairs.enumerated() {
      let (left, right) = (pair.left, firstRight + pair.right)
      let rest = 2 * scaleExponent(left, right) - exponents[left] - exponents[right]
      products[index] *= Double(sign: .plus, exponent: rest, significand: 1)
    }
    return products
  }

  /// The power of two that sums of a pair are divided by before they are squared: in units of both
  /// layers' norms they are at most n.
  private func scaleExponent(_ left: Int, _ right: Int) -> Int {
    (exponents[left] + exponents[right]) >> 1
  }

  // MARK: Blocks

  private func blocks() throws(DeviceError) -> [Block] {
    let mostTiles = min(sumBytes / tileBytes, Int(UInt32.max))
    var blocks: [Block] = []
    var block = Block()
    for tile in pairs.indices.flatMap(tiles) {
      let added = Set([tile.left, tile.right]).subtracting(block.sources).sorted()
      let bytes = added.reduce(0) { $0 + sources[$1].bytesPerExample }
      let isFull =
        block.tiles.count == mostTiles
        || (block.bytesPerExample + bytes) * Tuning.exampleSlice > limits.groupBytes
      if isFull, !block.tiles.isEmpty {
        blocks.append(block)
        block = Block()
      }
      for source in Set([tile.left, tile.right]).subtracting(block.sources).sorted() {
        block.sources.append(source)
        block.bytesPerExample += sources[source].bytesPerExample
      }
      block.tiles.append(tile)
    }
    if !block.tiles.isEmpty { blocks.append(block) }
    let widest = blocks.map(\.bytesPerExample).max() ?? 0
    guard mostTiles > 0, widest <= limits.groupBytes else {
      throw DeviceError(
        kind: .outOfMemory, call: "planning the products of features",
        context:
          "one example of two layers takes \(widest) bytes of \(limits.groupBytes), one tile "
          + "of sums \(tileBytes) of \(sumBytes)")
    }
    return blocks
  }

  /// Those of a layer with itself are symmetric, and made twice nevertheless: an equal layer of another
  /// model gives the same bits.
  private func tiles(ofPair index: Int) -> [Tile] {
    let (left, right) = (pairs[index].left, firstRight + pairs[index].right)
    return Swift.stride(from: 0, to: sources[left].stride, by: side).flatMap { row in
      Swift.stride(from: 0, to: sources[right].stride, by: side).map {
        Tile(pair: index, left: left, right: right, firstLeft: row, firstRight: $0)
      }
    }
  }

  // MARK: One block

  /// Σ sum² of each of a block's tiles.
  private func squares(of block: Block, in workspace: inout Workspace?)
    throws(DeviceError) -> [Double]
  {
    // Whole slices keep the sums' order whatever the limits.
    let most = limits.groupBytes / block.bytesPerExample
    let step = most >= Tuning.exampleSlice ? most / Tuning.exampleSlice * Tuning.exampleSlice : most
    let slicesPerGroup = (min(step, exampleCount) + Tuning.exampleSlice - 1) / Tuning.exampleSlice
    let partialBytes = side * side * 4
    // A launch has at most 65,535 work-groups in its second dimension.
    let tilesAtATime = min(
      max(limits.workspaceBytes / (partialBytes * slicesPerGroup), 1), block.tiles.count, 65_535)
    let slicesAtATime = max(
      min(limits.workspaceBytes / (partialBytes * tilesAtATime), slicesPerGroup), 1)

    var sizes = Workspace.Sizes()
    sizes.add(group(of: block, exampleCount: min(step, exampleCount)), hasCenters: true)
    sizes.partials = tilesAtATime * slicesAtATime * partialBytes
    let space = try Workspace.usable(&workspace, for: sizes, on: runtime)
    let sums = try runtime.buffer(byteCount: block.tiles.count * tileBytes)
    let tiles = try tileTable(of: block)
    var sender = GroupSender(runtime, space: space, hasCenters: true)
    var last: Workspace.Slot?
    for first in Swift.stride(from: 0, to: exampleCount, by: step) {
      let examples = first..<min(first + step, exampleCount)
      let chosen = block.sources.map {
        GatherSource(
          layer: sources[$0].layer, examples: Array(sources[$0].examples[examples]),
          centers: sources[$0].centers)
      }
      let group = group(of: block, exampleCount: examples.count)
      try sender.send(group, of: chosen) { (slot, sent) throws(DeviceError) in
        last = slot
        let slices = (examples.count + Tuning.exampleSlice - 1) / Tuning.exampleSlice
        var end = sent
        for firstTile in Swift.stride(from: 0, to: block.tiles.count, by: tilesAtATime) {
          let count = min(tilesAtATime, block.tiles.count - firstTile)
          for firstSlice in Swift.stride(from: 0, to: slices, by: slicesAtATime) {
            end = try add(
              firstSlice..<min(firstSlice + slicesAtATime, slices),
              tiles: firstTile..<(firstTile + count), isFirst: first + firstSlice == 0,
              exampleCount: examples.count, slot, space, tiles, sums, after: sent)
          }
        }
        return end
      }
      meter?.add(flopsOfExample(block) * Double(examples.count))
    }
    guard let last else { return [] }
    return try readSquares(of: block, slot: last, tiles: tiles, sums: sums)
  }

  /// Multiplications and additions of one example, of a layer with itself one half.
  private func flopsOfExample(_ block: Block) -> Double {
    func features(_ source: Int, from first: Int) -> Double {
      Double(max(min(side, sources[source].featureCount - first), 0))
    }
    return block.tiles.reduce(0) {
      $0 + features($1.left, from: $1.firstLeft) * features($1.right, from: $1.firstRight)
        * ($1.left == $1.right ? 1 : 2)
    }
  }

  /// The layers of a block, so many examples of each, one part a layer.
  private func group(of block: Block, exampleCount n: Int) -> GramPlan.Group {
    var group = GramPlan.Group()
    for (index, source) in block.sources.enumerated() {
      let layer = GramPlan.Layer(
        featureCount: sources[source].featureCount, format: sources[source].format)
      group.append(
        layer: index, features: 0..<layer.featureCount, of: layer, exampleCount: n,
        slice: sources[source].stride)
    }
    return group
  }

  private func tileTable(of block: Block) throws(DeviceError) -> Buffer {
    let parts = Dictionary(uniqueKeysWithValues: block.sources.enumerated().map { ($1, $0) })
    let table = block.tiles.map {
      SIMD4<UInt32>(
        UInt32(parts[$0.left] ?? 0), UInt32(parts[$0.right] ?? 0), UInt32($0.firstLeft),
        UInt32($0.firstRight))
    }
    let buffer = try runtime.buffer(byteCount: table.count * 16)
    try runtime.upload(table, to: buffer)
    return buffer
  }

  /// Adds slices of a group's examples to the sums of some tiles. Returns the end of the work.
  private func add(
    _ slices: Range<Int>, tiles range: Range<Int>, isFirst: Bool, exampleCount n: Int,
    _ slot: Workspace.Slot, _ space: Workspace, _ tiles: Buffer, _ sums: Buffer,
    after event: Event
  ) throws(DeviceError) -> Event {
    let tuning = runtime.tuning
    let items = tuning.gram.items
    try runtime.launch(
      runtime.kernel("cross_partials", of: tuning.cross),
      global: [slices.count * items, range.count], local: [items, 1], after: [event],
      [
        .buffer(slot.data), .buffer(slot.parts), .buffer(slot.partScales), .buffer(slot.shifts),
        .buffer(tiles), .uint(range.lowerBound), .uint(slices.lowerBound),
        .uint(Tuning.exampleSlice), .uint(n), .buffer(space.partials),
      ])
    return try runtime.launch(
      runtime.kernel("add_slices", of: tuning.cross), global: [side * side, range.count],
      local: [64, 1],
      [
        .buffer(space.partials), .uint(slices.count), .uint(range.lowerBound),
        .uint(isFirst ? 1 : 0), .buffer(sums),
      ])
  }

  private func readSquares(
    of block: Block, slot: Workspace.Slot, tiles: Buffer, sums: Buffer
  ) throws(DeviceError) -> [Double] {
    let count = block.tiles.count
    let scales = try runtime.buffer(byteCount: count * 4)
    try runtime.upload(
      block.tiles.map {
        Float(sign: .plus, exponent: -scaleExponent($0.left, $0.right), significand: 1)
      }, to: scales)
    let squares = try runtime.buffer(byteCount: count * 8)
    try runtime.launch(
      runtime.kernel("tile_squares", of: runtime.tuning.cross),
      global: [count * Tuning.squareItems], local: [Tuning.squareItems],
      [
        .buffer(sums), .buffer(tiles), .buffer(slot.parts), .buffer(scales), .buffer(squares),
      ])
    return try runtime.readWide(squares, count: count)
  }
}
