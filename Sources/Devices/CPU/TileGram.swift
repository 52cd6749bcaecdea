import Activations
import Device
import Features
import Support
import Synchronization

/// What all cores together need to make a tile of the Gram matrices of many layers, one after another.
final class TileWorkspace: @unchecked Sendable {
  // @unchecked: pieces, blocks and runs of rows are handed out to one thread each.
  let tile: Tile
  /// The products: whole panels of rows and columns are there.
  let products: PooledFloats
  let stride: Int
  /// Slabs of features of the rows, and of the columns where these are others; one is filled while the
  /// other is multiplied.
  let rowSlabs: [PooledFloats]
  let columnSlabs: [PooledFloats]
  /// What is filled at a time.
  let pieces: [Piece]
  /// Rows are copied from files: the system would map more of them than is touched.
  let stages = FeatureStages(budget: stageBytes)
  let blocks: [Block]

  struct Piece {
    let isColumns: Bool
    /// Examples, counted from the tile's first row or column.
    let examples: Range<Int>
  }

  /// Features of a slab, at most: as many products are added in registers before the sums are touched.
  static let slabWidth = 512
  /// Examples of a piece, and of a side of a block.
  static let pieceSize = 128
  /// Bytes of a piece that are copied at once: a slab's float32 features of each example.
  private static let stageBytes = pieceSize * slabWidth * 4

  init(_ tile: Tile, rowUnit: Int, pool: MemoryPool) throws(DeviceError) {
    self.tile = tile
    func padded(_ count: Int) -> Int { (count + rowUnit - 1) / rowUnit * rowUnit }
    let (rows, columns) = (padded(tile.rows.count), padded(tile.columns.count))
    // Avoids strides of a large power of two, which map all rows to the same cache sets.
    stride = columns % 256 == 0 ? columns + 16 : columns
    products = try PooledFloats(rows, stride, for: "a tile", from: pool)
    func slabs(_ rows: Int) throws(DeviceError) -> [PooledFloats] {
      [
        try PooledFloats(rows, Self.slabWidth, for: "a slab of features", from: pool),
        try PooledFloats(rows, Self.slabWidth, for: "a slab of features", from: pool),
      ]
    }
    rowSlabs = try slabs(rows)
    columnSlabs = tile.isDiagonal ? rowSlabs : try slabs(columns)
    let rowPieces = Block.runs(of: tile.rows.count, size: Self.pieceSize)
    let columnPieces =
      tile.isDiagonal ? [] : Block.runs(of: tile.columns.count, size: Self.pieceSize)
    pieces = (rowPieces.map { (false, $0) } + columnPieces.map { (true, $0) }).map {
      Piece(isColumns: $0.0, examples: $0.1)
    }
    blocks = Block.all(
      rows: tile.rows.count, columns: tile.columns.count,
      side: max(tile.rows.count, tile.columns.count) >= 2048 ? 256 : 128,
      isLower: tile.isDiagonal)
  }

  func row(_ index: Int) -> UnsafeMutablePointer<Float> { products.start + index * stride }

  /// Calls `body` with runs of the tile's rows on all cores, and with the run's number.
  func forEachRun(
    of size: Int = pieceSize, _ body: @Sendable (_ run: Int, _ rows: Range<Int>) -> Void
  ) {
    let runs = Block.runs(of: tile.rows.count, size: size)
    // The last rows of a triangle are the longest: first.
    perform(runs.count) {
      let run = runs.count - 1 - $0
      body(run, runs[run])
    }
  }

  /// The runs of rows, unless others are asked for.
  var runs: [Range<Int>] { Block.runs(of: tile.rows.count, size: Self.pieceSize) }
}

extension BLASDevice {
  /// Makes a tile of the products of the centered features of each of `layers`, which all have matrices,
  /// and calls `finish` when one is there, on the caller's thread.
  ///
  /// While blocks of one slab of features are multiplied, pieces of the next are packed, be it the same
  /// layer's or the next one's.
  func multiply(
    _ layers: [Int], of tiles: BLASGramTiles, in workspace: TileWorkspace, clock: ReadClock,
    finish: (_ layer: Int) throws(DeviceError) -> Void
  ) throws(DeviceError) {
    let tile = workspace.tile
    let steps = layers.flatMap { layer in
      let p = tiles.minibatch.layers[layer].featureCount
      let count = (p + TileWorkspace.slabWidth - 1) / TileWorkspace.slabWidth
      return Block.runs(of: p, size: (p + count - 1) / count).map {
        (layer: layer, features: $0, isFirst: $0.lowerBound == 0, isLast: $0.upperBound == p)
      }
    }
    let examples = tiles.minibatch.examples
    let failure = Mutex<DeviceError?>(nil)
    func complete(_ step: Int) {
      guard step >= 0, steps[step].isLast, failure.withLock({ $0 == nil }) else { return }
      do throws(DeviceError) {
        try finish(steps[step].layer)
      } catch {
        failure.withLock { $0 = error }
      }
      // Column-major files are read where they are mapped.
      tiles.minibatch.layers[steps[step].layer].evict()
    }
    pipeline(
      slabs: steps.count, pieces: workspace.pieces.count, blocks: workspace.blocks.count,
      fill: { step, index in
        let piece = workspace.pieces[index]
        let (layer, features) = (steps[step].layer, steps[step].features)
        let part = piece.isColumns ? tile.columns : tile.rows
        let slabs = piece.isColumns ? workspace.columnSlabs : workspace.rowSlabs
        let first = part.lowerBound
        do throws(ActivationReadError) {
          try workspace.stages.withStage { (stage) throws(ActivationReadError) in
            try clock.measure { () throws(ActivationReadError) in
              var reader = FeatureReader(
                layer: tiles.minibatch.layers[layer],
                examples: Array(
                  examples[
                    (first + piece.examples.lowerBound)..<(first + piece.examples.upperBound)]),
                kernels: multiplier.table, stage: stage, mappedBytes: 0,
                centers: tiles.centers[layer])
              _ = try multiplier.fill(
                slabs[step % 2].start + piece.examples.lowerBound * features.count,
                count: features.count, at: 0, with: &reader, features, leastExponent: nil)
            }
          }
        } catch {
          failure.withLock { $0 = $0 ?? DeviceError(error) }
        }
      },
      finish: { step in
        complete(step - 1)
        return failure.withLock { $0 == nil }
      },
      multiply: { step, index in
        let (rows, columns) = (workspace.blocks[index].rows, workspace.blocks[index].columns)
        let count = steps[step].features.count
        let products = workspace.row(rows.lowerBound) + columns.lowerBound
        if steps[step].isFirst {
          for row in rows.indices {
            (products + (row - rows.lowerBound) * workspace.stride)
              .update(repeating: 0, count: columns.count)
          }
        }
        multiplier.multiply(
          workspace.rowSlabs[step % 2].start + rows.lowerBound * count, rows: rows.count,
          workspace.columnSlabs[step % 2].start + columns.lowerBound * count,
          columns: columns.count, count: count, isLower: tile.isDiagonal && rows == columns,
          into: products, stride: workspace.stride)
      },
      count: { step in
        tiles.minibatch.meter?.add(tile.entryCount * Double(steps[step].features.count))
      })
    complete(steps.count - 1)
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
