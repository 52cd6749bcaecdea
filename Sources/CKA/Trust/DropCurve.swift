import Activations
import Support

/// How the CKA of two layers moves as examples are dropped: those that carry most, and as many at random.
///
/// CKA answers to few examples far from the rest, and to a translation of a subset of them (Davari et al.
/// 2023, "Reliability of CKA as a similarity measure"), which moves no decision boundary. Such examples
/// hold most of ⟨A, A⟩ of a layer; dropping them shows what the others say.
public struct DropCurve: Sendable, Hashable {
  /// One number of dropped examples.
  public struct Point: Sendable, Hashable {
    /// The share of the examples that is dropped.
    public let fraction: Double
    /// How many that is: rounded up.
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
  ///   - weights: see `PairTrust.weights`.
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
  let left: [Float]
  let right: [Float]
  let exampleCount: Int
  /// ‖E‖ of each.
  let roundings: (left: Double, right: Double)

  init(left: [Float], right: [Float], exampleCount: Int, roundings: (Double, Double)) {
    (self.left, self.right, self.exampleCount) = (left, right, exampleCount)
    self.roundings = (roundings.0, roundings.1)
  }

  /// CKA of some of the examples, U-centered again: with row sums r, s and totals R, S of what is left of A
  /// and B, ⟨A, B⟩ − 2/(m−2)·Σrᵢsᵢ + R·S/((m−1)(m−2)). NaN for fewer than four, or where a layer has
  /// nothing left beside rounding errors.
  func similarity(keeping kept: [Int]) -> Double {
    guard kept.count >= 4 else { return .nan }
    let products = products(keeping: kept)
    return isKnown(products) ? products.cosine : .nan
  }

  /// Whether products of some of the examples are more than rounding. Both matrices are √2 of the true ones:
  /// so are their errors.
  func isKnown(_ products: PairProducts) -> Bool {
    RemainingNorm.isKnown(products.left / 2, rounding: roundings.left)
      && RemainingNorm.isKnown(products.right / 2, rounding: roundings.right)
  }

  /// Twice ⟨A, B⟩, ⟨A, A⟩ and ⟨B, B⟩ of some of the examples, four at least.
  func products(keeping kept: [Int]) -> PairProducts {
    let n = exampleCount
    let m = Double(kept.count)
    var (cross, leftSquare, rightSquare) = (0.0, 0.0, 0.0)
    var (rs, rr, ss, r, s) = (0.0, 0.0, 0.0, 0.0, 0.0)
    left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        kept.withUnsafeBufferPointer { kept in
          for i in kept {
            let (a, b) = (
              left.baseAddress.unsafelyUnwrapped + i * n,
              right.baseAddress.unsafelyUnwrapped + i * n
            )
            var (rowLeft, rowRight) = (0.0, 0.0)
            for j in kept {
              let (x, y) = (Double(a[j]), Double(b[j]))
              cross += x * y
              leftSquare += x * x
              rightSquare += y * y
              rowLeft += x
              rowRight += y
            }
            rs += rowLeft * rowRight
            rr += rowLeft * rowLeft
            ss += rowRight * rowRight
            r += rowLeft
            s += rowRight
          }
        }
      }
    }
    func centered(_ product: Double, _ rows: Double, _ totals: Double) -> Double {
      product - 2 / (m - 2) * rows + totals / ((m - 1) * (m - 2))
    }
    return PairProducts(
      cross: centered(cross, rs, r * s), left: centered(leftSquare, rr, r * r),
      right: centered(rightSquare, ss, s * s))
  }
}

/// The places of `numbers` from the largest to the smallest; equal ones in their order.
func descendingOrder(of numbers: [Double]) -> [Int] {
  numbers.indices.sorted { (-numbers[$0], $0) < (-numbers[$1], $1) }
}
