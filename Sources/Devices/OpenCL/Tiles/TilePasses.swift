import Activations
import Device

/// What RBF's tiles need to know, found by passes over all tiles: the norms, σ from the median of all
/// squared distances, and the row sums.
struct TilePasses {
  let runtime: Runtime
  let minibatch: Minibatch
  let centering: GramCentering
  let division: TileDivision
  private(set) var known: [KnownLayer]
  private(set) var timings: StageTimings
  /// Whether the norms are there. They are the diagonal of the very matrix that the distances are made
  /// of, so that those of equal examples are zero.
  private var hasNorms = false

  init(
    runtime: Runtime, minibatch: Minibatch, centering: GramCentering, division: TileDivision,
    known: [KnownLayer], timings: StageTimings
  ) {
    self.runtime = runtime
    self.minibatch = minibatch
    self.centering = centering
    self.division = division
    self.known = known
    self.timings = timings
  }

  private var n: Int { minibatch.exampleCount }

  /// Completes what is known.
  mutating func run(
    _ bandwidth: GramKernel.Bandwidth, in workspace: inout Workspace?, observe: () -> Void
  ) throws(DeviceError) {
    switch bandwidth {
    case .medianMultiple(let multiple):
      let medians = try medians(in: &workspace, observe: observe)
      for index in known.indices where known[index].hasMatrix {
        known[index].setBandwidth(multiple * multiple * medians[index])
      }
    case .sampledMedianMultiple(let multiple, let count):
      let sample = GramKernel.Bandwidth.sample(of: n, count: count)
      let run = MinibatchGrams(
        runtime: runtime,
        minibatch: Minibatch(
          layers: minibatch.layers, examples: sample.map { minibatch.examples[$0] }),
        kernel: .rbf(.medianMultiple(multiple)), centering: .biased, tensors: nil)
      let stack = try run.stack(in: &workspace)
      for index in known.indices where known[index].hasMatrix {
        known[index].setSigma(stack.layers[index].sigma ?? 0)
      }
    case .sigma(let sigma):
      for index in known.indices where known[index].hasMatrix { known[index].setSigma(sigma) }
    }
    try addRowMeans(in: &workspace, observe: observe)
  }

  private typealias Tile = (rows: Range<Int>, columns: Range<Int>)

  private var diagonal: [Tile] {
    stride(from: 0, to: n, by: division.side).map {
      let range = $0..<min($0 + division.side, n)
      return (range, range)
    }
  }

  /// All tiles, the diagonal's first: they bring the norms.
  private var allTiles: [Tile] {
    let diagonal = diagonal
    return diagonal
      + diagonal.indices.flatMap { row in
        diagonal[..<row].map { (diagonal[row].rows, $0.columns) }
      }
  }

  /// Shows the sums of products of tiles to `visit`, chunk by chunk.
  private mutating func pass(
    _ tiles: [Tile], in workspace: inout Workspace?, observe: () -> Void,
    visit: (inout TilePasses, TileGrams, ChunkMatrices, TilePassScratch) throws(DeviceError) -> Void
  ) throws(DeviceError) {
    for (rows, columns) in tiles {
      let tile = TileGrams(
        runtime: runtime, minibatch: minibatch, centering: centering, division: division,
        known: known, layers: Array(known.indices), rows: rows, columns: columns)
      let spent = try tile.run.visit(in: &workspace) { (layers) throws(DeviceError) in
        try TilePassScratch(runtime, tile, layersPerChunk: layers)
      } _: { (chunk, scratch) throws(DeviceError) in
        if !hasNorms, rows == columns { try takeNorms(of: tile, chunk, scratch) }
        try visit(&self, tile, chunk, scratch)
      }
      timings += spent
      observe()
    }
    hasNorms = true
  }

  /// Takes the diagonals of a chunk as the norms of a tile's examples, there and here.
  private mutating func takeNorms(
    of tile: TileGrams, _ chunk: ChunkMatrices, _ scratch: TilePassScratch
  ) throws(DeviceError) {
    let rows = tile.rows
    let all = try runtime.readArray(
      chunk.diagonals, count: chunk.layerCount * rows.count, of: Float(0))
    for layer in 0..<chunk.layerCount where known[chunk.firstLayer + layer].hasMatrix {
      known[chunk.firstLayer + layer].squaredNorms
        .replaceSubrange(rows, with: all[(layer * rows.count)...].prefix(rows.count))
    }
    try runtime.upload(
      all, to: scratch.vectors.norms, offset: chunk.firstLayer * rows.count * 4)
  }

  // MARK: The median

