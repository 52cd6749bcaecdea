import Activations
import Device
import Features
import Support
import Synchronization

/// What an OpenCL device has to know to make tiles of the Gram matrices of many examples. All of it is
/// on the host: what of it a tile needs is sent with it.
public final class OpenCLGramTiles: TiledGramInput {
  /// See `TiledGramInput`.
  public let layers: [GramSummary]
  let runtime: Runtime
  let minibatch: Minibatch
  let kernel: GramKernel
  let centering: GramCentering
  let division: TileDivision
  let known: [KnownLayer]
  private let spent: Mutex<StageTimings>

  init(
    runtime: Runtime, minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    division: TileDivision, known: [KnownLayer], timings: StageTimings
  ) {
    self.runtime = runtime
    self.minibatch = minibatch
    self.kernel = kernel
    self.centering = centering
    self.division = division
    self.known = known
    layers = known.map(\.summary)
    spent = Mutex(timings)
  }

  /// See `TiledGramInput`.
  public var timings: StageTimings { spent.withLock { $0 } }

  func add(_ timings: StageTimings) { spent.withLock { $0 += timings } }

  /// See `TiledGramInput`.
  public func squaredNorms(ofLayer layer: Int) -> [Float] { known[layer].squaredNorms }

  /// See `TiledGramInput`. For RBF that of the activations' own power of two.
  public func exponentOfSquares(ofLayer layer: Int) -> Int { known[layer].exponentOfSquares }

  /// See `TiledGramInput`.
  public func rowMeans(ofLayer layer: Int) -> [Float] { known[layer].rowMeans }
}

/// What is known of one layer over all examples.
struct KnownLayer: Sendable {
  let centers: FeatureMeans
  /// ‖xᵢ‖² in units of 2^`exponentOfSquares`.
  var squaredNorms: [Float]
  var exponentOfSquares: Int
  var rowMeans: [Float]
  var summary: GramSummary
  /// What the kernels are told of it.
  var record: LayerRecord

  var hasMatrix: Bool { centers.isFinite && !centers.isConstant }

  /// A layer of which only its centers are known.
  init(_ centers: FeatureMeans, exampleCount: Int) {
    self.centers = centers
    squaredNorms = Array(repeating: 0, count: exampleCount)
    rowMeans = squaredNorms
    summary = .empty(isFinite: centers.isFinite, isConstant: centers.isConstant)
    record = LayerRecord(exponent: Int32(centers.exponent))
    if !centers.isFinite { record.flags.insert(.notFinite) }
    if centers.isFinite, !centers.isConstant { record.flags.insert(.varies) }
    exponentOfSquares = 2 * centers.exponent
  }

  /// Takes the matrix's units, 2^g times the kernels' own, and its row means in the latter.
  mutating func setMatrix(largest: Double, rowMeans means: [Double]) {
    let exponent = largest > 0 ? min(max(Int(largest.exponent) + 1, -120), 120) : 0
    let scale = Double(sign: .plus, exponent: -exponent, significand: 1)
    record.gramExponent = Int32(exponent)
    summary = GramSummary(exponent: exponent, isFinite: true, isConstant: false, roundingNorm: 0)
    rowMeans = means.map { Float($0 * scale) }
  }
}

