import Device

/// How alike two networks are at equal proportional depth: one number of a layers × layers map.
///
/// Layer i of L stands at the depth i/(L−1). Each layer of the network with fewer layers is compared with
/// the other at its own depth: where that falls between two layers, linearly between their two values.
/// So the number is the same whichever network comes first, and between networks of one architecture
/// it is the mean of the diagonal. (At equal proportional depth corresponding layers of different
/// architectures are most alike: Nguyen, Raghu & Kornblith 2021, section 5.)
public struct DepthSimilarity: Sendable, Hashable {
  /// The mean over the depths that have a value; NaN where none has.
  public let mean: Double
  /// How many depths have a value.
  public let count: Int
  /// How many have none, because a value that they need is undefined. Where one network has a single
  /// layer, which stands at no depth, and the other more: all.
  public let undefinedCount: Int

  /// Of the values of layers × layers, NaN where undefined.
  public init(_ cka: Matrix<Double>) {
    let (few, many) = (min(cka.rows, cka.columns), max(cka.rows, cka.columns))
    guard few > 1 || many == 1 else {
      self.init(mean: .nan, count: 0, undefinedCount: few)
      return
    }
    func value(_ i: Int, _ k: Int) -> Double { cka.rows <= cka.columns ? cka[i, k] : cka[k, i] }
    let values = (0..<few).map { i in
      // i/(few − 1) · (many − 1) in whole layers and a rest.
      let (layer, rest) = (i * (many - 1)).quotientAndRemainder(dividingBy: max(few - 1, 1))
      guard rest > 0 else { return value(i, layer) }
      let weight = Double(rest) / Double(few - 1)
      return (1 - weight) * value(i, layer) + weight * value(i, layer + 1)
    }
    let defined = values.filter { !$0.isNaN }
    self.init(
      mean: defined.reduce(0, +) / Double(defined.count), count: defined.count,
      undefinedCount: values.count - defined.count)
  }

  private init(mean: Double, count: Int, undefinedCount: Int) {
    self.mean = mean
    self.count = count
    self.undefinedCount = undefinedCount
  }
}
