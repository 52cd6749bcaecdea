import Activations
import Device

/// Centered Gram matrices in memory: layers × packed numbers.
public final class BLASGramStack: GramStack, @unchecked Sendable {
  // @unchecked: each layer's row and summary are written by one thread before the stack is returned.
  let summaries: UnsafeMutableBufferPointer<GramSummary>
  let packedCount: Int
  private let rows: [UnsafePointer<Float>]
  /// Own memory for the rows, nil where they are borrowed, and what keeps borrowed ones alive.
  private let values: PooledFloats?
  private let owner: AnyObject?
  /// Hears of inner products.
  let meter: WorkMeter?
  /// Reading: the cores' mean. The rest of the wall clock's time is `gram`.
  public internal(set) var timings = StageTimings()

  /// One summary a layer.
  public var layers: [GramSummary] { Array(summaries) }

  init(
    layerCount: Int, packedCount: Int, pool: MemoryPool, meter: WorkMeter? = nil
  ) throws(DeviceError) {
    guard packedCount <= Int(Int32.max) else {
      throw DeviceError(
        kind: .unsupported, call: "gramStack",
        context: "more than 65,535 examples at once; the minibatch estimator takes any number")
    }
    let values = try PooledFloats(
      layerCount, packedCount, for: "centered Gram matrices", from: pool)
    rows = (0..<layerCount).map { UnsafePointer(values.start + $0 * packedCount) }
    self.values = values
    owner = nil
    self.meter = meter
    self.packedCount = packedCount
    summaries = .allocate(capacity: layerCount)
    summaries.initialize(repeating: .empty(isFinite: true, isConstant: false))
  }

  /// The matrices of `packed`, where they are.
  init(borrowing packed: PackedGrams) {
    rows = packed.numbers
    values = nil
    owner = packed.owner
    meter = packed.meter
    packedCount = packed.centering.packedCount(exampleCount: packed.exampleCount)
    summaries = .allocate(capacity: packed.layers.count)
    _ = summaries.initialize(from: packed.layers)
  }

  deinit { summaries.deallocate() }

  /// The packed numbers of `layer`.
  func row(_ layer: Int) -> UnsafePointer<Float> { rows[layer] }

  /// The packed numbers of `layer` of a stack that is being made.
  func newRow(_ layer: Int) -> UnsafeMutablePointer<Float> {
    guard let values else { preconditionFailure("borrowed matrices are not written") }
    return values.start + layer * packedCount
  }
}
