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

  /// How the features are grouped when each position of a map is averaged away.
  public enum Pooling: Sendable, Hashable {
    /// Every feature counts: p = the product of all axes.
    case flatten
    /// The mean over the positions of C × H × W (or C × L…: the first axis is kept) or of T × D
    /// (two axes: the last axis is kept). Layers of at most one axis stay as they are.
    case mean
  }
}

extension LayerShape: CustomStringConvertible {
  /// For example `128 × 64 × 8 × 8`.
  public var description: String {
    ([exampleCount] + featureAxes).map(String.init).joined(separator: " × ")
  }
}
