import Activations
import CKA
import Device
import Support

extension ComponentAnalysis {
  /// Components a layer at a time, then maps in tiles of at most `side` examples.
  ///
  /// All matrices are made once for their components, once in tiles for what is left without them, and once
  /// for each other map, as any exact comparison makes it. This trades time for memory.
  func runInTiles<D: PackedDevice & TiledDevice>(
    on device: D, of team: DeviceTeam, side: Int
  ) throws(DeviceError) -> Outcome {
    let start = ContinuousClock.now
    var timings = Comparison.Timings()
    // What cannot be done is said before the work begins.
    let planned = try plan(.biased, pairing, on: device, memory: team.memory)
    let plannedWhole =
      estimator == .biased ? nil : try plan(estimator, pairing, on: device, memory: team.memory)
    func found(_ model: any ActivationSource, _ examples: [Int]) throws(DeviceError)
      -> [FoundComponents]
    {
      var found: [FoundComponents] = []
      for layer in model.layers {
        try team.checkCancellation()
        let stack = try device.gramStack(
          of: Minibatch(layers: [layer], examples: examples, meter: meter), kernel: .linear,
          centering: .biased)
        timings.stages += stack.timings
        let gram = try HCenteredGram(
          layer: 0, of: stack, exampleCount: examples.count, on: device)
        found += try search([gram])
      }
      return found
    }
    let work = FullBatchWork(comparison(.biased))
    let features = work.layers.reduce(0.0) { $0 + Double($1.featureCount) }
    meter?.begin(
      work.gramFlops(features: features) + Double(layerCount) * flopsOfSearch, as: "components",
      isEven: false)
    var leftFound = try found(left, pairing.left)
    var rightFound = try right.map { (right) throws(DeviceError) in
      try found(right, pairing.right)
    }
    meter?.end()
    timings.gramStacks = start.elapsed

    func similarity(_ planned: (comparison: Comparison, plan: FullBatchPlan?)) throws(DeviceError)
      -> Similarity
    {
      let outcomes = try planned.comparison.outcomes(
        on: team.only(device), plan: planned.plan,
        points: [planned.comparison.plan.batches.count])
      guard let outcome = outcomes.last else { preconditionFailure("a run without a point") }
      timings += outcome.timings
      return outcome.similarity
    }
    let flopsOfWhole = (plannedWhole ?? planned).comparison.flops((plannedWhole ?? planned).plan)
    let flopsOfTiles =
      removed.isEmpty
      ? 0
      : work.gramFlops(features: features) + Double(removed.count)
        * work.pairFlops(pairs: work.pairsOfGrams(work.left.count, work.right?.count))
    func flopsOfPart(_ n: Int) -> Double {
      let share = Double(n) / Double(pairing.count)
      return flopsOfWhole * share * share
    }
    meter?.begin(
      (plannedWhole == nil ? 0 : planned.comparison.flops(planned.plan)) + flopsOfWhole
        + flopsOfTiles + removalFlops(ofMap: flopsOfPart, ofControl: flopsOfPart),
      as: "maps")
    defer { meter?.end() }
    let biased = try similarity(planned)
    let whole =
      try plannedWhole.map { (plan) throws(DeviceError) in try similarity(plan) } ?? biased
    var maps = TiledMaps(self, leftFound, rightFound, side: side, on: device, of: team)
    var sums = try maps.sums()
    // Of which float32 leaves too little without components.
    let doubtful = Self.doubtful(sums, \.left, biased.leftStatuses)
    let doubtfulRight = right == nil ? [] : Self.doubtful(sums, \.right, biased.rightStatuses)
    if !(doubtful.isEmpty && doubtfulRight.isEmpty) {
      meter?.beginFloat64(
        Double(2 + removed.count) * flopsOfFloat64(doubtful, doubtfulRight)
          + Double(doubtful.count + doubtfulRight.count) * flopsOfSearch + flopsOfTiles)
      defer { meter?.end() }
      try maps.makeAnew(doubtful, doubtfulRight) { (gram) throws(DeviceError) in
        try search([gram])[0]
      }
      (leftFound, rightFound) = (maps.left, maps.right)
      sums = try maps.sums()
    }
    let reduced = zip(removed, sums).map {
      Similarity($1, centering: estimator.centering)
        .withoutDegenerate(leftFound, rightFound, removing: $0)
    }
    let components = zip(leftFound, biased.leftStatuses).map { LayerComponents($0, status: $1) }
    let others = rightFound.map { found in
      zip(found, biased.rightStatuses).map { LayerComponents($0, status: $1) }
    }
    let shares = self.shares(components, others ?? [])
    func map(_ examples: [Int]) throws(DeviceError) -> Matrix<Double> {
      try similarity(plan(estimator, pairing.only(examples), on: device, memory: team.memory)).cka
    }
    let points = try removalCurve(
      shares: shares, whole: whole.cka, map: map,
      mean: { (examples) throws(DeviceError) in mean(of: try map(examples)) })
    return Outcome(
      left: components, right: others ?? components, similarity: whole, biased: biased,
      reduced: reduced, alignment: alignment(components, others ?? components), removal: points,
      shares: shares, device: device.info, timings: timings)
  }
}

