import Device

/// Looks for the contiguous layers whose similarity with each other stands out most from that of other
/// pairs of layers at the same distances.
///
/// Pairs are those below the diagonal of a symmetric map of n layers; their distance is d = i − j. With
/// S_ij = μ_d + β·[i and j in the interval] + noise, least squares give, R being S less the mean of its
/// distance,
///
///     β = Σ R over pairs inside / V,   V = Σ_d n_d·(1 − n_d / N_d),
///
/// where n_d of the N_d pairs at the distance d are inside: the mean over distances of what lies between
/// the means inside and outside, weighted with V's terms. The score of an interval of k layers is
/// β·√(V/k): what chance adds to a contrast falls with the number of layers, because all pairs of a layer
/// share what it has of its own, and more so where less is left outside to compare with.
struct BlockScan {
  /// An interval with its numbers.
  struct Candidate {
    var layers: Range<Int>
    /// β.
    var contrast: Double
    /// β·√(V/k).
    var score: Double
  }

  /// A V below it is rounding errors of 0: its terms are multiples of 1/N_d.
  private static let leastWeight = 1e-9

  /// Which layers lie in no block that is set aside: those of intervals, and of the pairs that count.
  let isFree: [Bool]
  private let minimumContrast: Double
  private let sizes: ClosedRange<Int>
  /// N_d.
  private let pairs: [Int]
  /// V by size; 0 where pairs outside are missing.
  private let weights: [Double]

  /// - Precondition: `sizes` holds no size above n.
  init(isFree: [Bool], sizes: ClosedRange<Int>, minimumContrast: Double) {
    self.isFree = isFree
    self.sizes = sizes
    self.minimumContrast = minimumContrast
    let count = isFree.count
    var pairs = Array(repeating: 0, count: count)
    for i in 0..<count {
      for j in 0..<i where isFree[i] && isFree[j] { pairs[i - j] += 1 }
    }
    self.pairs = pairs
    weights = (0...count).map { size in
      (1..<max(size, 1)).reduce(0) { sum, distance in
        let inside = Double(size - distance)
        return pairs[distance] > 0 ? sum + inside * (1 - inside / Double(pairs[distance])) : sum
      }
    }
  }

  /// Whether the pair of layers `i` and `j` counts.
  func counts(_ i: Int, _ j: Int) -> Bool { isFree[i] && isFree[j] }

  /// The means over pairs of each distance; 0 where none counts.
  func means(of map: Matrix<Double>) -> [Double] {
    var sums = Array(repeating: 0.0, count: isFree.count)
    for i in isFree.indices {
      for j in 0..<i where counts(i, j) { sums[i - j] += map[i, j] }
    }
    return zip(sums, pairs).map { $1 > 0 ? $0 / Double($1) : 0 }
  }

  /// The interval of the highest score of those whose contrast is not below the least.
  func best(in map: Matrix<Double>) -> Candidate? {
    let means = means(of: map)
    var best: Candidate?
    // Of the interval from each layer to the row in hand: the sum of R inside.
    var sums = Array(repeating: 0.0, count: isFree.count)
    for row in isFree.indices where isFree[row] {
      var added = 0.0
      var first = row
      while first > 0, isFree[first - 1], row - first + 1 < sizes.upperBound {
        first -= 1
        added += map[row, first] - means[row - first]
        sums[first] += added
        let size = row - first + 1
        let weight = weights[size]
        guard size >= sizes.lowerBound, weight > Self.leastWeight else { continue }
        let contrast = sums[first] / weight
        let score = contrast * (weight / Double(size)).squareRoot()
        if contrast >= minimumContrast, score > best?.score ?? 0 {
          best = Candidate(layers: first..<(row + 1), contrast: contrast, score: score)
        }
      }
    }
    return best
  }

  /// β of an interval of free layers; nil where no pair of free layers as far apart lies outside of it.
  func contrast(of layers: Range<Int>, in map: Matrix<Double>) -> Double? {
    let weight = weights[layers.count]
    guard weight > Self.leastWeight else { return nil }
    let means = means(of: map)
    let sum = layers.reduce(0) { sum, i in
      (layers.lowerBound..<i).reduce(sum) { $0 + map[i, $1] - means[i - $1] }
    }
    return sum / weight
  }
}
