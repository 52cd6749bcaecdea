import CKA
import Device
import Support

/// Finds block structure in the map of a network with itself.
///
/// A block is an interval of layers that are alike, with edges across which similarity drops (`BlockEdges`). Of all sets
/// of intervals that have such edges, neighbors sharing few layers at most, the one with the largest sum of
/// k·(mean inside − mean of the map) is taken, by dynamic programming: k layers with edges among them are divided there.
/// Blocks are left out if maps without blocks (`BlockNull`) too often reach the score of every interval that contains
/// them, and so is what surrounds a block and is alike on both of its sides: its background. What two neighbors share
/// is divided.
public struct BlockDetector: Sendable, Hashable {
  /// The least size of a block; nil for a tenth of the layers and two, which is also what must lie beyond an edge.
  public var minimumSize: Int?
  /// The least drop of similarity at an edge.
  public var minimumContrast: Double
  /// The largest p of a block.
  public var significance: Double
  /// How many null maps a candidate is compared with.
  public var permutations: Int
  /// Random seed of the null maps.
  public var seed: UInt64

  /// See the properties.
  public init(
    minimumSize: Int? = nil, minimumContrast: Double = 0.1, significance: Double = 0.05,
    permutations: Int = 999, seed: UInt64 = 0
  ) {
    self.minimumSize = minimumSize
    self.minimumContrast = minimumContrast
    self.significance = significance
    self.permutations = permutations
    self.seed = seed
  }

  /// Maximum number of null maps.
  public static let mostPermutations = 100_000

  /// The least number of layers beyond an edge in a map of `count` layers with values.
  static func rest(ofLayers count: Int) -> Int { 2 + (count + 9) / 10 }

  /// The least size in a map of `count` layers with values.
  public func minimumSize(ofLayers count: Int) -> Int { minimumSize ?? Self.rest(ofLayers: count) }

  /// The blocks of `map`, layers × layers, NaN where undefined. Layers without a value on the diagonal
  /// or with no other layer are left out.
  ///
  /// Of an unsymmetric map the mean of both halves counts.
  ///
  /// - Throws: where the map is not square or has infinite values, or a setting has no meaning.
  public func structure(of map: Matrix<Double>) throws(ComparisonError) -> BlockStructure {
    try check(map)
    let layers = (0..<map.rows).filter { i in
      !map[i, i].isNaN && (0..<map.rows).contains { $0 != i && !map[i, $0].isNaN }
    }
    var own = Matrix<Double>(rows: layers.count, columns: layers.count, repeating: 1)
    for (i, row) in layers.enumerated() {
      for (j, column) in layers.enumerated() where i != j {
        own[i, j] = (map[row, column] + map[column, row]) / 2
      }
    }
    let undefinedPairs = Self.fill(&own)
    let found = search(own)
    func block(_ found: Found) -> LayerBlock {
      LayerBlock(
        layers: layers[found.layers.lowerBound]..<(layers[found.layers.upperBound - 1] + 1),
        size: found.layers.count, meanInside: found.meanInside, meanOutside: found.meanOutside,
        contrast: found.contrast, p: found.p)
    }
    return BlockStructure(
      blocks: found.blocks.map(block), closest: found.closest.map(block),
      shortfalls: found.shortfalls,
      undefinedLayers: (0..<map.rows).filter { !layers.contains($0) },
      undefinedPairs: undefinedPairs)
  }

  private func check(_ map: Matrix<Double>) throws(ComparisonError) {
    guard map.rows == map.columns else {
      throw ComparisonError(
        "a map of \(map.rows) × \(map.columns) layers, expected a square map of one network")
    }
    guard minimumSize ?? 2 >= 2, minimumContrast > 0,
      (1...Self.mostPermutations).contains(permutations)
    else {
      throw ComparisonError(
        "blocks of \(minimumSize ?? 2) layers or more, of a contrast of \(minimumContrast), against "
          + "\(permutations) maps: expected 2 or more, above 0, and 1 to \(Self.mostPermutations)")
    }
    guard (0...1).contains(significance) else {
      throw ComparisonError("a significance of \(significance): 0 to 1")
    }
    guard !map.elements.contains(where: \.isInfinite) else {
      throw ComparisonError("a map with an infinite value, expected numbers, and NaN for none")
    }
  }

