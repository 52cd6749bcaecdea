import Device
import Foundation

extension Range<Int> {
  /// Layers in both, of those in either.
  public func overlap(with other: Range<Int>) -> Double {
    let common = clamped(to: other).count
    return Double(common) / Double(count + other.count - common)
  }
}

/// Maps of made-up networks, with blocks or without, whose truth is known.
public struct PlantedMap: Sendable {
  /// What makes networks without blocks.
  public enum Ground: String, CaseIterable, Sendable {
    /// Similarity decays with distance.
    case decay
    /// Some layers are unlike all others, some more alike.
    case layers
    /// Exponential steps from layer to layer: slow and fast places by chance.
    case walk
    /// Even layers resemble each other.
    case checkerboard
    /// Similarity falls in proportion to distance.
    case slope
    /// All layers are equally alike.
    case flat
    /// Three layers, the last among them, are unlike all others.
    case odd
  }

  /// What the network is like where it has no blocks.
  public var ground: Ground
  /// How many layers there are.
  public var count: Int
  /// The standard deviation of each pair's own noise.
  public var noise: Double
  /// Where blocks are.
  public var blocks: [Range<Int>]
  /// What a block adds to its pairs.
  public var lift: Double
  /// The level of a block's pairs in place of `lift`; its layers are then 0.2 less like others.
  public var level: Double?

  /// A map without blocks, but for those that `blocks` is given.
  public init(
    ground: Ground, count: Int, noise: Double = 0.03, blocks: [Range<Int>] = [], lift: Double = 0.2,
    level: Double? = nil
  ) {
    self.ground = ground
    self.count = count
    self.noise = noise
    self.blocks = blocks
    self.lift = lift
    self.level = level
  }

  /// The map, with ones on the diagonal.
  public func map(seed: UInt64) -> Matrix<Double> {
    var generator = SeededGenerator(seed: seed)
    let steps = (1..<count).map { _ in
      ground == .walk
        ? -log(Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator)) : 1
    }
    let places = steps.reduce(into: [0.0]) { $0.append($0[$0.count - 1] + $1) }
    let own = (0..<count).map { _ in ground == .layers ? 0.08 * generator.normal() : 0 }
    var map = Matrix<Double>(rows: count, columns: count, repeating: 1)
    for i in 0..<count {
      for j in 0..<i {
        // To 1/e of what falls within a quarter of the network.
        let distance = (places[i] - places[j]) / Double(count)
        var value =
          switch ground {
          case .slope: 0.95 - 0.6 * distance
          case .flat, .odd: 0.5
          default: 0.2 + 0.7 * exp(-4 * distance)
          }
        value += own[i] + own[j]
        if ground == .odd,
          [count / 3, count / 2, count - 1].contains(where: { $0 == i || $0 == j })
        {
          value = 0.1
        }
        if ground == .checkerboard { value += (i - j) % 2 == 0 ? (i % 2 == 0 ? 0.15 : 0) : -0.1 }
        let (row, column) = (block(of: i), block(of: j))
        if let row, row == column {
          value = level ?? value + lift
        } else if level != nil, row != nil || column != nil {
          value -= 0.2
        }
        map[i, j] = min(value + noise * generator.normal(), 1)
        map[j, i] = map[i, j]
      }
    }
    return map
  }

  private func block(of layer: Int) -> Int? { blocks.firstIndex { $0.contains(layer) } }
}

extension PlantedMap {
  /// A symmetric map with ones on its diagonal.
  private static func symmetric(
    _ count: Int, _ value: (Int, Int) -> Double
  ) -> Matrix<Double> {
    var map = Matrix<Double>(rows: count, columns: count, repeating: 1)
    for i in 0..<count {
      for j in 0..<i {
        map[i, j] = min(max(value(i, j), -1), 1)
        map[j, i] = map[i, j]
      }
    }
    return map
  }

  /// Blocks that leave no layer over.
  public static func squares(
    _ count: Int, _ blocks: [Range<Int>], inside: Double, between: Double, seed: UInt64
  ) -> Matrix<Double> {
    var generator = SeededGenerator(seed: seed)
    return symmetric(count) { i, j in
      let isInside = blocks.contains { $0.contains(i) && $0.contains(j) }
      return (isInside ? inside : between) + 0.01 * generator.normal()
    }
  }

  /// A block of 0.97, `cross` with other layers, which are alike but for a slope; even and odd layers are less alike by
  /// `checker` everywhere.
  public static func separated(
    _ count: Int, _ block: Range<Int>, slope: Double, cross: Double, checker: Double = 0,
    seed: UInt64
  ) -> Matrix<Double> {
    var generator = SeededGenerator(seed: seed)
    return symmetric(count) { i, j in
      let value =
        switch (block.contains(i), block.contains(j)) {
        case (true, true): 0.97
        case (false, false): 0.97 - slope * Double(i - j) / Double(count)
        default: cross
        }
      return value - ((i - j) % 2 == 0 ? 0 : checker) + 0.01 * generator.normal()
    }
  }

  /// A block of 0.9 to which layers belong by degrees: along `edge` layers about its ends. 0.3 with others, and more where
  /// layers are near to each other.
  public static func softEdged(
    _ count: Int, _ block: Range<Int>, edge: Double, seed: UInt64
  ) -> Matrix<Double> {
    var generator = SeededGenerator(seed: seed)
    let members = (0..<count).map { i in
      let depth = min(Double(i - block.lowerBound), Double(block.upperBound - 1 - i)) + 0.5
      return min(max(depth / edge + 0.5, 0), 1)
    }
    return symmetric(count) { i, j in
      0.3 + 0.6 * min(members[i], members[j]) + 0.3 * exp(-20 * Double(i - j) / Double(count))
        + 0.01 * generator.normal()
    }
  }

  /// A random residual network on 60 Gaussian examples: h + a·relu(hW/√p), p = 24; biased CKA of its layers.
  public static func residualWalk(_ count: Int, step: Double, seed: UInt64) -> Matrix<Double> {
    let (n, p) = (60, 24)
    var generator = SeededGenerator(seed: seed)
    var hidden = (0..<n * p).map { _ in generator.normal() }
    var grams: [[Double]] = []
    for _ in 0..<count {
      var centered = hidden
      for k in 0..<p {
        let mean = (0..<n).reduce(0) { $0 + hidden[$1 * p + k] } / Double(n)
        for i in 0..<n { centered[i * p + k] -= mean }
      }
      var gram = [Double](repeating: 0, count: n * n)
      for i in 0..<n {
        for j in 0..<n {
          var sum = 0.0
          for k in 0..<p { sum += centered[i * p + k] * centered[j * p + k] }
          gram[i * n + j] = sum
        }
      }
      let norm = gram.reduce(0) { $0 + $1 * $1 }.squareRoot()
      grams.append(gram.map { $0 / norm })
      let weights = (0..<p * p).map { _ in generator.normal() / Double(p).squareRoot() }
      var next = hidden
      for i in 0..<n {
        for k in 0..<p {
          var sum = 0.0
          for l in 0..<p { sum += hidden[i * p + l] * weights[l * p + k] }
          next[i * p + k] += step * max(sum, 0)
        }
      }
      hidden = next
    }
    return symmetric(count) { i, j in zip(grams[i], grams[j]).reduce(0) { $0 + $1.0 * $1.1 } }
  }
}
