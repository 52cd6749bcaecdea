import CKA

/// Splits a layer's examples into two groups along its first direction.
///
/// A subset that is moved away from the rest, by whatever distance, moves no boundary of a linear
/// classifier's, but makes CKA its own: of layers that are independent otherwise 0.95 and more (Davari et
/// al. 2023, "Reliability of CKA as a similarity measure in deep learning"). Such a layer's centered Gram
/// matrix has one direction that holds most of it, and along this the examples stand in two heaps.
struct TwoGroups: Sendable {
  /// The examples of the smaller group, ascending.
  let smaller: [Int]
  /// The others.
  let larger: [Int]
  /// The fraction of the variance along the direction that lies between the groups: 2/π at most of a
  /// normal distribution, 3/4 of a uniform one, 1 of two points.
  let separation: Double
  /// λ₁/‖A‖ of the direction.
  let dominance: Double

  /// Whether the groups, not the examples within them, make the layer's matrix.
  var standApart: Bool {
    smaller.count + larger.count >= Uncertainty.leastExamplesOfGroups
      && separation >= Uncertainty.separationOfGroups && dominance * dominance >= 0.5
  }

  /// The groups of A, of which `multiply` gives the products with a vector; `norm` is ‖A‖.
  ///
  /// Power iteration, 60 steps at most: of a direction that holds more than half of ‖A‖² by far the most is
  /// found by then, and another does not matter. After 30 steps all directions of less than ‖A‖/2 together are below
  /// n·2⁻³⁰ of one of ‖A‖/√2 in their squares: where ‖A·vector‖ is below 0.6 ‖A‖ by then, there is none.
  init(exampleCount n: Int, norm: Double, multiply: ([Double]) -> [Double]) {
    var generator = SplitMix64(seed: 0)
    var direction = (0..<n).map { _ in Double(generator.next() >> 11) * 0x1p-53 - 0.5 }
    var value = 0.0
    for step in 0..<60 {
      var image = multiply(direction)
      let length = image.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard length > 0 else { break }
      for index in image.indices { image[index] /= length }
      direction = image
      let change = abs(length - value)
      value = length
      if change <= 1e-9 * length || step >= 30 && value < 0.6 * norm { break }
    }
    dominance = norm > 0 ? value / norm : 0
    let order = direction.indices.sorted { (direction[$0], $0) < (direction[$1], $1) }
    let total = direction.reduce(0, +)
    let center = total / Double(n)
    var (below, best, place) = (0.0, -1.0, 1)
    for (index, example) in order.dropLast().enumerated() {
      below += direction[example]
      let (few, many) = (Double(index + 1), Double(n - index - 1))
      let (low, high) = (below / few - center, (total - below) / many - center)
      let between = few * low * low + many * high * high
      if between > best { (best, place) = (between, index + 1) }
    }
    let variance = direction.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    separation = variance > 0 ? max(best, 0) / variance : 0
    let parts = [order.prefix(place).sorted(), order.dropFirst(place).sorted()]
    let isFirstSmaller = parts[0].count <= parts[1].count
    (smaller, larger) = (parts[isFirstSmaller ? 0 : 1], parts[isFirstSmaller ? 1 : 0])
  }
}

extension Uncertainty {
  /// Below this `PairUncertainty.evenness` the interval of a jackknife held the true value in 59 to 93 of 100 simulated
  /// samples (sparse, lognormal and heavy-tailed layers), above it in 93 to 97.
  public static let leastEvenness = 0.25

  /// Groups stand apart where at least so much of the variance along a layer's first direction lies
  /// between them. Normal, uniform, exponential and rectified activations have 0.6 to 0.75.
  public static let separationOfGroups = 0.9

  /// Of fewer examples the best of all cuts finds groups by chance: of 8 normal ones in 15 of 100 layers, of 12
  /// in 2, of 20 in 0.2 (of exponential ones in 1).
  public static let leastExamplesOfGroups = 20

  /// What two groups of the examples make of a pair of layers.
  public struct Groups: Sendable, Hashable {
    /// Whether the second layer's first direction tells the groups apart; the first layer's otherwise.
    public let isOfSecondLayer: Bool
    /// The examples of the smaller group, ascending.
    public let smaller: [Int]
    /// The fraction of the variance along that direction between the groups.
    public let separation: Double
    /// CKA of pairs of examples within the groups, each U-centered alone: no move of a group changes it.
    /// NaN where nothing is left within them, or neither has four examples.
    public let within: Double
  }
}

extension UCenteredGrams {
  /// The two groups of one layer.
  func groups(ofLayer layer: Int) -> TwoGroups {
    let squares = weights(ofLayer: layer).reduce(0, +)
    return TwoGroups(exampleCount: exampleCount, norm: squares.squareRoot()) {
      product(ofLayer: layer, with: $0)
    }
  }
}

extension SquareGrams {
  /// CKA of pairs of examples within groups: products of every group that has four examples, U-centered
  /// alone, are added up, as those of minibatches are.
  func similarity(within groups: [[Int]]) -> Double {
    var sums = PairProducts(cross: 0, left: 0, right: 0)
    for group in groups where group.count >= 4 {
      let products = products(keeping: group)
      sums.cross += products.cross
      sums.left += products.left
      sums.right += products.right
    }
    return isKnown(sums) ? sums.cosine : .nan
  }
}
