import Activations
import Foundation

/// SplitMix64 (Steele, Lea & Flood 2014): the same numbers on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The numbers of `seed`.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A standard normal number (Box & Muller).
  public mutating func normal() -> Double {
    let u = Double(next() >> 11) * 0x1p-53 + 0x1p-54
    let v = Double(next() >> 11) * 0x1p-53
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }
}

extension Activations64 {
  /// Standard normal numbers times `scale` plus `offset`, rounded to float32.
  public static func normal(
    n: Int, p: Int, seed: UInt64, scale: Double = 1, offset: Double = 0
  ) -> Activations64 {
    var generator = SeededGenerator(seed: seed)
    return Activations64(
      n: n, p: p,
      values: (0..<(n * p)).map { _ in Double(Float(generator.normal() * scale + offset)) })
  }

  /// These numbers mixed with those of another layer: examples share what both have.
  public func mixed(into other: Activations64, weight: Double) -> Activations64 {
    precondition(n == other.n)
    var result = other
    for i in 0..<n {
      for k in 0..<other.p {
        result.values[i * other.p + k] =
          Double(Float(other[i, k] + weight * self[i, k % p]))
      }
    }
    return result
  }

  /// The layer as float32, n × p.
  public func layer(_ name: String = "layer") -> LayerActivations {
    LayerActivations(
      name: name, values: values.map { Float($0) }, scalarType: .float32, exampleCount: n,
      featureAxes: [p])
  }
}

extension ActivationModel {
  /// A model `model` of `layers` in float32: `layer0`, `layer1`, …
  public init(_ layers: [Activations64], exampleIDs: [String]? = nil) {
    self.init(
      name: "model", layers: layers.enumerated().map { $1.layer("layer\($0)") },
      exampleIDs: exampleIDs)
  }
}
