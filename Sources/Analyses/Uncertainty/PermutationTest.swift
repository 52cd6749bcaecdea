/// How often a random pairing of the examples is as similar as the true one.
///
/// U-centering commutes with a permutation of the examples, and neither ⟨A, A⟩ nor ⟨B, B⟩ changes: of CKA
/// only the numerator ⟨A, PBPᵀ⟩ is made anew (`PairingGrid`).
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
