import Activations

/// Packed, centered Gram matrices of some layers in memory, as they are kept in files.
public struct PackedGrams: @unchecked Sendable {
  // @unchecked: the pointers lead to memory that nobody writes and that `owner` keeps alive.

  /// n: examples of each matrix.
  public let exampleCount: Int
  /// How they were centered.
  public let centering: GramCentering
  /// One summary a layer.
  public let layers: [GramSummary]
  /// Where each layer's `centering.packedCount(exampleCount:)` numbers are.
  public let numbers: [UnsafePointer<Float>]
  /// What keeps them alive.
  public let owner: AnyObject
  /// Hears of the multiplications and additions that devices do with them.
  public let meter: WorkMeter?

  /// See the properties.
  package init(
    exampleCount: Int, centering: GramCentering, layers: [GramSummary],
    numbers: [UnsafePointer<Float>], owner: AnyObject, meter: WorkMeter? = nil
  ) {
    precondition(layers.count == numbers.count, "numbers and summaries of different layers")
    self.exampleCount = exampleCount
    self.centering = centering
    self.layers = layers
    self.numbers = numbers
    self.owner = owner
    self.meter = meter
  }
}
