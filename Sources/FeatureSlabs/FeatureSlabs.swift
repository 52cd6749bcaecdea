import Activations
import CPUKernels

/// What a run of converted features was like, before the common scale was taken out.
public struct SlabStatistics: Sendable, Hashable {
  /// The written numbers times 2^exponent are the true ones; a multiple of 32, 0 for most data.
  public var exponent: Int
  /// False where an activation is NaN or infinite.
  public var isFinite: Bool
  /// True where every feature has the same value in all examples.
  public var isConstant: Bool
}
