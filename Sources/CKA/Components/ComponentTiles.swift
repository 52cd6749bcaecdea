import Activations
import Device

extension ComponentAnalysis {
  /// Components a layer at a time, then maps in tiles of at most `side` examples.
  ///
  /// All matrices are made once for their components, once in tiles for what is left without them, and once
  /// for each other map, as any exact comparison makes it: where memory is short, time is not.
  ///
  /// - Parameter finish: hears of each of the `stepCount` steps, several at a time.
  func runInTiles<D: Device>(
    on device: D, side: Int, memory: Int, _ finish: (Int) -> Void
  ) throws(DeviceError) -> Outcome {
    let clock = ContinuousClock()
    let start = clock.now
    var timings = Comparison.Timings()
    // What cannot be done is said before the work begins; eigenvectors are there by then.
    let room = memory - bases(searching: 0)
    let planned = try plan(.biased, pairing, on: device, memory: room)
    let plannedWhole =
      estimator == .biased ? nil : try plan(estimator, pairing, on: device, memory: room)
    func found(_ model: any ActivationSource, _ examples: [Int]) throws(DeviceError)
      -> [FoundComponents]
    {
      var found: [FoundComponents] = []
      for layer in model.layers {
        let stack = try device.gramStack(
          of: Minibatch(layers: [layer], examples: examples), kernel: .linear, centering: .biased)
        timings.stages += stack.timings
        let gram = try CenteredGram(
          layer: 0, of: stack, exampleCount: examples.count, on: device)
        found += try search([gram])
        finish(1)
      }
      return found
    }
    let leftFound = try found(left, pairing.left)
    let rightFound = try right.map { (right) throws(DeviceError) in
      try found(right, pairing.right)
    }
    timings.gramStacks = (clock.now - start) / .seconds(1)

    func similarity(_ planned: (comparison: Comparison, plan: ExactPlan?)) throws(DeviceError)
      -> Similarity
    {
      let outcome = try planned.comparison.run(on: [device], plan: planned.plan)
      timings += outcome.timings
      return outcome.similarity
    }
    let biased = try similarity(planned)
    let whole =
      try plannedWhole.map { (plan) throws(DeviceError) in try similarity(plan) } ?? biased
    finish(2)
    let maps = TiledMaps(self, leftFound, rightFound, side: side, memory: memory, on: device)
    let reduced = zip(removed, try maps.similarities()).map {
      $1.withoutDegenerate(leftFound, rightFound, removing: $0)
    }
    finish(removed.count)
    let components = zip(leftFound, biased.leftStatuses).map { LayerComponents($0, status: $1) }
    let others = rightFound.map { found in
      zip(found, biased.rightStatuses).map { LayerComponents($0, status: $1) }
    }
    let shares = self.shares(components, others ?? [])
    let points = try removalCurve(shares: shares, whole: whole.cka, finish: finish) {
      (examples) throws(DeviceError) in
      try similarity(plan(estimator, pairing.only(examples), on: device, memory: memory)).cka
    }
    return Outcome(
      left: components, right: others ?? components, similarity: whole, biased: biased,
      reduced: reduced, alignment: alignment(components, others ?? components), removal: points,
      shares: shares, device: device.info, timings: timings)
  }
}

extension ComponentAnalysis {
  /// How CKA of all layers over the examples of `pairing` is made within `memory` bytes.
  private func plan(
    _ estimator: Estimator, _ pairing: ExamplePairing, on device: some Device, memory: Int
  ) throws(DeviceError) -> (comparison: Comparison, plan: ExactPlan?) {
    let comparison = Comparison(
      ofAll: left, right, pairing: pairing, estimator: estimator, kernel: .linear)
    do throws(ExactPlanError) {
      return (
        comparison,
        try comparison.exactPlan(
          on: [device], sharing: 1, memory: memory - bases(searching: 0), isMeasured: false,
          isFirst: false)
      )
    } catch {
      throw DeviceError(kind: .outOfMemory, call: "components", context: error.description)
    }
  }
}

