import Activations
import Device

/// An exact plan as devices share it: tiles, then groups of pairs in feature space.
struct FullBatchRun: DeviceJob {
  let comparison: Comparison
  let plan: FullBatchPlan

  var count: Int { plan.partCount }

  func prefetch(_ index: Int) {
    guard index < plan.tileCount else { return }
    let (rows, columns) = plan.grid[index]
    // A row of tiles has its rows in memory from its first tile on.
    for examples in columns.lowerBound == 0 ? [rows, columns] : [columns] {
      Minibatch(
        layers: plan.tiledLeft.map { comparison.left.layers[$0] },
        examples: Array(comparison.pairing.left[examples])
      ).prefetch()
      guard let right = comparison.right else { continue }
      Minibatch(
        layers: plan.tiledRight.map { right.layers[$0] },
        examples: Array(comparison.pairing.right[examples])
      ).prefetch()
    }
  }

  func maker(
    on device: some Device, prepared: @escaping @Sendable () -> Void
  ) throws(DeviceError) -> (Int) throws(DeviceError) -> ExactPart {
    if let device = device as? any CrossCovarianceDevice {
      return try makerOfAll(on: device, prepared)
    }
    guard plan.groups.isEmpty, let device = device as? any TiledDevice else {
      throw DeviceError(
        kind: .unsupported, call: "a full-batch estimate",
        context: "\(device.info.id) lacks the algorithm that was planned for another device")
    }
    return try makerOfTiles(on: device, prepared)
  }

  private func makerOfAll(
    on device: some CrossCovarianceDevice, _ prepared: @escaping @Sendable () -> Void
  ) throws(DeviceError) -> (Int) throws(DeviceError) -> ExactPart {
    let maker = try FullBatchPartMaker(
      device, comparison, plan,
      norms: { (left, right, pairs) throws(DeviceError) in
        try device.crossCovarianceNorms(left, right, pairs: pairs)
      }, prepared: prepared)
    return { (index) throws(DeviceError) in try maker.part(index) }
  }

  private func makerOfTiles(
    on device: some TiledDevice, _ prepared: @escaping @Sendable () -> Void
  ) throws(DeviceError) -> (Int) throws(DeviceError) -> ExactPart {
    let maker = try FullBatchPartMaker(
      device, comparison, plan,
      norms: { (_, _, _) throws(DeviceError) in
        preconditionFailure("a plan of tiles alone has no groups of pairs")
      }, prepared: prepared)
    return { (index) throws(DeviceError) in try maker.part(index) }
  }
}

/// What one part of an exact plan adds to the sums over all examples.
struct ExactPart: Sendable {
  /// ⟨K̃, L̃⟩ or ‖XᵀY‖² of some pairs, in units of 2^(sum of both layers' exponents).
  var cross: [(pair: LayerPair, value: Double)] = []
  /// The same of layers of the first model with themselves.
  var left: [(layer: Int, value: Double)] = []
  /// And of the second; of one model, nothing.
  var right: [(layer: Int, value: Double)] = []
  /// Whether the values are ‖XᵀY‖².
  var isFeatures = false
  var facts: ExactFacts
  var precision: Precision
  var timings = Comparison.Timings()
}

/// What a device knew of all layers before the first tile.
struct ExactFacts: Sendable {
  /// One model's layers.
  struct Model: Sendable {
    /// Of each layer, in whose units all numbers are.
    let summaries: [GramSummary]
    /// ‖xᵢ‖², in units of 2^`exponentsOfSquares`.
    let squaredNorms: [[Float]]
    let exponentsOfSquares: [Int]
    /// What of ‖K‖² lies in the row means, which K̃ no longer has: Σ (mᵢ + mⱼ)² over K's entries.
    let squaresOfMeans: [Double]

    init(_ tiles: some TiledGramInput, centering: GramCentering) {
      summaries = tiles.layers
      let layers = tiles.layers.indices
      squaredNorms = layers.map { tiles.squaredNorms(ofLayer: $0) }
      exponentsOfSquares = layers.map { tiles.exponentOfSquares(ofLayer: $0) }
      squaresOfMeans = layers.map {
        centering.squareOfMeans(tiles.rowMeans(ofLayer: $0))
      }
    }
  }

  let left: Model
  /// The second model's; of one model, the first again.
  let right: Model
}

extension GramCentering {
  /// Σ (mᵢ + mⱼ)² over the entries of a matrix that centering keeps.
  func squareOfMeans(_ means: [Float]) -> Double {
    let n = Double(means.count)
    let sum = means.reduce(0.0) { $0 + Double($1) }
    let squares = means.reduce(0.0) { $0 + Double($1) * Double($1) }
    return 2 * (self == .unbiased ? n - 2 : n) * squares + 2 * sum * sum
  }
}
