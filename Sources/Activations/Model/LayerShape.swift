/// The shape of one layer's activations: examples × features, the features with their own axes.
///
/// A feature map of C × H × W is flattened to p = C·H·W features, as in Kornblith et al. (2019).
public struct LayerShape: Sendable, Hashable {
  /// n: the length of the first axis.
  public let exampleCount: Int
  /// The lengths of the other axes; empty for a layer of one feature stored as a 1-D array.
  public let featureAxes: [Int]
  /// p: the product of `featureAxes`.
  public let featureCount: Int

  /// Returns nil where a length is negative or the number of values overflows an `Int`.
  public init?(exampleCount: Int, featureAxes: [Int]) {
    guard exampleCount >= 0, featureAxes.allSatisfy({ $0 >= 0 }) else { return nil }
    var features = 1
    for axis in featureAxes {
      let (product, overflow) = features.multipliedReportingOverflow(by: axis)
      guard !overflow else { return nil }
      features = product
    }
    guard !exampleCount.multipliedReportingOverflow(by: features).overflow else { return nil }
    self.exampleCount = exampleCount
    self.featureAxes = featureAxes
    self.featureCount = features
  }

  /// Which of its feature axes holds the channels of a map, the others its positions. No shape tells.
  public enum Layout: String, Codable, Sendable, Hashable, CaseIterable {
    /// C × H × W, C × L: the first feature axis.
    case channelsFirst = "channels-first"
    /// H × W × C, L × C, tokens × D: the last feature axis.
    case channelsLast = "channels-last"
  }

  /// How the features are grouped when each position of a map is averaged away.
  public enum Pooling: Sendable, Hashable {
    /// Every feature counts: p = the product of all axes.
    case flatten
    /// The mean over the positions of a map; layers of at most one feature axis stay as they are.
    case mean(Layout)
  }

  /// Whether a map's mean over positions depends on its layout.
  public var isLayoutNeeded: Bool { featureAxes.count > 1 && featureCount > 1 }

  /// Features after the mean over positions.
  public func pooledFeatureCount(_ layout: Layout) -> Int {
    (layout == .channelsFirst ? featureAxes.first : featureAxes.last) ?? featureCount
  }
}

extension LayerShape: CustomStringConvertible {
  /// For example `128 × 64 × 8 × 8`.
  public var description: String {
    ([exampleCount] + featureAxes).map(String.init).joined(separator: " × ")
  }
}