extension ComponentAnalysis {
  /// How CKA of all layers over the examples of `pairing` is made within `memory` bytes, beside all
  /// eigenvectors.
  private func plan(
    _ estimator: Estimator, _ pairing: ExamplePairing, on device: some Device, memory: Int
  ) throws(DeviceError) -> (comparison: Comparison, plan: FullBatchPlan?) {
    let comparison = comparison(estimator, of: pairing)
    do throws(FullBatchPlanError) {
      let plan = try comparison.fullBatchPlan(
        for: device.info, algorithms: .of(device), memory: memory - bases(searching: 0))
      return (comparison, plan)
    } catch {
      throw DeviceError(kind: .outOfMemory, call: "components", context: error.description)
    }
  }
}

/// Maps without components, made of tiles.
private struct TiledMaps<D: PackedDevice & TiledDevice> {
  private(set) var left: [FoundComponents]
  private(set) var right: [FoundComponents]?
  /// Layers whose tiles are made in float64, by their places.
  private var leftAnew: [Int: Float64ReducedLayer] = [:]
  private var rightAnew: [Int: Float64ReducedLayer] = [:]
  private let removed: [Int]
  private let comparison: Comparison
  private let side: Int
  private let device: D
  private let team: DeviceTeam

  init(
    _ analysis: ComponentAnalysis, _ left: [FoundComponents], _ right: [FoundComponents]?,
    side: Int, on device: D, of team: DeviceTeam
  ) {
    (self.left, self.right) = (left, right)
    (self.side, self.device, self.team) = (side, device, team)
    removed = analysis.removed
    comparison = analysis.comparison(analysis.estimator)
  }

  private var centering: GramCentering { comparison.estimator.centering }

  /// ⟨Kᵢ, Lⱼ⟩, ⟨Kᵢ, Kᵢ⟩ and ⟨Lⱼ, Lⱼ⟩ over the tiles so far.
  private struct Sums {
    var products: Matrix<Double>
    var left: [Double]
    var right: [Double]
  }

  /// Makes the tiles of some layers in float64 from now on, of components that `search` finds.
  mutating func makeAnew(
    _ layers: [Int], _ layersRight: [Int],
    search: (HCenteredGram) throws(DeviceError) -> FoundComponents
  ) throws(DeviceError) {
    let n = comparison.pairing.count
    let batch = comparison.minibatches(Array(0..<n))
    let grid = TileGrid(exampleCount: n, side: side)
    let workspace = Float64Workspace(side: grid.side, meter: comparison.meter)
    func made(_ layer: Int, of minibatch: Minibatch) throws(DeviceError) -> Float64ReducedLayer {
      try Float64ReducedLayer(
        of: minibatch.layers[layer], examples: minibatch.examples, centering: centering,
        grid: grid, removing: removed, in: workspace, search: search)
    }
    for layer in layers {
      let anew = try made(layer, of: batch.left)
      (leftAnew[layer], left[layer]) = (anew, anew.found)
    }
    for layer in layersRight {
      guard let minibatch = batch.right else { break }
      let anew = try made(layer, of: minibatch)
      rightAnew[layer] = anew
      right?[layer] = anew.found
    }
  }

