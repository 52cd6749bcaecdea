import Activations
import CPUKernels
import Device
import Glibc
import Synchronization

extension BLASDevice {
  /// Finds σ and the row means of RBF's matrices in passes over all tiles: two for the median of all
  /// squared distances, which count their bits, and one for the row sums.
  func findExponentials(
    of tiles: BLASGramTiles, _ rule: GramKernel.Bandwidth, observe: () -> Void
  ) throws(DeviceError) {
    try findDiagonals(of: tiles)
    var squares: [Int: Double] = [:]
    switch rule {
    case .sigma(let sigma):
      for layer in tiles.layersWithMatrix {
        let unit = Double(
          sign: .plus, exponent: -tiles.exponentOfSquares(ofLayer: layer), significand: 1)
        squares[layer] = sigma * sigma * unit
      }
    case .medianMultiple(let multiple):
      for (layer, median) in try medians(of: tiles, observe: observe) {
        squares[layer] = multiple * multiple * median
      }
    case .sampledMedianMultiple(let multiple, let count):
      for layer in tiles.layersWithMatrix {
        squares[layer] = try sampledSquare(of: tiles, layer: layer, multiple: multiple, count)
      }
    }
    for (layer, square) in squares {
      let exponent = tiles.exponentOfSquares(ofLayer: layer)
      let sigma =
        square.squareRoot() * Double(sign: .plus, exponent: exponent / 2, significand: 1)
      tiles.summaries[layer].sigma = sigma
      tiles.summaries[layer].exponent = 0
      guard sigma > 0, sigma.isFinite else {
        tiles.summaries[layer].isFinite = false
        tiles.diagonals[layer] = []
        continue
      }
      let trace = tiles.diagonals[layer].reduce(0.0) { $0 + Double($1) }
      tiles.exponentials[layer] = BLASGramTiles.Exponential(
        factor: Float(min(1 / (2 * square), Double(Float.greatestFiniteMagnitude))),
        lessOne: RoundingModel.storesLessOne(
          trace: trace, exampleCount: tiles.minibatch.exampleCount, sigmaSquared: square))
    }
    try findRowSums(of: tiles, observe: observe)
  }

  /// Makes the tiles of the products of all layers with a matrix, one after another.
  private func forEachTile(
    _ all: [Tile], of tiles: BLASGramTiles,
    _ body: (_ layer: Int, _ workspace: TileWorkspace) throws(DeviceError) -> Void,
    observe: () -> Void
  ) throws(DeviceError) {
    let (start, clock) = (ContinuousClock.now, ReadClock())
    for tile in all {
      let workspace = try TileWorkspace(tile, rowUnit: multiplier.rowUnit, pool: memory)
      try multiply(tiles.layersWithMatrix, of: tiles, in: workspace, clock: clock) {
        (layer) throws(DeviceError) in try body(layer, workspace)
      }
      observe()
    }
    tiles.timings += clock.timings(within: .now - start, cores: info.computeUnits)
  }

  /// ‖xᵢ‖² in the arithmetic of the tiles, so that equal examples are at distance 0.
  private func findDiagonals(of tiles: BLASGramTiles) throws(DeviceError) {
    let n = tiles.minibatch.exampleCount
    for layer in tiles.layersWithMatrix {
      tiles.diagonals[layer] = [Float](repeating: 0, count: n)
    }
    let diagonal = Tile.all(exampleCount: n, side: 512).filter(\.isDiagonal)
    try forEachTile(diagonal, of: tiles) { layer, workspace in
      for (row, example) in workspace.tile.rows.enumerated() {
        tiles.diagonals[layer][example] = workspace.row(row)[row]
      }
    } observe: {
    }
  }

  /// σ² of the median over a sample of the examples, in units of the layer's squares.
  private func sampledSquare(
    of tiles: BLASGramTiles, layer: Int, multiple: Double, _ count: Int
  ) throws(DeviceError) -> Double {
    let places = GramKernel.Bandwidth.sample(
      of: tiles.minibatch.exampleCount, count: max(count, GramCentering.biased.leastExamples))
    let sample = Minibatch(
      layers: [tiles.minibatch.layers[layer]], examples: places.map { tiles.minibatch.examples[$0] }
    )
    let stack = try gramStack(
      of: sample, kernel: .rbf(.medianMultiple(multiple)), centering: .biased)
    let unit = Double(
      sign: .plus, exponent: -tiles.exponentOfSquares(ofLayer: layer), significand: 1)
    // A sample of equal examples has no σ.
    let sigma = stack.layers[0].sigma ?? 0
    return sigma * sigma * unit
  }

  /// The median of all n² squared distances of each layer: n zeros, and each pair twice.
  private func medians(
    of tiles: BLASGramTiles, observe: () -> Void
  ) throws(DeviceError) -> [Int: Double] {
    let n = tiles.minibatch.exampleCount
    // The places among the pairs of the numbers in the middle; nil for one of the zeros.
    let places = [(n * n - 1) / 2, n * n / 2].map { $0 < n ? nil : ($0 - n) / 2 }
    let ranks = places.compactMap { $0 }
    let uppers = try counts(of: tiles, prefixes: [:], observe: observe)
    let found = uppers.mapValues { counts in ranks.map { bin(of: $0, in: counts[0].counts) } }
    let prefixes = found.mapValues { bins in Array(Set(bins.map { $0.bin })) }
    let lowers = try counts(of: tiles, prefixes: prefixes, observe: observe)
    var medians: [Int: Double] = [:]
    for (layer, bins) in found {
      var sum = 0.0
      for (upper, rank) in bins {
        guard let place = prefixes[layer]?.firstIndex(of: upper), let counts = lowers[layer]?[place]
        else { continue }
        let lower = bin(of: rank, in: counts.counts).bin
        sum += Double(Float(bitPattern: UInt32(upper) << 16 | UInt32(lower)))
      }
      medians[layer] = sum / Double(places.count)
    }
    return medians
  }

