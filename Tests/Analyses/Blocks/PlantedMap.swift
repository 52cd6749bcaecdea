import Device
import Foundation
import TestSupport

/// Maps of made-up networks, with blocks or without, whose truth is known.
struct PlantedMap {
  /// What makes networks without blocks.
  enum Ground: String, CaseIterable {
    /// Similarity decays with distance.
    case decay
    /// Some layers are unlike all others, some more alike.
    case layers
    /// Exponential steps from layer to layer: slow and fast places by chance.
    case walk
    /// Even layers resemble each other.
    case checkerboard
  }

  var ground: Ground
  var count: Int
  /// The standard deviation of each pair's own noise.
  var noise = 0.03
  /// Where blocks are.
  var blocks: [Range<Int>] = []
  /// What a block adds to its pairs.
  var lift = 0.2
  /// The level of a block's pairs in place of `lift`; its layers are then 0.2 less like others.
  var level: Double?

  /// The map, with ones on the diagonal.
  func map(seed: UInt64) -> Matrix<Double> {
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
        var value = 0.2 + 0.7 * exp(-4 * (places[i] - places[j]) / Double(count)) + own[i] + own[j]
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
