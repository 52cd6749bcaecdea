import CKA
import Device
import Glibc

/// Maps of networks without blocks, with the trend of a given map and with its odd layers.
///
/// The trend is how similarity falls with the distance between two layers: the means of the map's distances, made
/// monotone (isotonic regression, Ayer et al. 1955). A null map takes it along a way of random steps: exponential ones, of
/// which fast and slow places arise by chance. To this it adds what the map has beside its means, with the layers in a
/// random order, which keeps odd layers and noise. What a block adds is no noise: pairs count that lie in the same
/// candidates, and as far apart, each kind with its own mean.
struct BlockNull {
  /// The trend at the distances 0 … n − 1.
  private let trend: [Double]
  private let rest: Matrix<Double>

  /// - Parameters:
  ///   - map: symmetric, without undefined values, ones on its diagonal; three layers or more.
  ///   - candidates: disjoint intervals that may be blocks.
  init(of map: Matrix<Double>, candidates: [Range<Int>]) {
    let n = map.rows
    var means = [Double](repeating: 1, count: n)
    for distance in 1..<n {
      var sum = 0.0
      for i in distance..<n { sum += map[i, i - distance] }
      means[distance] = sum / Double(n - distance)
    }
    // Runs of distances that share a mean: pooled where the next is higher.
    var runs: [(mean: Double, pairs: Double, count: Int)] = []
    for distance in 1..<n {
      runs.append((means[distance], Double(n - distance), 1))
      while runs.count > 1, runs[runs.count - 2].mean < runs[runs.count - 1].mean {
        let (next, last) = (runs.removeLast(), runs.removeLast())
        let pairs = last.pairs + next.pairs
        runs.append(
          (
            (last.mean * last.pairs + next.mean * next.pairs) / pairs, pairs,
            last.count + next.count
          ))
      }
    }
    let fall = runs.flatMap { Array(repeating: $0.mean, count: $0.count) }
    trend = [min(1, 2 * fall[0] - fall[1])] + fall
    rest = Self.rest(of: map, candidates)
  }

  /// What the map has beside the means of its pairs of one kind: one distance, and one pair of candidates or none. The mean
  /// of m pairs contains part of their noise, which the factor √(m/(m − 1)) restores; a single pair has nothing.
  private static func rest(of map: Matrix<Double>, _ candidates: [Range<Int>]) -> Matrix<Double> {
    let n = map.rows
    // 0 for layers of no candidate.
    let label = (0..<n).map { layer in
      (candidates.firstIndex { $0.contains(layer) } ?? -1) + 1
    }
    let labels = candidates.count + 1
    func kind(_ i: Int, _ j: Int) -> Int {
      (abs(i - j) * labels + min(label[i], label[j])) * labels + max(label[i], label[j])
    }
    var sums: [Int: (sum: Double, count: Double)] = [:]
    for i in 0..<n {
      for j in 0..<i {
        let (sum, count) = sums[kind(i, j)] ?? (0, 0)
        sums[kind(i, j)] = (sum + map[i, j], count + 1)
      }
    }
    var rest = Matrix<Double>(rows: n, columns: n, repeating: 0)
    for i in 0..<n {
      for j in 0..<n where j != i {
        guard let (sum, count) = sums[kind(i, j)], count > 1 else { continue }
        rest[i, j] = (map[i, j] - sum / count) * (count / (count - 1)).squareRoot()
      }
    }
    return rest
  }

  /// Null map number `index`.
  func map(_ index: Int, seed: UInt64) -> Matrix<Double> {
    let n = rest.rows
    // Outputs index·(2n − 1) and following of the generator.
    let skipped = UInt64(index * (2 * n - 1)) &* 0x9E37_79B9_7F4A_7C15
    var generator = SplitMix64(seed: seed &+ skipped)
    func uniform() -> Double { (Double(generator.next() >> 11) + 0.5) * 0x1p-53 }
    var places = [0.0]
    for _ in 1..<n { places.append(places[places.count - 1] - log(uniform())) }
    let scale = Double(n - 1) / places[n - 1]
    places = places.map { $0 * scale }
    let keys = (0..<n).map { _ in uniform() }
    let order = keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    var map = Matrix<Double>(rows: n, columns: n, repeating: 1)
    for i in 0..<n {
      for j in 0..<i {
        let distance = places[i] - places[j]
        let before = min(Int(distance), n - 2)
        let weight = distance - Double(before)
        map[i, j] =
          trend[before] + weight * (trend[before + 1] - trend[before]) + rest[order[i], order[j]]
        map[j, i] = map[i, j]
      }
    }
    return map
  }
}
