import Device

/// Chooses the plan that takes the least time within the memory.
struct FullBatchPlanner: Sendable {
  private let work: FullBatchWork
  private let memory: MemoryModel
  private let limit: Int
  private let algorithms: Set<FullBatchPlan.Algorithm>
  private let left: Widths
  private let right: Widths?

  /// - Parameters:
  ///   - limit: bytes that everything together may take.
  ///   - algorithms: what the device has.
  init(
    _ memory: MemoryModel, limit: Int,
    algorithms: Set<FullBatchPlan.Algorithm> = Set(FullBatchPlan.Algorithm.allCases)
  ) {
    work = memory.work
    self.memory = memory
    self.limit = limit
    self.algorithms = algorithms
    left = Widths(work.left)
    right = work.right.map { Widths($0) }
  }

  /// Flops of work that is done at once where that fits: it ends in a second on any device.
  static let smallWork = 5e10

  /// Nothing fits.
  struct TooLittle: Error {
    /// The fewest bytes that would do.
    let least: Int
  }

  /// Where the work is small and fits: all at once.
  var small: FullBatchPlan? {
    FullBatchCost(atOnce: work).flops <= Self.smallWork ? atOnce : nil
  }

  private var atOnce: FullBatchPlan? {
    guard work.fitsOneMatrix, memory.atOnce <= limit else { return nil }
    var cost = FullBatchCost(atOnce: work)
    cost.peakMemory = memory.atOnce
    return FullBatchPlan(atOnce: work, cost: cost)
  }

  /// The plan for a device of these rates, of which only the proportions count.
  ///
  /// Which layers should have tiles? Let layer i join those that do. That costs n²·p_i, saves
  /// 2·n·p_i·p_j for every layer j with tiles, n·p_i² for its own square, and costs n² for each of
  /// these pairs: a parabola in p_i that opens upwards and is negative at 0. So where it pays for one
  /// layer, it pays more for a wider: the widest layers of each model have tiles, and how many is tried
  /// out.
  func plan(rates: DeviceRates) throws(TooLittle) -> FullBatchPlan {
    let atOnce = atOnce
    var best: (seconds: Double, plan: Candidate?) = (.infinity, nil)
    if let atOnce { best = (rates.seconds(atOnce.cost), nil) }
    for candidate in candidates {
      guard let cost = estimate(candidate) else { continue }
      let seconds = rates.seconds(cost)
      if seconds < best.seconds { best = (seconds, candidate) }
    }
    guard let plan = best.plan.flatMap(plan) ?? atOnce else { throw TooLittle(least: least) }
    return plan
  }

  /// The fewest bytes that any plan needs.
  var least: Int {
    var least = work.fitsOneMatrix ? memory.atOnce : .max
    for candidate in candidates {
      let side = candidate.layers == 0 ? 0 : min(MemoryModel.leastSide, work.exampleCount)
      // Groups need no more than a row of pairs at a time, which a device divides where it must.
      least = min(
        least, memory.peak(layers: candidate.layers, side: (side + 31) / 32 * 32, sums: 0))
    }
    return least
  }

  /// So many of the widest layers of each model have tiles.
  private struct Candidate {
    var left: Int
    var right: Int?
    var layers: Int { left + (right ?? 0) }
  }

  private var candidates: [Candidate] {
    guard algorithms.contains(.tiles) else { return [] }
    guard work.kernel == .linear, algorithms.contains(.features) else {
      return [Candidate(left: work.left.count, right: work.right?.count)]
    }
    guard let right = work.right else {
      return (0...work.left.count).map { Candidate(left: $0, right: nil) }
    }
    return (0...work.left.count).flatMap { left in
      (0...right.count).map { Candidate(left: left, right: $0) }
    }
  }
}

extension FullBatchPlanner {
  /// What each part of the memory is for.
  private struct Division {
    var side: Int
    /// Bytes of one group's sums.
    var sums: Int
  }

  /// How the memory is divided; nil where it is too little.
  private func division(of candidate: Candidate) -> Division? {
    let room = limit - memory.peak(layers: 0, side: 0, sums: 0)
    guard room >= 0 else { return nil }
    let wanted = Int(min(4 * entries(candidate), 1e15))
    guard candidate.layers > 0 else {
      return Division(side: 0, sums: min(wanted, memory.sums(within: room / memory.sharing)))
    }
    let sums = min(wanted, memory.sums(within: room / 2 / memory.sharing))
    let side = memory.side(layers: candidate.layers, sums: sums, limit: limit)
    return side > 0 ? Division(side: side, sums: sums) : nil
  }

