import Device

/// How an exact estimate of any number of examples is made: which algorithm each pair of layers
/// takes, how much is made at a time, and what that costs.
///
/// Three algorithms compute ⟨K̃, L̃⟩: Gram matrices of all examples *at once*; *tiles* of them, one after the
/// other; and *features*, ‖XᵀY‖², which needs no Gram matrix (linear kernels). Pairs of layers that
/// both have tiles take them, all others go through features. Derivations:
/// `Documentation/Numerics.md`.
public struct FullBatchPlan: Sendable, Hashable {
  let work: FullBatchWork
  /// Whether all examples' matrices are made at once.
  public let isAtOnce: Bool
  /// The layers of the first model whose matrices are made, in tiles; ascending.
  public let tiledLeft: [Int]
  /// Those of the second model; without one, of the first.
  public let tiledRight: [Int]
  /// How much is made at a time. The side is 0 where there are no tiles.
  public let division: TileDivision
  /// Pairs that go through features, a group for each reading of the layers in it.
  let groups: [FeatureGroup]
  /// What all of it costs.
  public internal(set) var cost: FullBatchCost

  /// Pairs of layers whose products of features are made with one reading.
  struct FeatureGroup: Sendable, Hashable {
    /// Which layers are multiplied.
    enum Kind: Sendable, Hashable {
      /// The first model's with the second's, or with each other where there is none.
      case cross
      /// Layers of the first model with themselves, beside `cross` of two models.
      case left
      /// Layers of the second model with themselves.
      case right
    }
    var kind: Kind
    var pairs: [LayerPair]
    /// How often its layers are read: more than once where the sums of a single pair are too many.
    var readings = 1
  }

  var grid: TileGrid { TileGrid(exampleCount: work.exampleCount, side: max(division.side, 1)) }
  var hasTiles: Bool { !isAtOnce && division.side > 0 }

  /// Tiles on and below the diagonal, each of all layers that have tiles.
  public var tileCount: Int { hasTiles ? grid.count : 0 }
  /// Readings of layers for products of their features.
  public var featureGroupCount: Int { groups.count }
  /// Number of parts that devices take one by one: tiles, then groups of pairs; 1 if all at once.
  public var partCount: Int { isAtOnce ? 1 : tileCount + groups.count }

  /// What a run of one device tells it has finished, one by one: passes over the tiles that prepare, for
  /// each model, and parts.
  public var stepCount: Int {
    partCount + work.preparingPasses * tileCount * (work.right == nil ? 1 : 2)
  }

  /// The algorithm of a pair of layers.
  public func algorithm(_ left: Int, _ right: Int) -> Algorithm {
    if isAtOnce { return .atOnce }
    return tiledLeft.contains(left) && tiledRight.contains(right) ? .tiles : .features
  }

  /// How ⟨K̃, L̃⟩ is computed.
  public enum Algorithm: String, Sendable, Hashable, Codable, CaseIterable {
    case atOnce = "at-once"
    case tiles
    case features
  }

  /// How many pairs of layers take each algorithm; of one model, each pair once.
  public var pairCounts: [Algorithm: Int] {
    var counts: [Algorithm: Int] = [:]
    for i in work.left.indices {
      let columns = work.right?.indices ?? 0..<(i + 1)
      for j in columns { counts[algorithm(i, j), default: 0] += 1 }
    }
    return counts
  }
}

/// What a plan costs, counted before it runs. Flops are useful ones: of a symmetric matrix, one half.
public struct FullBatchCost: Sendable, Hashable {
  /// Products that fill Gram matrices, passes that only prepare included.
  public var gramFlops = 0.0
  /// Inner products of Gram matrices.
  public var pairFlops = 0.0
  /// Products of features with features.
  public var featureFlops = 0.0
  /// Bytes of activations that are read, each as often as it is.
  public var bytesRead = 0.0
  /// Bytes of memory at the most: of the process, and of the device if that has its own.
  public var peakMemory = 0
  /// Seconds by the device's measured rates; nil where these were not measured.
  public var seconds: Double?

  /// All of them.
  public var flops: Double { gramFlops + pairFlops + featureFlops }
}

extension FullBatchPlan {
  /// Everything at once.
  init(atOnce work: FullBatchWork, cost: FullBatchCost) {
    self.init(
      work: work, isAtOnce: true, tiledLeft: [], tiledRight: [],
      division: TileDivision(side: 0, memory: 0), groups: [], cost: cost)
  }

  /// Tiles of the given layers, features for all other pairs.
  ///
  /// - Parameter sums: bytes that the sums of one group may take.
  init(
    _ work: FullBatchWork, tiledLeft: [Int], tiledRight: [Int], division: TileDivision, sums: Int,
    peakMemory: Int = 0
  ) {
    var division = division
    let hasTiles = !tiledLeft.isEmpty || !tiledRight.isEmpty
    // The tiles as they will be, all but the last as large as the first.
    division.side =
      hasTiles ? TileGrid(exampleCount: work.exampleCount, side: division.side).side : 0
    let groups = Self.groups(
      work, tiledLeft: Set(tiledLeft), tiledRight: Set(tiledRight), sums: sums)
    var cost = FullBatchCost(work, tiledLeft, tiledRight, side: division.side, groups)
    cost.peakMemory = peakMemory
    self.init(
      work: work, isAtOnce: false, tiledLeft: tiledLeft, tiledRight: tiledRight,
      division: division, groups: groups, cost: cost)
  }

