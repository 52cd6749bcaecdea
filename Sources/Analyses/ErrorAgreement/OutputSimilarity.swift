import Device
import Glibc

/// How alike the predictions of every pair of networks are, mean over examples.
public struct OutputSimilarity: Sendable {
  /// What is measured of two networks.
  public enum Measure: String, Sendable, Hashable, CaseIterable {
    /// The share of examples with the same predicted class.
    case agreement
    /// Σ (p − q)(log p − log q), in nats: Kullback and Leibler's divergence in both directions together.
    case divergence
    /// √(½ Σ (√p − √q)²), from 0 to 1: Hellinger's distance.
    case hellinger
  }

  /// Pairs within the first group, within the second, and of both.
  public struct Means: Sendable, Hashable {
    /// Over pairs of two networks of the first group.
    public let withinFirst: Double
    /// Over pairs of two networks of the second group.
    public let withinSecond: Double
    /// Over pairs of one network of each.
    public let between: Double

    /// How much less alike networks of both groups are than those of one: the mean of the two within and
    /// the one between, in the direction in which unlikeness is positive.
    func gap(_ measure: Measure) -> Double {
      let gap = (withinFirst + withinSecond) / 2 - between
      return measure == .agreement ? gap : -gap
    }
  }

  /// networks × networks, those of the first group before those of the second; the diagonal is that of
  /// a network with itself.
  public let values: [Measure: Matrix<Double>]
  /// How many probabilities counted as `Predictions.leastProbability`.
  public let raisedCount: Int

  /// The means of a measure for networks divided in two.
  func means(_ measure: Measure, _ first: [Int], _ second: [Int]) -> Means? {
    guard let matrix = values[measure] else { return nil }
    func within(_ group: [Int]) -> Double {
      let pairs = group.indices.flatMap { i in
        group[..<i].map { matrix[group[i], $0] }
      }
      return mean(pairs)
    }
    return Means(
      withinFirst: within(first), withinSecond: within(second),
      between: mean(first.flatMap { i in second.map { matrix[i, $0] } }))
  }
}

extension ErrorStudy {
  /// Of all pairs; divergence and distance only where all networks have probabilities.
  public func outputSimilarity() throws(PredictionError) -> OutputSimilarity {
    let networks = first.networks + second.networks
    let count = networks.count
    var agreement = Matrix<Double>(rows: count, columns: count, repeating: 1)
    for i in 0..<count {
      for j in 0..<i {
        let same = zip(networks[i].classes, networks[j].classes).count { $0 == $1 }
        agreement[i, j] = Double(same) / Double(exampleCount)
        agreement[j, i] = agreement[i, j]
      }
    }
    guard networks.allSatisfy({ $0.classCount != nil }) else {
      return OutputSimilarity(values: [.agreement: agreement], raisedCount: 0)
    }
    var sums = PairSums(networks: count, classes: classCount)
    // All networks' numbers of a block at once, 128 MiB at most.
    let side = max(1, (16 << 20) / (3 * count * classCount))
    for start in stride(from: 0, to: exampleCount, by: side) {
      let block = start..<min(start + side, exampleCount)
      var logarithms: [[Double]] = []
      for network in networks { logarithms.append(try network.logarithms(of: block)) }
      sums.add(logarithms)
    }
    let n = Double(exampleCount)
    return OutputSimilarity(
      values: [
        .agreement: agreement, .divergence: sums.divergence.map { $0 / n },
        .hellinger: sums.hellinger.map { $0 / n },
      ], raisedCount: sums.raisedCount)
  }

  /// The means of a measure within and between the groups, and how far chance alone divides them: the
  /// gap is (within A + within B)/2 − between, turned so that unlike groups have a positive one.
  public func similarity(
    _ measure: OutputSimilarity.Measure, in similarity: OutputSimilarity, limit: Int, seed: UInt64
  ) -> (means: OutputSimilarity.Means, gap: RelabelingTest)? {
    guard let means = similarity.means(measure, members.first, members.second) else { return nil }
    let (divisions, isExhaustive) = divisions(limit: limit, seed: seed)
    let gaps = divisions.compactMap {
      similarity.means(measure, $0.first, $0.second)?.gap(measure)
    }
    return (
      means,
      RelabelingTest(observed: means.gap(measure), values: gaps, isExhaustive: isExhaustive)
    )
  }
}

/// Sums over examples of what two networks' probabilities give.
private struct PairSums {
  private(set) var divergence: Matrix<Double>
  private(set) var hellinger: Matrix<Double>
  private(set) var raisedCount = 0
  private let classes: Int

  init(networks: Int, classes: Int) {
    divergence = Matrix(rows: networks, columns: networks, repeating: 0)
    hellinger = divergence
    self.classes = classes
  }

  /// Adds examples × classes logarithms of each network.
  mutating func add(_ logarithms: [[Double]]) {
    let floor = log(Predictions.leastProbability)
    raisedCount += logarithms.reduce(0) { $0 + $1.count { $0 <= floor } }
    let probabilities = logarithms.map { $0.map { exp($0) } }
    let roots = logarithms.map { $0.map { exp($0 / 2) } }
    for i in logarithms.indices {
      for j in 0..<i {
        var (sum, distance) = (0.0, 0.0)
        logarithms[i].withUnsafeBufferPointer { logP in
          logarithms[j].withUnsafeBufferPointer { logQ in
            probabilities[i].withUnsafeBufferPointer { p in
              probabilities[j].withUnsafeBufferPointer { q in
                for k in 0..<p.count { sum += (p[k] - q[k]) * (logP[k] - logQ[k]) }
              }
            }
          }
        }
        roots[i].withUnsafeBufferPointer { p in
          roots[j].withUnsafeBufferPointer { q in
            for start in stride(from: 0, to: p.count, by: classes) {
              // ½ Σ (√p − √q)² = 1 − Σ √(pq) where both add up to 1, without its cancellation.
              var square = 0.0
              for k in start..<start + classes { square += (p[k] - q[k]) * (p[k] - q[k]) }
              distance += (square / 2).squareRoot()
            }
          }
        }
        divergence[i, j] += sum
        divergence[j, i] = divergence[i, j]
        hellinger[i, j] += distance
        hellinger[j, i] = hellinger[i, j]
      }
    }
  }
}