  /// How many squared distances of each layer have which upper 16 bits; or, for each of its `prefixes`,
  /// which lower ones behind these upper.
  private func counts(
    of tiles: BLASGramTiles, prefixes: [Int: [Int]], observe: () -> Void
  ) throws(DeviceError) -> [Int: [Histogram]] {
    var histograms: [Int: [Histogram]] = [:]
    let all = Tile.all(exampleCount: tiles.minibatch.exampleCount, side: tiles.division.side)
    for layer in tiles.layersWithMatrix {
      histograms[layer] = (prefixes[layer] ?? [0]).map { _ in Histogram() }
    }
    try forEachTile(all, of: tiles) { layer, workspace in
      let tile = workspace.tile
      let diagonal = tile.ordered(tiles.diagonals[layer])
      let prefix = prefixes[layer]
      let own = histograms[layer] ?? []
      // Counts add up in any order: few parts, because clearing them takes time.
      workspace.forEachRun(of: max(tile.rows.count / (2 * info.computeUnits), 1)) { _, rows in
        let (first, last) = (tile.firstRow + rows.lowerBound, tile.firstRow + rows.upperBound)
        let (start, columns) = (workspace.row(rows.lowerBound), tile.columns.count)
        multiplier.table.pointee.squared_distances(
          start, first, last, columns, workspace.stride, diagonal)
        for (upper, histogram) in zip(prefix ?? [0], own) {
          histogram.add { counts in
            cka_histogram(
              start, first, last, columns, workspace.stride, prefix == nil, UInt32(upper), counts)
          }
        }
      }
    } observe: {
      observe()
    }
    return histograms
  }

  /// The row sums of the matrices, and from them the means.
  private func findRowSums(of tiles: BLASGramTiles, observe: () -> Void) throws(DeviceError) {
    let n = tiles.minibatch.exampleCount
    let hasZeroDiagonal = tiles.centering == .unbiased
    var sums: [Int: [Double]] = [:]
    for layer in tiles.layersWithMatrix { sums[layer] = [Double](repeating: 0, count: n) }
    try forEachTile(Tile.all(exampleCount: n, side: tiles.division.side), of: tiles) {
      layer, workspace in
      let tile = workspace.tile
      let diagonal = tile.ordered(tiles.diagonals[layer])
      let exponential = tiles.exponentials[layer]
      let parts = Mutex([[Double]](repeating: [], count: workspace.runs.count))
      workspace.forEachRun { run, rows in
        let (first, last) = (tile.firstRow + rows.lowerBound, tile.firstRow + rows.upperBound)
        let (start, columns) = (workspace.row(rows.lowerBound), tile.columns.count)
        makeRBF(of: workspace, rows, exponential, diagonal)
        // Nothing is added to rows past the run's last.
        var own = [Double](repeating: 0, count: last)
        _ = multiplier.table.pointee.row_sums(
          start, first, last, columns, workspace.stride, hasZeroDiagonal, &own)
        parts.withLock { $0[run] = own }
      }
      for part in parts.withLock({ $0 }) {
        for (index, sum) in part.enumerated() {
          let example =
            tile.isDiagonal || index < tile.columns.count
            ? tile.columns.lowerBound + index : tile.rows.lowerBound + index - tile.columns.count
          sums[layer]?[example] += sum
        }
      }
    } observe: {
      observe()
    }
    for (layer, sums) in sums {
      tiles.means[layer] = tiles.centering.rowMeans(sums: sums).map { Float($0) }
    }
  }

  /// Turns some rows of a tile of products into RBF's values; the linear kernel leaves them.
  func makeRBF(
    of workspace: TileWorkspace, _ rows: Range<Int>, _ exponential: BLASGramTiles.Exponential?,
    _ diagonal: [Float]
  ) {
    guard let exponential else { return }
    let tile = workspace.tile
    let (first, last) = (tile.firstRow + rows.lowerBound, tile.firstRow + rows.upperBound)
    let (start, columns) = (workspace.row(rows.lowerBound), tile.columns.count)
    multiplier.table.pointee.squared_distances(
      start, first, last, columns, workspace.stride, diagonal)
    multiplier.table.pointee.exponentiate(
      start, first, last, columns, workspace.stride, exponential.factor, exponential.lessOne)
  }
}

/// Counts of 16 bits that several threads add to.
private final class Histogram: Sendable {
  private let sums = Mutex([UInt64](repeating: 0, count: 1 << 16))

  var counts: [UInt64] { sums.withLock { $0 } }

  /// Adds what `count` adds to zeros of a thread's own.
  func add(_ count: (UnsafeMutablePointer<UInt64>) -> Void) {
    var own = [UInt64](repeating: 0, count: 1 << 16)
    count(&own)
    sums.withLock { sums in
      sums.withUnsafeMutableBufferPointer { sums in
        for index in own.indices { sums[index] += own[index] }
      }
    }
  }
}
