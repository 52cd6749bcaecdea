import Activations
import Synchronization

/// Rows of features copied out of files, a run of them at a time.
///
/// Touching a mapped file leaves its pages, and with large pages their neighbors, in the process's
/// memory. Where the wanted rows are scattered over a large file that would be far more than the
/// rows themselves, so they are copied. One stage serves one thread, for layer after layer.
public final class FeatureStage {
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private let budget: Int

  /// A stage that holds nothing yet.
  ///
  /// - Parameter budget: bytes it may hold. Long runs of a row make few system calls; all rows together
  ///   should stay in the processor's last cache.
  public init(budget: Int = 4 << 20) { self.budget = budget }

  deinit { memory.deallocate() }

  /// The least and most bytes of one example, whatever the budget.
  private static let leastRowBytes = 2 << 10
  private static let mostRowBytes = 32 << 10

  /// How many features to copy at a time where slabs have `slab` of them: a multiple of `slab`.
  func run(slab: Int, exampleCount: Int, bytesPerFeature: Int) -> Int {
    let rowBytes = min(
      max(budget / max(exampleCount, 1), Self.leastRowBytes), Self.mostRowBytes)
    return max(rowBytes / (bytesPerFeature * slab), 1) * slab
  }

  /// Copies the kept features `range` of `examples` of a row-major layer: one row an example,
  /// `rowStride` bytes from row to row, positions that lie apart brought together.
  func fill(
    _ layer: LayerActivations, examples: [Int], features range: Range<Int>
  ) throws(ActivationReadError) -> (start: UnsafeMutableRawPointer, rowStride: Int) {
    let positions = layer.positions
    let size = layer.scalarType.size
    let rowBytes = range.count * positions.count * size
    // Rows a power of two apart would all want the same few places of the first cache.
    let rowStride = (rowBytes + 63) / 64 * 64 + 64
    let start = reserve(examples.count * rowStride)
    for (row, example) in examples.enumerated() {
      let destination = start + row * rowStride
      if positions.positionStride <= 1 {
        // The positions of a kept feature are side by side, or there is one.
        let first = range.lowerBound * positions.count * size
        try layer.read(first..<(first + rowBytes), of: example, into: destination)
      } else {
        let segment = range.count * size
        for position in 0..<positions.count {
          let first = (position * positions.positionStride + range.lowerBound) * size
          try layer.read(
            first..<(first + segment), of: example, into: destination + position * segment)
        }
      }
    }
    return (start, rowStride)
  }

  private func reserve(_ count: Int) -> UnsafeMutableRawPointer {
    if memory.count < count {
      memory.deallocate()
      memory = .allocate(byteCount: count, alignment: 64)
    }
    guard let start = memory.baseAddress else { preconditionFailure("an empty run of features") }
    return start
  }
}

/// Stages for threads that come and go: as many are made as were needed at once.
public final class FeatureStages: Sendable {
  private struct Idle: @unchecked Sendable {
    // @unchecked: a stage has one user at a time.
    let stage: FeatureStage
  }

  private let idle = Mutex<[Idle]>([])
  private let budget: Int

  /// - Parameter budget: bytes that each may hold; see `FeatureStage`.
  public init(budget: Int = 4 << 20) { self.budget = budget }

  /// Calls `body` with a stage that nobody else uses.
  public func withStage<Failure>(
    _ body: (FeatureStage) throws(Failure) -> Void
  ) throws(Failure) {
    let own = idle.withLock { $0.popLast() } ?? Idle(stage: FeatureStage(budget: budget))
    defer { idle.withLock { $0.append(own) } }
    try body(own.stage)
  }
}