  /// Gives undefined pairs the mean of their distance, or of all; returns how many there are.
  private static func fill(_ map: inout Matrix<Double>) -> Int {
    var sums = Array(repeating: (sum: 0.0, count: 0.0), count: map.rows)
    var all = (sum: 0.0, count: 0.0)
    for i in 0..<map.rows {
      for j in 0..<i where !map[i, j].isNaN {
        sums[i - j] = (sums[i - j].sum + map[i, j], sums[i - j].count + 1)
        all = (all.sum + map[i, j], all.count + 1)
      }
    }
    var undefined = 0
    for i in 0..<map.rows {
      for j in 0..<i where map[i, j].isNaN {
        let mean = sums[i - j].count > 0 ? sums[i - j] : all
        map[i, j] = mean.sum / mean.count
        map[j, i] = map[i, j]
        undefined += 1
      }
    }
    return undefined
  }
}

extension BlockDetector {
  /// An interval with its numbers.
  private struct Found {
    var layers: Range<Int>
    var score: Double
    var contrast: Double
    var meanInside: Double
    var meanOutside: Double
    var p: Double?

    init(_ a: Int, _ b: Int, _ interval: BlockEdges.Interval, _ edges: BlockEdges) {
      layers = a..<b
      (score, contrast) = (interval.score, interval.drop)
      (meanInside, meanOutside) = (edges.meanInside(a, b), edges.meanOutside(a, b))
    }
  }

  private typealias Search = (
    blocks: [Found], closest: Found?, shortfalls: [BlockStructure.Shortfall]
  )

  /// Rounding of a score: two sums of some hundred thousand numbers below 1.
  private static let rounding = 1e-9

  /// The search in a map without undefined values.
  private func search(_ map: Matrix<Double>) -> Search {
    let n = map.rows
    let rest = Self.rest(ofLayers: n)
    let least = minimumSize(ofLayers: n)
    let (room, overflow) = least.addingReportingOverflow(rest)
    guard !overflow, n >= room else { return ([], nil, [.tooFewLayers]) }
    let edges = BlockEdges(of: map, rest: rest, contrast: minimumContrast)
    var candidates = bestSet(edges, least: least)
    guard let lowest = candidates.map(\.score).min() else {
      return closest(edges, least: least)
    }
    let null = BlockNull(of: map, candidates: divided(candidates).map(\.layers))
    let floor = lowest * (1 - Self.rounding)
    let best = concurrentMap(0..<permutations) { index in
      BlockEdges(of: null.map(index, seed: seed), rest: rest, contrast: minimumContrast)
        .bestScore(least: least, floor: floor)
    }
    for index in candidates.indices {
      let reached = best.count { $0 >= candidates[index].score * (1 - Self.rounding) }
      candidates[index].p = Double(1 + reached) / Double(1 + permutations)
    }
    guard candidates.contains(where: { $0.p ?? 1 <= significance }) else {
      let first = candidates.min { ($0.p ?? 1, -$0.score) < ($1.p ?? 1, -$1.score) }
      return ([], first, [.significance])
    }
    return (divided(withoutBackground(candidates, of: map)), nil, [])
  }

