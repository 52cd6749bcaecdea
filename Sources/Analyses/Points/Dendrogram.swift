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

  /// n − 1 merges, in the order of their heights. Of equal distances, the clusters of the lowest numbers merge first.
  public let merges: [Merge]

  /// - Parameter distances: n × n, symmetric and finite, zeros on the diagonal.
  public init(_ distances: Matrix<Double>) {
    let n = distances.rows
    var distances = distances
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
          let (low, high, height) = (min(one, other), max(one, other), distances[i, j])
          if let least, (least.height, least.low, least.high) <= (height, low, high) { continue }
          least = (height, low, high, i, j)
        }
      }
      guard let least else { break }
      let (i, j) = (least.i, least.j)
      let (a, b) = (Double(counts[i]), Double(counts[j]))
      for k in 0..<n where k != i && k != j {
        distances[i, k] = (a * distances[i, k] + b * distances[j, k]) / (a + b)
        distances[k, i] = distances[i, k]
      }
      counts[i] += counts[j]
      names[i] = n + merges.count
      names[j] = nil
      merges.append(
        Merge(left: least.low, right: least.high, height: least.height, count: counts[i]))
    }
    self.merges = merges
  }
}
