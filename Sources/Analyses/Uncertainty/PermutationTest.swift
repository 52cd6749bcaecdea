import Activations
import CKA
import Support

/// How often a random pairing of the examples is as similar as the true one.
///
/// U-centering commutes with a permutation of the examples, and neither ⟨A, A⟩ nor ⟨B, B⟩ changes: of CKA
/// only the numerator ⟨A, PBPᵀ⟩ is made anew, from one matrix whose rows and columns are permuted.
public struct PermutationTest: Sendable, Hashable {
  /// How many permutations were drawn.
  public let permutations: Int
  /// How many of them gave a CKA no smaller than that of the true pairing.
  public let atLeastAsLarge: Int
  /// The mean of CKA over the permutations; its expectation is 0.
  public let mean: Double
  /// The standard deviation; its expectation is √(2/(n(n−3))).
  public let standardDeviation: Double
  /// The largest.
  public let largest: Double

  /// p = (1 + atLeastAsLarge)/(1 + permutations): the true pairing is one of those that were possible
  /// (Phipson & Smyth 2010). One-sided, and no smaller than 1/(1 + permutations).
  public var p: Double { Double(1 + atLeastAsLarge) / Double(1 + permutations) }

  /// CKA of two layers for each of `count` random pairings: that of index r follows
  /// `MinibatchPlan.permutation(of:seed:pass:)` for the pass r.
  ///
  /// - Parameter inFloat32: whether the numbers are float32's: of these a row of thousands stays in the nearest
  ///   cache, which twice as many bytes do not.
  static func values(
    _ grams: SquareGrams, inFloat32: Bool, norm: Double, count: Int, seed: UInt64,
    meter: WorkMeter?
  ) -> [Double] {
    meter?.begin(Double(count), as: "random pairings of the cell")
    defer { meter?.end() }
    return inFloat32
      ? values(
        grams.left.map { Float($0) }, grams.right.map { Float($0) },
        exampleCount: grams.exampleCount, norm: norm, count: count, seed: seed,
        meter: meter)
      : values(
        grams.left, grams.right, exampleCount: grams.exampleCount, norm: norm, count: count,
        seed: seed, meter: meter)
  }

  private static func values<Number: BinaryFloatingPoint & Sendable>(
    _ left: [Number], _ right: [Number], exampleCount n: Int, norm: Double, count: Int,
    seed: UInt64,
    meter: WorkMeter?
  ) -> [Double] {
    concurrentMap(0..<count) { index in
      defer { meter?.add(1) }
      let order = MinibatchPlan.permutation(of: n, seed: seed, pass: index)
      return product(left, right, order: order) / norm
    }
  }

  /// ⟨A, PBPᵀ⟩ of √2·A and √2·B, where example i meets `order[i]`.
  @inline(__always)
  private static func product<Number: BinaryFloatingPoint>(
    _ left: [Number], _ right: [Number], order: [Int]
  ) -> Double {
    let n = order.count
    return left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        order.withUnsafeBufferPointer { order in
          var sum = 0.0
          for i in 1..<n {
            // One row of B, which stays in the cache, is read in the order of the permutation.
            let (row, start) = (i * n, order[i] * n)
            var (even, odd) = (0.0, 0.0)
            var j = 0
            while j + 1 < i {
              even += Double(left[row + j]) * Double(right[start + order[j]])
              odd += Double(left[row + j + 1]) * Double(right[start + order[j + 1]])
              j += 2
            }
            if j < i { even += Double(left[row + j]) * Double(right[start + order[j]]) }
            sum += even + odd
          }
          return sum
        }
      }
    }
  }

  /// The test of `value` among the values of random pairings.
  init(value: Double, among values: [Double]) {
    permutations = values.count
    // A pairing that gives the same matrix may round differently.
    let rounding = 1e-12
    atLeastAsLarge = values.count { $0 >= value - rounding }
    mean = Analyses.mean(values)
    standardDeviation = Analyses.standardDeviation(values)
    largest = values.max() ?? .nan
  }
}