  /// Bytes that the sums of a group may take in any case: a device's workspace has room for them.
  static let leastSums = 1 << 20

  /// The pairs without tiles, in groups whose sums, `sums` bytes at most, are made with one reading.
  private static func groups(
    _ work: FullBatchWork, tiledLeft: Set<Int>, tiledRight: Set<Int>, sums: Int
  ) -> [FeatureGroup] {
    var groups: [FeatureGroup] = []
    let limit = Double(max(sums, leastSums))
    /// Adds pairs that stay together, unless they do not fit.
    func add(
      _ kind: FeatureGroup.Kind, _ row: [LayerPair], _ bytes: (LayerPair) -> Double,
      to total: inout Double
    ) {
      let all = row.reduce(0) { $0 + bytes($1) }
      let chunks = all <= limit ? [row] : row.map { [$0] }
      for chunk in chunks where !chunk.isEmpty {
        let size = chunk.reduce(0) { $0 + bytes($1) }
        if groups.last?.kind == kind, total + size <= limit {
          groups[groups.count - 1].pairs += chunk
          total += size
        } else {
          groups.append(
            FeatureGroup(kind: kind, pairs: chunk, readings: Int((size / limit).rounded(.up))))
          total = size
        }
      }
    }
    func bytes(_ pair: LayerPair, _ rows: [FullBatchWork.Layer], _ columns: [FullBatchWork.Layer])
      -> Double
    {
      Double(4 * FullBatchWork.padded(rows[pair.left].featureCount))
        * Double(FullBatchWork.padded(columns[pair.right].featureCount))
    }
    let columns = work.right ?? work.left
    var total = 0.0
    for i in work.left.indices {
      let partners = (work.right?.indices ?? 0..<(i + 1)).filter {
        !(tiledLeft.contains(i) && tiledRight.contains($0))
      }
      add(
        .cross, partners.map { LayerPair(i, $0) }, { bytes($0, work.left, columns) }, to: &total)
    }
    guard let right = work.right else { return groups }
    let own = [(FeatureGroup.Kind.left, work.left, tiledLeft), (.right, right, tiledRight)]
    for (kind, layers, tiled) in own {
      for index in layers.indices where !tiled.contains(index) {
        add(kind, [LayerPair(index, index)], { bytes($0, layers, layers) }, to: &total)
      }
    }
    return groups
  }
}

extension FullBatchCost {
  /// The cost at once.
  package init(atOnce work: FullBatchWork) {
    let features = work.layers.reduce(0.0) { $0 + Double($1.featureCount) }
    gramFlops = work.gramFlops(features: features)
    pairFlops = work.pairFlops(pairs: work.pairsOfGrams(work.left.count, work.right?.count))
    bytesRead =
      work.layers.reduce(0.0) { $0 + Double($1.bytesPerExample) } * Double(work.exampleCount)
  }

  /// The cost of tiles of some layers and features for the other pairs.
  fileprivate init(
    _ work: FullBatchWork, _ tiledLeft: [Int], _ tiledRight: [Int], side: Int,
    _ groups: [FullBatchPlan.FeatureGroup]
  ) {
    let right = work.right
    let tiled =
      tiledLeft.map { work.left[$0] } + (right.map { r in tiledRight.map { r[$0] } } ?? [])
    let n = Double(work.exampleCount)
    let passes = Double(1 + work.preparingPasses)
    bytesRead =
      n * Double(FullBatchWork.readingsBefore)
      * work.layers.reduce(0) { $0 + Double($1.bytesPerExample) }
    if !tiled.isEmpty {
      let features = tiled.reduce(0) { $0 + Double($1.featureCount) }
      let sample = Double(work.sampleCount)
      gramFlops = passes * work.gramFlops(features: features) + sample * sample * features
      pairFlops = work.pairFlops(
        pairs: work.pairsOfGrams(tiledLeft.count, right == nil ? nil : tiledRight.count))
      // Each run of examples is in as many tiles as there are runs.
      let runs = TileGrid(exampleCount: work.exampleCount, side: side).runs.count
      bytesRead +=
        (passes * n * Double(runs) + sample) * tiled.reduce(0) { $0 + Double($1.bytesPerExample) }
    }
    for group in groups {
      let rows = group.kind == .right ? right ?? [] : work.left
      let columns = group.kind == .left ? work.left : right ?? work.left
      for pair in group.pairs {
        let entries =
          Double(rows[pair.left].featureCount) * Double(columns[pair.right].featureCount)
        let isOwn = pair.left == pair.right && (right == nil || group.kind != .cross)
        featureFlops += work.featureFlops(entries: isOwn ? entries / 2 : entries)
      }
      var read = Set(group.pairs.map(\.left)).reduce(0.0) { $0 + Double(rows[$1].bytesPerExample) }
      var others = Set(group.pairs.map(\.right))
      if right == nil || group.kind != .cross { others.subtract(group.pairs.map(\.left)) }
      read += others.reduce(0.0) { $0 + Double(columns[$1].bytesPerExample) }
      bytesRead += n * read * Double(group.readings)
    }
  }
}

extension FullBatchWork {
  /// Inner products that so many layers of each model have: of two models also each layer's own.
  package func pairsOfGrams(_ left: Int, _ right: Int?) -> Double {
    guard let right else { return Double(left) * Double(left + 1) / 2 }
    return Double(left) * Double(right) + Double(left) + Double(right)
  }
}