  private func plan(_ candidate: Candidate) -> FullBatchPlan? {
    guard let division = division(of: candidate) else { return nil }
    let side = TileGrid(exampleCount: work.exampleCount, side: max(division.side, 1)).side
    return FullBatchPlan(
      work, tiledLeft: left.order.prefix(candidate.left).sorted(),
      tiledRight: (right ?? left).order.prefix(candidate.right ?? candidate.left).sorted(),
      division: TileDivision(
        side: division.side,
        memory: memory.deviceMemory(side: candidate.layers == 0 ? 0 : side, sums: division.sums)),
      sums: division.sums,
      peakMemory: memory.peak(
        layers: candidate.layers, side: candidate.layers == 0 ? 0 : side, sums: division.sums))
  }

  /// What `plan` will cost, without a list of its pairs.
  private func estimate(_ candidate: Candidate) -> FullBatchCost? {
    guard let division = division(of: candidate) else { return nil }
    let n = Double(work.exampleCount)
    let (k, l) = (candidate.left, candidate.right)
    let tiledFeatures = left.features[k] + (l.map { right?.features[$0] ?? 0 } ?? 0)
    let tiledBytes = left.bytes[k] + (l.map { right?.bytes[$0] ?? 0 } ?? 0)
    let allBytes = (left.bytes.last ?? 0) + (right?.bytes.last ?? 0)
    let passes = Double(1 + work.preparingPasses)
    var cost = FullBatchCost()
    cost.bytesRead = n * Double(FullBatchWork.readingsBefore) * allBytes
    if candidate.layers > 0 {
      cost.gramFlops = passes * work.gramFlops(features: tiledFeatures)
      cost.pairFlops = work.pairFlops(pairs: work.pairsOfGrams(k, l))
      cost.bytesRead += passes * n * (n / Double(division.side)).rounded(.up) * tiledBytes
    }
    let entries = entries(candidate)
    if entries > 0 {
      cost.featureFlops = featureFlops(candidate)
      // The layers themselves are squared with another reading of two models.
      let readings = (4 * entries / Double(max(division.sums, FullBatchPlan.leastSums))).rounded(
        .up)
      cost.bytesRead += n * allBytes * (right == nil ? readings : readings + 1)
    }
    return cost
  }

  /// Numbers of all XᵀY that the candidate leaves to features, as they lie in memory.
  private func entries(_ candidate: Candidate) -> Double {
    func rest(_ sums: [Double], _ first: Int) -> Double { (sums.last ?? 0) - sums[first] }
    guard let right, let l = candidate.right else {
      func triangle(_ k: Int) -> Double {
        (left.paddedFeatures[k] * left.paddedFeatures[k] + left.paddedSquares[k]) / 2
      }
      return triangle(left.order.count) - triangle(candidate.left)
    }
    let all = (left.paddedFeatures.last ?? 0) * (right.paddedFeatures.last ?? 0)
    return all - left.paddedFeatures[candidate.left] * right.paddedFeatures[l]
      + rest(left.paddedSquares, candidate.left) + rest(right.paddedSquares, l)
  }

  private func featureFlops(_ candidate: Candidate) -> Double {
    // Of a layer with itself only a triangle is made.
    guard let right, let l = candidate.right else {
      let (all, tiled) = (left.features.last ?? 0, left.features[candidate.left])
      return work.featureFlops(entries: (all * all - tiled * tiled) / 2)
    }
    let own =
      (left.squares.last ?? 0) - left.squares[candidate.left]
      + (right.squares.last ?? 0) - right.squares[l]
    return work.featureFlops(entries: products(candidate) + own / 2)
  }

  /// Σ p_i·p_j over the pairs of two models without tiles.
  private func products(_ candidate: Candidate) -> Double {
    guard let right, let l = candidate.right else { return 0 }
    return (left.features.last ?? 0) * (right.features.last ?? 0)
      - left.features[candidate.left] * right.features[l]
  }
}

/// Layers by width, the widest first, with sums over the first so many of them.
private struct Widths: Sendable {
  let order: [Int]
  let features: [Double]
  let squares: [Double]
  /// Features, and their squares, with the room that whole register tiles take.
  let paddedFeatures: [Double]
  let paddedSquares: [Double]
  let bytes: [Double]

  init(_ layers: [FullBatchWork.Layer]) {
    let order = layers.indices.sorted {
      (layers[$0].featureCount, $1) > (layers[$1].featureCount, $0)
    }
    func sums(_ value: (FullBatchWork.Layer) -> Double) -> [Double] {
      order.reduce(into: [0.0]) { $0.append($0[$0.count - 1] + value(layers[$1])) }
    }
    self.order = order
    features = sums { Double($0.featureCount) }
    squares = sums { Double($0.featureCount) * Double($0.featureCount) }
    let padded = { (layer: FullBatchWork.Layer) in Double(FullBatchWork.padded(layer.featureCount))
    }
    paddedFeatures = sums(padded)
    paddedSquares = sums { padded($0) * padded($0) }
    bytes = sums { Double($0.bytesPerExample) }
  }
}
