import Device

/// Centered Gram matrices in memory: layers × packed triangle.
public final class BLASGramStack: GramStack, @unchecked Sendable {
  // @unchecked: each layer's row and summary are written by one thread before the stack is returned.
  let summaries: UnsafeMutableBufferPointer<GramSummary>
  let packedCount: Int
  private let values: Floats
  /// Reading: the cores' mean. The rest of the wall clock's time is `gram`.
  public internal(set) var timings = StageTimings()

  /// One summary a layer.
  public var layers: [GramSummary] { Array(summaries) }

  init(layerCount: Int, packedCount: Int, pool: MemoryPool) throws(DeviceError) {
    guard packedCount <= Int(Int32.max) else {
      throw DeviceError(
        kind: .unsupported, call: "gramStack",
        context: "more than 65,535 examples at once; the minibatch estimator takes any number")
    }
    values = try Floats(layerCount, packedCount, for: "centered Gram matrices", from: pool)
    self.packedCount = packedCount
    summaries = .allocate(capacity: layerCount)
    summaries.initialize(repeating: .empty(isFinite: true, isConstant: false))
  }

  deinit { summaries.deallocate() }

  /// The packed triangle of `layer`.
  func row(_ layer: Int) -> UnsafeMutablePointer<Float> { values.start + layer * packedCount }
}
