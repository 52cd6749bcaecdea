/// Finds the median of all n² squared distances of one layer from counts of the bits of those below the
/// diagonal: of their upper 16, then of the lower 16 behind those of the two middle values.
///
/// Non-negative float32 are ordered like their bits. Of the n² values n are the diagonal's zeros, the
/// smallest, and each of the others counts twice; of an even count the median is the mean of the middle
/// two.
struct MedianSearch {
  enum Half { case upper, lower }

  /// One of the middle values; nil for a zero of the diagonal.
  private struct Target {
    var rank: Int
    var bits: UInt32 = 0
  }

  private var targets: [Target?]
  private var counts = [Int](repeating: 0, count: 2 * Tuning.halfBins)

  init(exampleCount n: Int) {
    targets = [(n * n - 1) / 2, n * n / 2].map { $0 < n ? nil : Target(rank: ($0 - n) / 2) }
  }

  /// Whether no counts are needed.
  var isDone: Bool { targets.allSatisfy { $0 == nil } }

  /// The upper 16 bits of both middle values.
  var prefixes: SIMD2<UInt32> {
    // No upper bits of a distance are as large as what stands for none.
    SIMD2(targets[0].map { $0.bits >> 16 } ?? .max, targets[1].map { $0.bits >> 16 } ?? .max)
  }

  /// Adds the counts of a tile, those of this layer from `first` on.
  mutating func add(_ tile: [UInt32], from first: Int) {
    for bin in counts.indices { counts[bin] += Int(tile[first + bin]) }
  }

  /// Fixes the bits that were counted.
  mutating func finish(_ half: Half) {
    let isOne = half == .upper || prefixes.x == prefixes.y
    for index in targets.indices {
      guard var target = targets[index] else { continue }
      // A prefix that both share is counted once, for the first.
      let start = index == 0 || isOne ? 0 : Tuning.halfBins
      let bins = counts[start..<(start + Tuning.halfBins)]
      var bin = start
      while bin < bins.endIndex - 1, target.rank >= bins[bin] {
        target.rank -= bins[bin]
        bin += 1
      }
      target.bits |= UInt32(bin - start) << (half == .upper ? 16 : 0)
      targets[index] = target
    }
    counts = Array(repeating: 0, count: half == .upper ? 2 * Tuning.halfBins : 0)
  }

  /// The median, when both halves are done.
  var median: Double {
    let values = targets.map { $0.map { Double(Float(bitPattern: $0.bits)) } ?? 0 }
    return (values[0] + values[1]) / 2
  }
}
