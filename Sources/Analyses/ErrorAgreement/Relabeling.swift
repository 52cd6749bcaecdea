/// A number of two groups of networks beside the same number of groups of those sizes drawn from all
/// networks at random: a permutation test, which asks for no distribution and counts networks, not
/// examples, as the independent draws.
public struct RelabelingTest: Sendable, Hashable {
  /// Of the true groups.
  public let observed: Double
  /// The mean over random groups.
  public let mean: Double
  /// The standard deviation over random groups.
  public let standardDeviation: Double
  /// The share of groups with at least the true ones' number, these among them; NaN where they have none.
  public let p: Double
  /// How many groups were looked at.
  public let count: Int
  /// Whether these were all there are; p is exact then.
  public let isExhaustive: Bool

  /// - Parameter values: of the random groups, or of all; NaN where a number is undefined, which is no
  ///   part of the mean and below any other.
  init(observed: Double, values: [Double], isExhaustive: Bool) {
    self.observed = observed
    self.isExhaustive = isExhaustive
    count = values.count
    let defined = values.filter { !$0.isNaN }
    mean = Analyses.mean(defined)
    self.standardDeviation = Analyses.standardDeviation(defined)
    // Groups that are the same in another order differ by rounding.
    let level = observed - 1e-12 * abs(observed)
    let least = values.count { $0 >= level }
    // Phipson & Smyth 2010: the true groups are one of the draws, or p would be 0 at times.
    let share =
      isExhaustive ? Double(least) / Double(count) : Double(least + 1) / Double(count + 1)
    p = observed.isNaN ? .nan : share
  }
}

extension ErrorStudy {
  /// Two groups of all networks, by index.
  typealias Division = (first: [Int], second: [Int])

  /// All divisions into groups of these sizes where there are no more than `limit`, else `limit` at random.
  func divisions(limit: Int, seed: UInt64) -> (all: [Division], isExhaustive: Bool) {
    let (count, size) = (members.first.count + members.second.count, members.first.count)
    var total = 1
    for k in 0..<min(size, count - size) where total <= limit {
      total = total * (count - k) / (k + 1)
    }
    guard total <= limit else {
      return ((0..<limit).map { relabeled(seed: seed, number: $0) }, false)
    }
    var chosen = Array(0..<size)
    var result: [Division] = []
    while true {
      let inFirst = Set(chosen)
      result.append((chosen, (0..<count).filter { !inFirst.contains($0) }))
      // The next in lexicographic order.
      guard let place = chosen.indices.last(where: { chosen[$0] < count - size + $0 }) else {
        break
      }
      chosen[place] += 1
      for later in chosen.indices where later > place { chosen[later] = chosen[later - 1] + 1 }
    }
    return (result, true)
  }

  /// How much of the excess dispersion and of v² chance makes.
  ///
  /// - Parameters:
  ///   - limit: the most divisions to look at.
  ///   - seed: what decides them, where there are more.
  public func chance(
    limit: Int, seed: UInt64
  ) -> (excess: RelabelingTest, effectSize: RelabelingTest) {
    let (divisions, isExhaustive) = divisions(limit: limit, seed: seed)
    let values = divisions.map { division in
      (
        dispersion(division.first, division.second).excess,
        logisticModels(division.first, division.second).effectSize
      )
    }
    return (
      RelabelingTest(
        observed: dispersion.excess, values: values.map(\.0), isExhaustive: isExhaustive),
      RelabelingTest(
        observed: logisticModels.effectSize, values: values.map(\.1), isExhaustive: isExhaustive)
    )
  }
}
