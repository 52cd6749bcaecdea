import CKA
import Device
import Statistics
import Support

/// Which cells of a map stand out from chance, all of them together.
///
/// Chance is a random pairing of the examples. A map is many tests: each pair of different layers is one.
public struct MapSignificance: Sendable {
  /// The chance that a random pairing gives at least a cell's CKA; NaN where it has none. From the distribution of
  /// Pearson's type III with the exact mean, variance and skewness over all pairings.
  public let p: Matrix<Double>
  /// `p` adjusted for the number of pairs (`benjaminiHochberg`): among the cells at most at a level, so large a share is
  /// expected to be chance.
  public let adjusted: Matrix<Double>
  /// The share of random pairings, the true one included, whose largest CKA of all pairs is at least a cell's: the chance
  /// that any cell of the map is so large. NaN where it has no value; nil without random pairings.
  public let familyWise: Matrix<Double>?
  /// How many random pairings there were.
  public let permutations: Int
  /// Whether the map is of one model with itself: a cell and its mirror image are one test, the diagonal is none.
  public let isOfOneModel: Bool

  /// The level of what stands out.
  public static let level = 0.05

  /// - Parameters:
  ///   - largest: the largest CKA of different layers of each random pairing.
  init(
    _ similarity: Similarity, _ left: UCenteredGrams, _ right: UCenteredGrams, largest: [Double]
  ) {
    let cka = similarity.cka
    let isOfOneModel = left === right
    self.isOfOneModel = isOfOneModel
    func moments(_ grams: UCenteredGrams) -> [PermutationMoments] {
      concurrentMap(0..<grams.layers.count) { layer in
        defer { grams.meter?.add(1) }
        let n = grams.exampleCount
        return PermutationMoments(
          square: grams.square(ofLayer: layer, examples: PermutationMoments.sample(of: n)),
          exampleCount: n)
      }
    }
    left.meter?.begin(
      Double(left.layers.count + (isOfOneModel ? 0 : right.layers.count)), as: "chance")
    defer { left.meter?.end() }
    let rows = moments(left)
    let columns = isOfOneModel ? rows : moments(right)
    let skewness = PermutationMoments.skewness(rows, columns)
    let deviation = PermutationMoments.deviation(exampleCount: left.exampleCount)
    var p = Matrix<Double>(rows: cka.rows, columns: cka.columns, repeating: .nan)
    for i in 0..<cka.rows {
      for j in 0..<cka.columns where !cka[i, j].isNaN {
        p[i, j] = PearsonIII(skewness: skewness[i, j]).upperTail(cka[i, j] / deviation)
      }
    }
    self.p = p
    let tests = Self.tests(rows: cka.rows, columns: cka.columns, isOfOneModel: isOfOneModel)
    let found = benjaminiHochberg(tests.map { p[$0, $1] })
    var adjusted = Matrix<Double>(rows: cka.rows, columns: cka.columns, repeating: .nan)
    for ((i, j), value) in zip(tests, found) {
      adjusted[i, j] = value
      if isOfOneModel { adjusted[j, i] = value }
    }
    self.adjusted = adjusted
    permutations = largest.count
    guard !largest.isEmpty else {
      familyWise = nil
      return
    }
    // A pairing that gives the same matrix may round differently.
    let rounding = 1e-6
    familyWise = cka.map { value in
      value.isNaN
        ? .nan
        : Double(1 + largest.count { $0 >= value - rounding }) / Double(1 + largest.count)
    }
  }

  /// The pairs of different layers.
  static func tests(rows: Int, columns: Int, isOfOneModel: Bool) -> [(Int, Int)] {
    (0..<rows).flatMap { i in (0..<(isOfOneModel ? i : columns)).map { (i, $0) } }
  }

  /// How many pairs have a value, and how many of them stand out.
  public var counts: (tests: Int, standOut: Int) {
    let pairs = Self.tests(rows: p.rows, columns: p.columns, isOfOneModel: isOfOneModel)
    let values = pairs.map { adjusted[$0, $1] }.filter { !$0.isNaN }
    return (values.count, values.count { $0 <= Self.level })
  }

  /// `familyWise` of the largest CKA of different layers; nil without random pairings, or without a value.
  public var largestP: Double? {
    familyWise.flatMap { values in
      values.elements.indices.filter { !adjusted.elements[$0].isNaN }.map { values.elements[$0] }
        .min()
    }
  }

  /// The largest CKA of different layers in a map; NaN without any.
  static func largest(of cka: Matrix<Double>, isOfOneModel: Bool) -> Double {
    tests(rows: cka.rows, columns: cka.columns, isOfOneModel: isOfOneModel)
      .map { cka[$0, $1] }.filter { !$0.isNaN }.max() ?? .nan
  }
}