  /// Of the sets of intervals with edges, of which neighbors share a few layers at most (an edge that is soft belongs to
  /// both), the one with the largest sum of k·(mean inside − mean of the map): an interval is divided where edges inside
  /// allow it. Of equal sums, the longest intervals. The score of each is the largest of an interval that contains it.
  private func bestSet(_ edges: BlockEdges, least: Int) -> [Found] {
    guard let sizes = edges.sizes(least: least) else { return [] }
    let n = edges.count
    // Fewer than the layers of a block, so that neighbors keep layers of their own.
    let shared = min(edges.shared, sizes.lowerBound - 1)
    var all: [Found] = []
    var best = [Double](repeating: 0, count: n + 1)
    var chosen = [Int?](repeating: nil, count: n + 1)
    for b in 1...n {
      best[b] = best[b - 1]
      for a in 0..<b where sizes.contains(b - a) && edges.hasEdge(a, b) {
        let interval = edges.interval(a, b)
        guard interval.score > 0 else { continue }
        let found = Found(a, b, interval, edges)
        let gain = Double(b - a) * (found.meanInside - edges.mean)
        let sum = best[min(a + shared, b - 1)] + gain
        if gain > 0, sum > best[b] + 1e-12 {
          best[b] = sum
          chosen[b] = all.count
        }
        all.append(found)
      }
    }
    var found: [Found] = []
    var b = n
    while b > 0 {
      guard let index = chosen[b] else {
        b -= 1
        continue
      }
      var last = all[index]
      for other in all
      where other.layers.lowerBound <= last.layers.lowerBound
        && last.layers.upperBound <= other.layers.upperBound
      {
        last.score = max(last.score, other.score)
      }
      found.append(last)
      b = min(last.layers.lowerBound + shared, b - 1)
    }
    return found.reversed()
  }

  /// Of a map without candidates, the interval that lacks least: one that is only too small, else that with the largest
  /// drop of those that fail the fewest conditions.
  private func closest(_ edges: BlockEdges, least: Int) -> Search {
    var small: (score: Double, found: Found)?
    var other: (found: Found, shortfalls: [BlockStructure.Shortfall])?
    guard let sizes = edges.sizes(least: min(3, least)) else { return ([], nil, [.tooFewLayers]) }
    for size in sizes {
      for a in 0...(edges.count - size) where edges.hasEdge(a, a + size) {
        let interval = edges.interval(a, a + size)
        let found = Found(a, a + size, interval, edges)
        if size < least {
          if interval.score > small?.score ?? 0 { small = (interval.score, found) }
        } else if (interval.shortfalls.count, -interval.drop)
          < (other?.shortfalls.count ?? .max, -(other?.found.contrast ?? -.infinity))
        {
          other = (found, interval.shortfalls.list)
        }
      }
    }
    if let small { return ([], small.found, [.tooSmall]) }
    return ([], other?.found, other?.shortfalls ?? [.tooFewLayers])
  }

  /// The significant ones of `blocks`, without pairs that are alike and have one between them: what surrounds it.
  private func withoutBackground(_ blocks: [Found], of map: Matrix<Double>) -> [Found] {
    var background: Set<Int> = []
    let isKept = blocks.map { $0.p ?? 1 <= significance }
    for (i, left) in blocks.enumerated() {
      for (j, right) in blocks.enumerated().dropFirst(i + 2)
      where isKept[(i + 1)..<j].contains(true) {
        var sum = 0.0
        for row in left.layers { for column in right.layers { sum += map[row, column] } }
        let alike = sum / Double(left.layers.count * right.layers.count)
        let inside = min(left.meanInside, right.meanInside)
        if alike > inside - min(left.contrast, right.contrast) / 2 { background.formUnion([i, j]) }
      }
    }
    return blocks.indices.filter { isKept[$0] && !background.contains($0) }.map { blocks[$0] }
  }

  /// Gives each of two neighbors half of the layers that they share.
  private func divided(_ blocks: [Found]) -> [Found] {
    var blocks = blocks
    for index in blocks.indices.dropFirst() {
      let (end, start) = (blocks[index - 1].layers.upperBound, blocks[index].layers.lowerBound)
      guard end > start else { continue }
      let middle = (end + start) / 2
      blocks[index - 1].layers = blocks[index - 1].layers.lowerBound..<middle
      blocks[index].layers = middle..<blocks[index].layers.upperBound
    }
    return blocks
  }
}
