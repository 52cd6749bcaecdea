import CKA
import Device

/// Whether groups of things differ by more than things of one group do: a permutational analysis of variance of
/// distances (PERMANOVA; Anderson 2001).
///
/// With SS = Σd²/N over all pairs of N things and SS_W = Σd²/n over the pairs within each group of n, the share that
/// groups explain is R² = (SS − SS_W)/SS, and F = ((SS − SS_W)/(g − 1))/(SS_W/(N − g)) of g groups. The null hypothesis
/// is that it makes no difference which thing is of which group; then R² is (g − 1)/(N − 1) on average.
public struct GroupSeparation: Sendable, Hashable {
  /// The mean distance of two things of different groups.
  public let between: Double
  /// The mean distance of two things of one group.
  public let within: Double
  /// R², at most 1; below 0 where things of one group are farther apart than those of different groups.
  public let explained: Double
  /// The mean of R² over all divisions into groups of the same sizes, (g − 1)/(N − 1).
  public let explainedByChance: Double
  /// The share of random divisions into groups of the same sizes that explain as much, the given one among them:
  /// (1 + how many)/(1 + permutations).
  public let p: Double

  /// How many random divisions are tried.
  public static let permutations = 999
  /// Sums of the same squares in another order: rounding errors of N²·2⁻⁵³.
  private static let rounding = 1e-9

  /// Nil where there is nothing to compare: one group alone, no group of two things, or no distances but 0.
  ///
  /// - Parameters:
  ///   - distances: n × n, symmetric and finite, zeros on the diagonal.
  ///   - groups: the group of each thing.
  ///   - seed: of the random divisions.
  public init?(_ distances: Matrix<Double>, groups: [String], seed: UInt64 = 0) {
    let n = groups.count
    let names = Set(groups).sorted()
    guard names.count > 1, names.count < n else { return nil }
    let numbers = Dictionary(zip(names, names.indices)) { first, _ in first }
    let labels = groups.map { numbers[$0] ?? 0 }
    let sizes = names.map { name in Double(groups.count { $0 == name }) }
    var (across, inside) = ([Double](), [Double]())
    for i in 0..<n {
      for j in 0..<i {
        if labels[i] == labels[j] {
          inside.append(distances[i, j])
        } else {
          across.append(distances[i, j])
        }
      }
    }
    let all = (across + inside).reduce(0) { $0 + $1 * $1 } / Double(n)
    guard all > 0 else { return nil }
    func unexplained(_ labels: [Int]) -> Double {
      var sum = 0.0
      for i in 0..<n {
        for j in 0..<i where labels[i] == labels[j] {
          sum += distances[i, j] * distances[i, j] / sizes[labels[i]]
        }
      }
      return sum
    }
    let found = unexplained(labels)
    // F grows as what is unexplained falls: N and g are the same.
    let reached = (0..<Self.permutations).count { index in
      let order = MinibatchPlan.permutation(of: n, seed: seed, pass: index)
      return unexplained(order.map { labels[$0] }) <= found + Self.rounding * all
    }
    (between, within) = (mean(across), mean(inside))
    explained = (all - found) / all
    explainedByChance = Double(names.count - 1) / Double(n - 1)
    p = Double(1 + reached) / Double(1 + Self.permutations)
  }
}
