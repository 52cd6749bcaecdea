import Device

/// How alike two networks are at equal proportional depth: a curve of a layers × layers map, and its mean.
///
/// Layer i of L stands at the depth i/(L−1). Each layer of the network with fewer layers is compared with
/// the other at its own depth: where that falls between two layers, linearly between their two values.
/// So the number is the same whichever network comes first, and between networks of one architecture
/// it is the mean of the diagonal. (At equal proportional depth corresponding layers of different
/// architectures are most alike: Nguyen, Raghu & Kornblith 2021, section 5.)
public struct DepthSimilarity: Sendable, Hashable {
  /// The similarity at each depth i/(L−1) of the network with fewer layers, L of them; NaN where
  /// undefined.
  public let values: [Double]
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
      self.init(Array(repeating: .nan, count: few))
      return
    }
    func value(_ i: Int, _ k: Int) -> Double { cka.rows <= cka.columns ? cka[i, k] : cka[k, i] }
    self.init(
      (0..<few).map { i in
        // i/(few − 1) · (many − 1) in whole layers and a rest.
        let (layer, rest) = (i * (many - 1)).quotientAndRemainder(dividingBy: max(few - 1, 1))
        guard rest > 0 else { return value(i, layer) }
        let weight = Double(rest) / Double(few - 1)
        return (1 - weight) * value(i, layer) + weight * value(i, layer + 1)
      })
  }

  /// The similarity at a depth of 0 to 1: linearly between two of `values`; NaN where one of them is
  /// undefined, of a single layer at any depth but 0, and outside of the network.
  public func value(at depth: Double) -> Double {
    guard (0...1).contains(depth), !values.isEmpty else { return .nan }
    let place = depth * Double(values.count - 1)
    let layer = Int(place)
    let weight = place - Double(layer)
    guard weight > 0 else { return values.count > 1 || depth == 0 ? values[layer] : .nan }
    return (1 - weight) * values[layer] + weight * values[layer + 1]
  }

  private init(_ values: [Double]) {
    let defined = values.filter { !$0.isNaN }
    self.values = values
    mean = Analyses.mean(defined)
    count = defined.count
    undefinedCount = values.count - defined.count
  }
}
