import CKA
import Device

/// Finds block structure in the map of a network with itself.
///
/// A block is an interval of layers that are more alike than other layers at the same distances, by
/// `minimumContrast` at least, and more than chance explains, at the level `significance`. The interval
/// of the highest score comes first (`BlockScan`); its pairs are set aside, and the search goes on in
/// the other layers until what is found is not significant against `BlockBaseline`.
public struct BlockDetector: Sendable, Hashable {
  /// The least size of a block, and of the rest that it stands out from; nil for 3 layers or a tenth of
  /// all, whichever is more.
  public var minimumSize: Int?
  /// The least contrast, a difference of similarities.
  public var minimumContrast: Double
  /// The largest p of a block.
  public var significance: Double
  /// How many maps of the baseline a candidate is compared with.
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

  /// The least size in a map of `count` layers with values.
  public func minimumSize(ofLayers count: Int) -> Int { minimumSize ?? max(3, (count + 9) / 10) }

  /// The blocks of `map`, layers × layers, NaN where undefined. Layers without a value on the diagonal
  /// or with no other layer are left out.
  ///
  /// Of an unsymmetric map the mean of both halves counts.
  ///
  /// - Throws: where the map is not square or has infinite values, or a setting has no meaning.
  public func structure(of map: Matrix<Double>) throws(ComparisonError) -> BlockStructure {
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
    let layers = (0..<map.rows).filter { i in
      !map[i, i].isNaN && (0..<map.rows).contains { $0 != i && !map[i, $0].isNaN }
    }
    var own = Matrix<Double>(rows: layers.count, columns: layers.count, repeating: .nan)
    for (i, row) in layers.enumerated() {
      for (j, column) in layers.enumerated() {
        own[i, j] = (map[row, column] + map[column, row]) / 2
      }
    }
    let undefinedPairs = Self.fill(&own)
    let least = minimumSize(ofLayers: layers.count)
    var search = BlockSearch(detector: self, map: own)
    if least <= layers.count / 2 { search.run(sizes: least...(layers.count - least)) }
    let ranges = search.found.map(\.layers)
    func block(_ found: BlockSearch.Found, others: [Range<Int>]) -> LayerBlock {
      LayerBlock(found, in: own, layers: layers, others: others)
    }
    return BlockStructure(
      blocks: search.found.map { found in
        block(found, others: ranges.filter { $0 != found.layers })
      },
      insignificant: search.insignificant.map { block($0, others: ranges) },
      undefinedLayers: (0..<map.rows).filter { !layers.contains($0) },
      undefinedPairs: undefinedPairs)
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

extension LayerBlock {
  /// - Parameters:
  ///   - layers: the places of the network's layers that `map` holds.
  ///   - others: the other blocks, in places of `map`.
  fileprivate init(
    _ found: BlockSearch.Found, in map: Matrix<Double>, layers: [Int], others: [Range<Int>]
  ) {
    let own = found.layers
    let isFree = (0..<map.rows).map { i in !others.contains { $0.contains(i) } }
    let contrast = BlockScan(isFree: isFree, sizes: own.count...own.count, minimumContrast: -2)
      .contrast(of: own, in: map)
    var inside = (sum: 0.0, count: 0.0)
    var outside = inside
    for i in own {
      for j in 0..<map.rows where j < i || !own.contains(j) {
        if own.contains(j) {
          inside = (inside.sum + map[i, j], inside.count + 1)
        } else {
          outside = (outside.sum + map[i, j], outside.count + 1)
        }
      }
    }
    self.init(
      layers: layers[own.lowerBound]..<(layers[own.upperBound - 1] + 1), size: own.count,
      meanInside: inside.sum / inside.count, meanOutside: outside.sum / outside.count,
      contrast: contrast, p: found.p)
  }
}
