import Device

/// Which things are near to each other, as a tree: at each step the two clusters of the least mean distance become one
/// (average linkage, UPGMA; Sokal & Michener 1958).
public struct Dendrogram: Sendable, Hashable {
  /// Two clusters that become one. Number i < n is thing i alone, number n + k the cluster of merge k.
  public struct Merge: Sendable, Hashable {
    /// The one with the lower number.
    public let left: Int
    /// The other.
    public let right: Int
    /// The mean distance between a thing of one and a thing of the other.
    public let height: Double
    /// How many things are in the new cluster.
    public let count: Int
  }

  /// n − 1 merges, in the order of their heights. Of equal distances (up to rounding), the clusters of the lowest numbers
  /// merge first.
  public let merges: [Merge]

  /// What rounding may make of equal distances: means of up to n² numbers, in another order.
  private static let rounding = 1e-12

  /// - Parameter distances: n × n, symmetric and finite, zeros on the diagonal.
  public init(_ distances: Matrix<Double>) {
    let n = distances.rows
    // Sums over the pairs of a thing of one cluster and one of the other: a mean is rounded once.
    var sums = distances
    // Row i has the cluster of number names[i]; nil where it is part of another.
    var names: [Int?] = Array(0..<n)
    var counts = [Int](repeating: 1, count: n)
    var merges: [Merge] = []
    while merges.count < n - 1 {
      var least: (height: Double, low: Int, high: Int, i: Int, j: Int)?
      for i in 0..<n {
        guard let one = names[i] else { continue }
        for j in 0..<i {
          guard let other = names[j] else { continue }
          let (low, high) = (min(one, other), max(one, other))
          let height = sums[i, j] / Double(counts[i] * counts[j])
          if let least {
            let margin = Self.rounding * least.height
            guard height <= least.height + margin else { continue }
            if height >= least.height - margin, (least.low, least.high) < (low, high) { continue }
          }
          least = (height, low, high, i, j)
        }
      }
      guard let least else { break }
      let (i, j) = (least.i, least.j)
      for k in 0..<n where k != i && k != j {
        sums[i, k] += sums[j, k]
        sums[k, i] = sums[i, k]
      }
      counts[i] += counts[j]
      names[i] = n + merges.count
      names[j] = nil
      merges.append(
        Merge(
          left: least.low, right: least.high, height: max(least.height, merges.last?.height ?? 0),
          count: counts[i]))
    }
    self.merges = merges
  }
}