/// Maps without components, made of tiles.
private struct TiledMaps<D: Device> {
  private let left: [FoundComponents]
  private let right: [FoundComponents]?
  private let removed: [Int]
  private let comparison: Comparison
  private let side: Int
  private let memory: Int
  private let device: D

  init(
    _ analysis: ComponentAnalysis, _ left: [FoundComponents], _ right: [FoundComponents]?,
    side: Int, memory: Int, on device: D
  ) {
    (self.left, self.right) = (left, right)
    (self.side, self.memory, self.device) = (side, memory, device)
    removed = analysis.removed
    comparison = Comparison(
      ofAll: analysis.left, analysis.right, pairing: analysis.pairing,
      estimator: analysis.estimator,
      kernel: .linear)
  }

  private var centering: GramCentering { comparison.estimator.centering }

  /// ⟨Kᵢ, Lⱼ⟩, ⟨Kᵢ, Kᵢ⟩ and ⟨Lⱼ, Lⱼ⟩ over the tiles so far.
  private struct Sums {
    var products: Matrix<Double>
    var left: [Double]
    var right: [Double]
  }

  func similarities() throws(DeviceError) -> [Similarity] {
    guard !removed.isEmpty else { return [] }
    let n = comparison.pairing.count
    let batch = comparison.minibatches(Array(0..<n))
    func tiles(_ minibatch: Minibatch) throws(DeviceError) -> D.Tiles {
      try device.gramTiles(
        of: minibatch, kernel: .linear, centering: centering,
        division: TileDivision(side: side, memory: memory / 4), observe: {})
    }
    let leftTiles = try tiles(batch.left)
    let rightTiles = try batch.right.map { (right) throws(DeviceError) in try tiles(right) }
    let zero = Sums(
      products: Matrix(rows: left.count, columns: (right ?? left).count, repeating: 0),
      left: left.map { _ in 0 }, right: (right ?? left).map { _ in 0 })
    var sums = removed.map { _ in zero }
    let grid = TileGrid(exampleCount: n, side: side)
    for index in 0..<grid.count {
      let (rows, columns) = grid[index]
      let leftTile = try Tile(left, leftTiles, rows, columns, centering, on: device)
      let rightTile: Tile? =
        if let right, let rightTiles {
          try Tile(right, rightTiles, rows, columns, centering, on: device)
        } else { nil }
      for (place, count) in removed.enumerated() {
        let leftStack = try leftTile.without(count, on: device)
        let rightStack = try rightTile.map { (tile) throws(DeviceError) in
          try tile.without(count, on: device)
        }
        let products = try device.innerProducts(leftStack, rightStack ?? leftStack)
        for cell in products.elements.indices {
          sums[place].products.elements[cell] += products.elements[cell]
        }
        let own = try device.squaredNorms(leftStack)
        let others = try rightStack.map { (stack) throws(DeviceError) in
          try device.squaredNorms(stack)
        }
        for layer in own.indices { sums[place].left[layer] += own[layer] }
        for (layer, square) in (others ?? own).enumerated() { sums[place].right[layer] += square }
      }
    }
    let leftLayers = summaries(left, leftTiles)
    let rightLayers =
      if let right, let rightTiles { summaries(right, rightTiles) } else { leftLayers }
    return sums.map { sums in
      // Of one model the sums of a layer with itself are those of both.
      let isOne = right == nil
      let own = isOne ? left.indices.map { sums.products[$0, $0] } : sums.left
      return Similarity(
        HSICSums(
          exampleCount: n, centering: centering, left: leftLayers, right: rightLayers,
          products: sums.products, leftSquares: own, rightSquares: isOne ? own : sums.right,
          precision: device.info.precision), centering: centering)
    }
  }

  /// With the rounding of the whole matrix, which tiles do not know.
  private func summaries(_ found: [FoundComponents], _ tiles: D.Tiles) -> [GramSummary] {
    zip(found, tiles.layers).map { found, layer in
      var layer = layer
      layer.roundingNorm =
        found.summary.roundingNorm * powerOfTwo(found.summary.exponent - layer.exponent)
      return layer
    }
  }
}

