import Activations
import CKA
import Device
import Support

/// CKA of two layers without the examples that contribute most, and without random ones.
///
/// CKA answers to few examples far from the rest, and to a translation of a subset of them (Davari et al.
/// 2023, "Reliability of CKA as a similarity measure"), which moves no decision boundary. Such examples
/// hold most of ⟨A, A⟩ of a layer; dropping them shows what the others say.
public struct DropCurve: Sendable, Hashable {
  /// One number of dropped examples.
  public struct Point: Sendable, Hashable {
    /// The share of the examples that is dropped.
    public let fraction: Double
    /// Number of dropped examples, ⌈fraction · n⌉.
    public let dropped: Int
    /// CKA without the examples of the largest contributions to ⟨A, B⟩; NaN where nothing varies any more.
    public let withoutContributors: Double
    /// CKA without the examples of the largest weights.
    public let withoutHeaviest: Double
    /// CKA without as many examples drawn at random, one value a draw.
    public let withoutRandom: [Double]
  }

  /// In the order of the fractions.
  public let points: [Point]

  /// Dropping examples of the two layers.
  ///
  /// - Parameters:
  ///   - contributions: cₖ of every example.
  ///   - weights: see `PairUncertainty.weights`.
  ///   - draws: how often as many examples are drawn at random; draw r takes the first of
  ///     `MinibatchPlan.permutation(of:seed:pass:)` for the pass −3 − r.
  init(
    _ grams: SquareGrams, contributions: [Double], weights: [Double], fractions: [Double],
    draws: Int, seed: UInt64, meter: WorkMeter?
  ) {
    let n = grams.exampleCount
    let byContribution = descendingOrder(of: contributions)
    let byWeight = descendingOrder(of: weights)
    let orders =
      [byContribution, byWeight]
      + (0..<draws).map { MinibatchPlan.permutation(of: n, seed: seed, pass: -3 - $0) }
    let counts = fractions.map { min(Int(($0 * Double(n)).rounded(.up)), n) }
    meter?.begin(Double(orders.count * counts.count), as: "dropped examples")
    defer { meter?.end() }
    let values = concurrentMap(0..<orders.count * counts.count) { index in
      defer { meter?.add(1) }
      let (place, order) = (index / orders.count, index % orders.count)
      return grams.similarity(keeping: orders[order].dropFirst(counts[place]).sorted())
    }
    points = fractions.indices.map { place in
      let row = Array(values[(place * orders.count)..<((place + 1) * orders.count)])
      return Point(
        fraction: fractions[place], dropped: counts[place], withoutContributors: row[0],
        withoutHeaviest: row[1], withoutRandom: Array(row[2...]))
    }
  }
}

/// √2·A and √2·B of two layers in full, for values of some of the examples.
struct SquareGrams: Sendable {
  /// n × n; likewise `right`.
  let left: [Double]
  let right: [Double]
  let exampleCount: Int
  /// ‖E‖ of each.
  let roundings: (left: Double, right: Double)

  /// CKA of some of the examples; NaN for fewer than four, or where a layer has nothing left beside rounding
  /// errors.
  func similarity(keeping kept: [Int]) -> Double {
    guard kept.count >= 4 else { return .nan }
    let products = products(keeping: kept)
    return isKnown(products) ? products.cosine : .nan
  }

  /// Whether products of some of the examples are more than rounding.
  func isKnown(_ products: PairProducts) -> Bool {
    RemainingNorm.isKnown(products.left, rounding: roundings.left)
      && RemainingNorm.isKnown(products.right, rounding: roundings.right)
  }

  /// Example k's part of ⟨A, B⟩, ⟨A, A⟩ and ⟨B, B⟩: Σⱼ A_kj·B_kj, and likewise.
  func products(ofExample k: Int) -> PairProducts {
    var parts = PairProducts(cross: 0, left: 0, right: 0)
    for index in (k * exampleCount)..<((k + 1) * exampleCount) {
      // Half of products of √2·A and √2·B.
      let (x, y) = (left[index], right[index] / 2)
      parts.cross += x * y
      parts.left += x * x / 2
      parts.right += right[index] * y
    }
    return parts
  }

  /// ⟨A, B⟩, ⟨A, A⟩ and ⟨B, B⟩ of some of the examples, four at least, whose matrices are U-centered again entry
  /// by entry: where the others held nearly all, the difference of products would be of nearly equal numbers.
  func products(keeping kept: [Int]) -> PairProducts {
    let n = exampleCount
    let (leftMeans, rightMeans) = (means(left, kept), means(right, kept))
    return left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        var sums = PairProducts(cross: 0, left: 0, right: 0)
        for (a, i) in kept.enumerated() {
          var row = PairProducts(cross: 0, left: 0, right: 0)
          let (leftMean, rightMean) = (leftMeans[a], rightMeans[a])
          for (b, j) in kept[..<a].enumerated() {
            let x = left[i * n + j] - (leftMean + leftMeans[b])
            let y = right[i * n + j] - (rightMean + rightMeans[b])
            row.cross += x * y
            row.left += x * x
            row.right += y * y
          }
          sums.cross += row.cross
          sums.left += row.left
          sums.right += row.right
        }
        // Each pair once, of √2·A and √2·B.
        return sums
      }
    }
  }

  /// What U-centering takes from the entries of some of the examples, (mᵢ + mⱼ).
  private func means(_ square: [Double], _ kept: [Int]) -> [Double] {
    let n = exampleCount
    // Row by row, whose sums are those of the columns: many sums at a time.
    var sums = [Double](repeating: 0, count: n)
    square.withUnsafeBufferPointer { square in
      sums.withUnsafeMutableBufferPointer { sums in
        for j in kept {
          for i in 0..<n { sums[i] += square[j * n + i] }
        }
      }
    }
    return GramCentering.unbiased.rowMeans(sums: kept.map { sums[$0] })
  }
}

/// The places of `numbers` from the largest to the smallest; equal ones in their order.
func descendingOrder(of numbers: [Double]) -> [Int] {
  numbers.indices.sorted { (-numbers[$0], $0) < (-numbers[$1], $1) }
}
