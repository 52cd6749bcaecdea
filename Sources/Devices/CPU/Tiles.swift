import Activations
import Device
import Features
import Glibc
import Support

extension BLASDevice {
  /// See `Device`. Reads all examples twice, for the means and for the row norms; RBF's bandwidth and row
  /// means are found in passes over the tiles.
  public func prepareTiles(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    division: TileDivision, observe: () -> Void
  ) throws(DeviceError) -> BLASGramTiles {
    try DeviceError.check(minibatch, for: centering, "prepareTiles")
    try DeviceError.check(kernel, "prepareTiles")
    try DeviceError.check(division, for: kernel, "prepareTiles")
    let start = ContinuousClock.now
    var centers: [FeatureMeans] = []
    for layer in minibatch.layers {
      do throws(ActivationReadError) {
        centers.append(
          try FeatureMeans(of: layer, examples: minibatch.examples, kernels: multiplier.table))
      } catch { throw DeviceError(error) }
    }
    let tiles = BLASGramTiles(
      minibatch: minibatch, centering: centering, division: division, centers: centers)
    if kernel == .linear { try findRowMeans(of: tiles) }
    tiles.timings.read += start.elapsed
    if case .rbf(let bandwidth) = kernel {
      try findExponentials(of: tiles, bandwidth, observe: observe)
    }
    return tiles
  }

  /// The row sums of K = XXᵀ are xᵢ·Σⱼxⱼ, where that sum is 0 but for the rounding of the means; without
  /// the diagonal, less ‖xᵢ‖².
  private func findRowMeans(of tiles: BLASGramTiles) throws(DeviceError) {
    for (index, layer) in tiles.minibatch.layers.enumerated()
    where tiles.summaries[index].hasMatrix {
      do throws(ActivationReadError) {
        let (norms, products) = try tiles.centers[index].rowProducts(
          of: layer, examples: tiles.minibatch.examples, kernels: multiplier.table)
        let sums =
          tiles.centering == .unbiased ? zip(products, norms).map { $0 - $1 } : products
        tiles.diagonals[index] = norms.map { Float($0) }
        tiles.means[index] = tiles.centering.rowMeans(sums: sums).map { Float($0) }
      } catch { throw DeviceError(error) }
    }
  }

  /// See `Device`. Memory: the stack, one tile and two slabs of features a side.
  public func gramStack(
    of tiles: BLASGramTiles, layers: [Int], rows: Range<Int>, columns: Range<Int>
  ) throws(DeviceError) -> BLASGramStack {
    let tile = Tile(rows: rows, columns: columns)
    try DeviceError.checkTile(
      rows, columns, of: tiles.minibatch.exampleCount, layers: layers, of: tiles.summaries.count)
    let (start, clock) = (ContinuousClock.now, ReadClock())
    let packedCount = tile.packedCount(rows: rows.count, tiles.centering)
    let stack = try BLASGramStack(
      layerCount: layers.count, packedCount: packedCount, pool: memory)
    for (place, layer) in layers.enumerated() {
      stack.summaries[place] = tiles.summaries[layer]
      if tiles.summaries[layer].hasMatrix { continue }
      memset(stack.newRow(place), 0, packedCount * MemoryLayout<Float>.size)
    }
    let workspace = try TileWorkspace(tile, rowUnit: multiplier.rowUnit, pool: memory)
    let places = layers.indices.filter { tiles.summaries[layers[$0]].hasMatrix }
    var next = places.makeIterator()
    try multiply(places.map { layers[$0] }, of: tiles, in: workspace, clock: clock) { layer in
      guard let place = next.next() else { return }
      center(workspace, layer: layer, of: tiles, into: stack.newRow(place))
    }
    stack.timings = clock.timings(within: .now - start, cores: info.computeUnits)
    return stack
  }

  /// Makes the kernel's values of a tile of products, and stores them centered.
  private func center(
    _ workspace: TileWorkspace, layer: Int, of tiles: BLASGramTiles,
    into row: UnsafeMutablePointer<Float>
  ) {
    let tile = workspace.tile
    let hasZeroDiagonal = tiles.centering == .unbiased
    let means = tile.ordered(tiles.means[layer]).map { Double($0) }
    let diagonal = tile.ordered(tiles.diagonals[layer])
    let exponential = tiles.exponentials[layer]
    nonisolated(unsafe) let row = row
    workspace.forEachRun { _, rows in
      let (first, last) = (tile.firstRow + rows.lowerBound, tile.firstRow + rows.upperBound)
      let (start, columns) = (workspace.row(rows.lowerBound), tile.columns.count)
      makeRBF(of: workspace, rows, exponential, diagonal)
      multiplier.table.pointee.center_packed(
        start, first, last, columns, workspace.stride, hasZeroDiagonal, means, 1,
        row + tile.packedCount(rows: rows.lowerBound, tiles.centering))
    }
  }
}