private func powerOfTwo(_ exponent: Int) -> Double {
  Double(sign: .plus, exponent: exponent, significand: 1)
}

/// A tile of all layers, in memory.
private struct Tile {
  private let found: [FoundComponents]
  private let summaries: [GramSummary]
  private let rows: Range<Int>
  private let columns: Range<Int>
  private let centering: GramCentering
  /// Numbers of the tile; a layer's room is that of the triangle that carries them.
  private let count: Int
  private let carrier: Int
  private let numbers: PackedNumbers

  private var isDiagonal: Bool { rows == columns }

  init<D: Device>(
    _ found: [FoundComponents], _ tiles: D.Tiles, _ rows: Range<Int>, _ columns: Range<Int>,
    _ centering: GramCentering, on device: D
  ) throws(DeviceError) {
    (self.found, self.rows, self.columns, self.centering) = (found, rows, columns, centering)
    let stack = try device.gramStack(
      of: tiles, layers: Array(found.indices), rows: rows, columns: columns)
    summaries = stack.layers
    count =
      rows == columns
      ? centering.packedCount(exampleCount: rows.count) : rows.count * columns.count
    // Inner products do not see where numbers stand: those of a square fill a triangle, and zeros the rest.
    var carrier = rows.count
    while centering.packedCount(exampleCount: carrier) < count { carrier += 1 }
    self.carrier = carrier
    numbers = PackedNumbers(
      layers: found.count, count: centering.packedCount(exampleCount: carrier))
    for layer in found.indices {
      try device.copyNumbers(
        ofLayer: layer, of: stack,
        to: UnsafeMutableBufferPointer(start: numbers.layer(layer), count: count))
    }
  }

  /// The tile without the first `removed` components of each layer.
  func without<D: Device>(_ removed: Int, on device: D) throws(DeviceError) -> D.Stack {
    let room = centering.packedCount(exampleCount: carrier)
    let reduced = PackedNumbers(layers: found.count, count: room)
    _ = concurrently(found.count) { layer in
      let target = reduced.layer(layer)
      target.update(repeating: 0, count: room)
      target.update(from: numbers.layer(layer), count: count)
      guard summaries[layer].isFinite, !summaries[layer].isConstant else { return }
      let scale = powerOfTwo(found[layer].summary.exponent - summaries[layer].exponent)
      let pairs = found[layer].pairs
      for index in 0..<min(removed, pairs.values.count) {
        subtract(pairs.vectors, row: index, value: pairs.values[index] * scale, from: target)
      }
    }
    return try device.gramStack(
      of: PackedGrams(
        exampleCount: carrier, centering: centering, layers: summaries,
        numbers: found.indices.map { UnsafePointer(reduced.layer($0)) }, owner: reduced))
  }

  /// `numbers` ← `numbers` − λ·(uuᵀ, centered as they are).
  ///
  /// uuᵀ is H-centered as it is, since u is orthogonal to 1; its rows without the diagonal add up to −uᵢ²,
  /// which gives U-centering's means.
  private func subtract(
    _ vectors: Matrix<Double>, row: Int, value: Double, from numbers: UnsafeMutablePointer<Float>
  ) {
    let u = Array(vectors.elements[row * vectors.columns..<(row + 1) * vectors.columns])
    let means =
      centering == .unbiased
      ? centering.rowMeans(sums: u.map { -$0 * $0 }) : [Double](repeating: 0, count: u.count)
    var out = numbers
    for (a, i) in rows.enumerated() {
      let length =
        isDiagonal ? (centering == .unbiased ? a : a + 1) : columns.count
      for b in 0..<length {
        let j = columns.lowerBound + b
        let entry = value * (u[i] * u[j] - means[i] - means[j])
        out[b] = Float(Double(out[b]) - (i == j ? entry : entry * 2.0.squareRoot()))
      }
      out += length
    }
  }
}