  /// One for each count of `removed`.
  func sums() throws(DeviceError) -> [HSICSums] {
    guard !removed.isEmpty else { return [] }
    let n = comparison.pairing.count
    let batch = comparison.minibatches(Array(0..<n))
    func tiles(_ minibatch: Minibatch) throws(DeviceError) -> D.TiledInput {
      try device.prepareTiles(
        of: minibatch, kernel: .linear, centering: centering,
        division: TileDivision(side: side, memory: team.memory / 4), observe: {})
    }
    let leftTiles = try tiles(batch.left)
    let rightTiles = try batch.right.map { (right) throws(DeviceError) in try tiles(right) }
    let zero = Sums(
      products: Matrix(rows: left.count, columns: (right ?? left).count, repeating: 0),
      left: left.map { _ in 0 }, right: (right ?? left).map { _ in 0 })
    var sums = removed.map { _ in zero }
    let grid = TileGrid(exampleCount: n, side: side)
    for index in 0..<grid.count {
      try team.checkCancellation()
      let leftTile = try Tile(
        index, of: grid, left, leftTiles, centering, meter: comparison.meter, on: device)
      let rightTile: Tile? =
        if let right, let rightTiles {
          try Tile(
            index, of: grid, right, rightTiles, centering, meter: comparison.meter, on: device)
        } else { nil }
      for (place, count) in removed.enumerated() {
        let leftStack = try leftTile.without(count, leftAnew, on: device)
        let rightStack = try rightTile.map { (tile) throws(DeviceError) in
          try tile.without(count, rightAnew, on: device)
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
    return zip(removed, sums).map { count, sums in
      let leftLayers = summaries(left, leftTiles, leftAnew, sums.left, removing: count)
      let rightLayers =
        if let right, let rightTiles {
          summaries(right, rightTiles, rightAnew, sums.right, removing: count)
        } else { leftLayers }
      // Of one model the sums of a layer with itself are those of both.
      let isOne = right == nil
      let own = isOne ? left.indices.map { sums.products[$0, $0] } : sums.left
      return HSICSums(
        exampleCount: n, centering: centering, left: leftLayers, right: rightLayers,
        products: sums.products, leftSquares: own, rightSquares: isOne ? own : sums.right,
        precision: device.info.precision)
    }
  }

  /// With the rounding of the whole matrix, which tiles do not know. Of layers in float64, that of what is left,
  /// too: `squares`.
  private func summaries(
    _ found: [FoundComponents], _ tiles: D.TiledInput, _ anew: [Int: Float64ReducedLayer],
    _ squares: [Double], removing count: Int
  ) -> [GramSummary] {
    zip(found, tiles.layers).enumerated().map { index, known in
      if var summary = anew[index]?.summary(removing: count) {
        summary.roundingNorm += RoundingModel.unitRoundoff * squares[index].squareRoot()
        return summary
      }
      let found = known.0
      var layer = known.1
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
  private let index: Int
  private let found: [FoundComponents]
  private let summaries: [GramSummary]
  private let rows: Range<Int>
  private let columns: Range<Int>
  private let centering: GramCentering
  /// Numbers of the tile; a layer's room is that of the triangle that carries them.
  private let count: Int
  private let carrier: Int
  private let numbers: PackedTriangles<Float>
  private let meter: WorkMeter?

  private var isDiagonal: Bool { rows == columns }

  init<D: PackedDevice & TiledDevice>(
    _ index: Int, of grid: TileGrid, _ found: [FoundComponents], _ tiles: D.TiledInput,
    _ centering: GramCentering, meter: WorkMeter?, on device: D
  ) throws(DeviceError) {
    (self.index, self.found, self.centering) = (index, found, centering)
    self.meter = meter
    (rows, columns) = grid[index]
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
    numbers = PackedTriangles(
      layers: found.count, count: centering.packedCount(exampleCount: carrier))
    for layer in found.indices {
      try device.copyNumbers(
        ofLayer: layer, of: stack,
        to: UnsafeMutableBufferPointer(start: numbers.start(ofLayer: layer), count: count))
    }
  }

  /// The tile without the first `removed` components of each layer; `anew` are those made in float64.
  func without<D: PackedDevice>(
    _ removed: Int, _ anew: [Int: Float64ReducedLayer], on device: D
  ) throws(DeviceError) -> D.Stack {
    var summariesAnew = summaries
    let places = Set(anew.keys)
    let room = centering.packedCount(exampleCount: carrier)
    let reduced = PackedTriangles<Float>(layers: found.count, count: room)
    _ = concurrentMap(0..<found.count) { layer in
      let target = reduced.start(ofLayer: layer)
      target.update(repeating: 0, count: room)
      guard !places.contains(layer) else { return }
      target.update(from: numbers.start(ofLayer: layer), count: count)
      guard summaries[layer].isFinite, !summaries[layer].isConstant else { return }
      let scale = powerOfTwo(found[layer].summary.exponent - summaries[layer].exponent)
      let pairs = found[layer].pairs
      for index in 0..<min(removed, pairs.values.count) {
        subtract(pairs.vectors, row: index, value: pairs.values[index] * scale, from: target)
      }
    }
    for (layer, matrix) in anew {
      try matrix.write(tile: index, removing: removed, to: reduced.start(ofLayer: layer))
      summariesAnew[layer] = matrix.summary(removing: removed)
    }
    return try device.gramStack(
      of: PackedGrams(
        exampleCount: carrier, centering: centering, layers: summariesAnew,
        numbers: found.indices.map { UnsafePointer(reduced.start(ofLayer: $0)) }, owner: reduced,
        meter: meter))
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