  /// The median of all n² squared distances of each layer, in units of its norms.
  private mutating func medians(in workspace: inout Workspace?, observe: () -> Void)
    throws(DeviceError) -> [Double]
  {
    var searches = known.map { _ in MedianSearch(exampleCount: n) }
    for half in [MedianSearch.Half.upper, .lower] {
      if half == .lower, searches.allSatisfy(\.isDone) { break }
      try pass(allTiles, in: &workspace, observe: observe) {
        (passes, tile, chunk, scratch) throws(DeviceError) in
        let layers = chunk.firstLayer..<(chunk.firstLayer + chunk.layerCount)
        let windows = layers.map {
          half == .upper ? passes.known[$0].window(of: tile) : searches[$0].prefixes
        }
        let counts = try passes.runtime.countDistances(
          chunk, scratch, windows: windows, isUpper: half == .upper)
        for (index, layer) in layers.enumerated() where passes.known[layer].hasMatrix {
          searches[layer].add(counts, from: index * 2 * Tuning.halfBins)
        }
      }
      for index in searches.indices { searches[index].finish(half) }
    }
    return searches.map(\.median)
  }

  // MARK: Row sums

  private mutating func addRowMeans(in workspace: inout Workspace?, observe: () -> Void)
    throws(DeviceError)
  {
    var sums = known.map { _ in [Double](repeating: 0, count: n) }
    var largest = known.map { _ in 0.0 }
    // What is stored as K − 1 must be known before there are sums.
    if !hasNorms {
      try pass(diagonal, in: &workspace, observe: {}) { (_, _, _, _) throws(DeviceError) in }
    }
    for index in known.indices where known[index].hasMatrix { known[index].chooseStorage(n) }
    try pass(allTiles, in: &workspace, observe: observe) {
      (passes, tile, chunk, scratch) throws(DeviceError) in
      let found = try passes.runtime.sumTile(chunk, scratch)
      let (rows, columns) = (tile.rows, tile.columns)
      for index in 0..<chunk.layerCount {
        let layer = chunk.firstLayer + index
        for (place, row) in rows.enumerated() {
          sums[layer][row] += found.rows[index * rows.count + place]
        }
        for (place, column) in columns.enumerated() {
          sums[layer][column] += found.columns[index * columns.count + place]
        }
        let maxima = found.maxima[(index * rows.count)...].prefix(rows.count)
        largest[layer] = max(largest[layer], Double(maxima.max() ?? 0))
      }
    }
    for index in known.indices where known[index].hasMatrix {
      known[index].setRBF(sums: sums[index], largest: largest[index], centering)
    }
  }
}

extension KnownLayer {
  /// The first bin of a window around the tile's mean squared distance.
  fileprivate func window(of tile: TileGrams) -> SIMD2<UInt32> {
    func mean(_ range: Range<Int>) -> Float {
      squaredNorms[range].reduce(0, +) / Float(range.count)
    }
    let middle = Int((mean(tile.rows) + mean(tile.columns)).bitPattern >> 16)
    let first = min(max(middle - Tuning.window / 2, 0), Tuning.halfBins - Tuning.window)
    return SIMD2(UInt32(first), 0)
  }

  /// Takes σ² in units of the norms.
  fileprivate mutating func setBandwidth(_ squared: Double) {
    record.bandwidth = Float(squared)
    let unit = Double(sign: .plus, exponent: exponentOfSquares / 2, significand: 1)
    summary.sigma = squared.squareRoot() * unit
    let isUsable = record.bandwidth > 0 && record.bandwidth < .infinity
    if !isUsable { record.flags.insert(.noBandwidth) }
  }

  /// Takes σ in units of the activations. One out of range for them gives the matrix it tends to.
  fileprivate mutating func setSigma(_ sigma: Double) {
    let unit = Double(sign: .plus, exponent: -exponentOfSquares / 2, significand: 1)
    let squared = sigma * unit * (sigma * unit)
    setBandwidth(sigma > 0 ? min(max(squared, 0x1p-120), 0x1p120) : squared)
    summary.sigma = sigma
  }

  /// Whether K − 1 is kept in place of K.
  fileprivate mutating func chooseStorage(_ exampleCount: Int) {
    let trace = squaredNorms.reduce(0.0) { $0 + Double($1) }
    let isLessOne = RoundingModel.storesLessOne(
      trace: trace, exampleCount: exampleCount, sigmaSquared: Double(record.bandwidth))
    if isLessOne { record.flags.insert(.lessOne) }
  }

  /// Takes the row sums without the diagonal, and the largest entry off it.
  fileprivate mutating func setRBF(sums: [Double], largest: Double, _ centering: GramCentering) {
    let sigma = summary.sigma
    guard !record.flags.contains(.noBandwidth) else {
      summary = .empty(isFinite: false, isConstant: false)
      summary.sigma = sigma
      return
    }
    let diagonal = centering == .biased && !record.flags.contains(.lessOne) ? 1.0 : 0
    setMatrix(
      largest: max(largest, diagonal),
      rowMeans: centering.rowMeans(sums: sums.map { $0 + diagonal }))
    summary.sigma = sigma
  }
}