extension OpenCLDevice {
  /// See `Device`. Products are float32, whatever `precision` says: the parts' scales that tensor cores
  /// need are not measured for tiles.
  public func prepareTiles(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    division: TileDivision, observe: () -> Void
  ) throws(DeviceError) -> OpenCLGramTiles {
    try DeviceError.check(minibatch, for: centering, "prepareTiles")
    try DeviceError.check(kernel, "prepareTiles")
    try DeviceError.check(division, for: kernel, "prepareTiles")
    try DeviceError.check(
      division.side <= 65_535, "prepareTiles",
      "tiles of \(division.side) examples, expected at most 65535")
    let began = ContinuousClock.now
    let centers = try minibatch.layers.map { (layer) throws(DeviceError) in
      try wrapped { () throws(ActivationReadError) in
        try FeatureMeans(of: layer, examples: minibatch.examples)
      }
    }
    var known = centers.map { KnownLayer($0, exampleCount: minibatch.exampleCount) }
    if kernel == .linear {
      for index in known.indices where known[index].hasMatrix {
        let (norms, sums) = try wrapped { () throws(ActivationReadError) in
          try centers[index].rowProducts(
            of: minibatch.layers[index], examples: minibatch.examples)
        }
        known[index].setLinear(norms, sums, centering)
      }
    }
    var timings = StageTimings()
    timings.read = began.elapsed
    guard case .rbf(let bandwidth) = kernel else {
      return OpenCLGramTiles(
        runtime: runtime, minibatch: minibatch, kernel: kernel, centering: centering,
        division: division, known: known, timings: timings)
    }
    let start = TilePasses(
      runtime: runtime, minibatch: minibatch, centering: centering, division: division,
      known: known, timings: timings)
    let passes = try alone { (workspace) throws(DeviceError) in
      var passes = start
      try passes.run(bandwidth, in: &workspace, observe: observe)
      return passes
    }
    return OpenCLGramTiles(
      runtime: runtime, minibatch: minibatch, kernel: kernel, centering: centering,
      division: division, known: passes.known, timings: passes.timings)
  }

  /// See `Device`.
  public func gramStack(
    of tiles: OpenCLGramTiles, layers: [Int], rows: Range<Int>, columns: Range<Int>
  ) throws(DeviceError) -> OpenCLGramStack {
    try DeviceError.check(
      tiles.runtime === runtime, "gramStack", "the tiles are of another device")
    try DeviceError.checkTile(
      rows, columns, of: tiles.minibatch.exampleCount, layers: layers, of: tiles.layers.count)
    return try alone { (workspace) throws(DeviceError) in
      let tile = TileGrams(
        runtime: runtime, minibatch: tiles.minibatch, centering: tiles.centering,
        division: tiles.division, known: tiles.known, layers: layers, rows: rows, columns: columns)
      let result = try tile.run.matrices(in: &workspace) { (_) throws(DeviceError) in
        try tile.vectors()
      } finish: { (chunk, vectors) throws(DeviceError) in
        try runtime.centerTile(chunk, vectors, isLinear: tiles.kernel == .linear)
      }
      tiles.add(result.timings)
      return OpenCLGramStack(
        runtime: runtime, layers: layers.map { tiles.layers[$0] }, timings: result.timings,
        chunks: result.chunks, shape: tile.run.shape, meter: tiles.minibatch.meter)
    }
  }

  /// See `Device`.
  public func crossCovarianceNorms(
    _ left: OpenCLGramTiles, _ right: OpenCLGramTiles, pairs: [LayerPair]
  ) throws(DeviceError) -> [Double] {
    try DeviceError.check(
      left.runtime === runtime && right.runtime === runtime, "crossCovarianceNorms",
      "the tiles belong to different devices")
    try DeviceError.check(
      left.minibatch.exampleCount == right.minibatch.exampleCount, "crossCovarianceNorms",
      "the tiles have different examples")
    try DeviceError.check(
      pairs, left: left.layers.count, right: right.layers.count, "crossCovarianceNorms")
    return try alone { (workspace) throws(DeviceError) in
      try CrossCovarianceNorms(left, right, pairs: pairs).run(in: &workspace)
    }
  }

  private func wrapped<Result>(
    _ body: () throws(ActivationReadError) -> Result
  ) throws(DeviceError) -> Result {
    do {
      return try body()
    } catch {
      throw DeviceError(error)
    }
  }
}

extension KnownLayer {
  /// Takes the diagonal and the row sums of a linear matrix, in units of 2^(2e).
  fileprivate mutating func setLinear(
    _ norms: [Double], _ sums: [Double], _ centering: GramCentering
  ) {
    let kept = centering == .unbiased ? zip(sums, norms).map { $0 - $1 } : sums
    // No entry is larger than the largest of the diagonal.
    setMatrix(largest: norms.max() ?? 0, rowMeans: centering.rowMeans(sums: kept))
    summary.exponent += 2 * centers.exponent
    exponentOfSquares = summary.exponent
    let scale = Double(sign: .plus, exponent: -Int(record.gramExponent), significand: 1)
    squaredNorms = norms.map { Float($0 * scale) }
  }
}
