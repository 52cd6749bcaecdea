import Foundation

/// How fast a device is at what exact estimates consist of, by useful flops and stored bytes.
public struct DeviceRates: Sendable, Hashable {
  /// Flops a second of Gram matrices, without reading.
  public var gram: Double
  /// Flops a second of their inner products.
  public var pairs: Double
  /// Flops a second of products of features, without reading.
  public var features: Double
  /// Bytes a second of activations, read, converted and centered.
  public var bytes: Double

  /// See the properties.
  public init(gram: Double, pairs: Double, features: Double, bytes: Double) {
    self.gram = gram
    self.pairs = pairs
    self.features = features
    self.bytes = bytes
  }

  /// The seconds that a cost takes.
  func seconds(_ cost: ExactCost) -> Double {
    cost.gramFlops / gram + cost.pairFlops / pairs + cost.featureFlops / features
      + cost.bytesRead / bytes
  }

  /// The rates of so many devices alike.
  func shared(by count: Int) -> DeviceRates {
    let count = Double(count)
    return DeviceRates(
      gram: gram * count, pairs: pairs * count, features: features * count, bytes: bytes * count)
  }

  /// The rates relative to that of Gram matrices, to the nearest power of two: what roads are chosen by.
  ///
  /// Two measurements of one device differ by less than the roads mostly do; so rounded, both choose
  /// the same roads, and results have the same bits.
  var rounded: DeviceRates {
    func ratio(_ rate: Double) -> Double { exp2(log2(rate / gram).rounded()) }
    return DeviceRates(gram: 1, pairs: ratio(pairs), features: ratio(features), bytes: ratio(bytes))
  }
}
