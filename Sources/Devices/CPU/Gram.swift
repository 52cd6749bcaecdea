import Activations
import CPUKernels
import Device
import Dispatch
import Features
import Synchronization

/// What one thread needs to make Gram matrices of small minibatches.
final class Workspace: @unchecked Sendable {
  // @unchecked: used by one thread at a time.
  let gram: GramMatrix
  /// A slab of `slabWidth` features.
  let slab: PooledFloats
  /// Rows from files.
  let stage = FeatureStage()

  /// Features a slab: with 256 examples, two slabs stay in a core's second cache.
  static let slabWidth = 256

  init(exampleCount: Int, rowUnit: Int, pool: MemoryPool) throws(DeviceError) {
    gram = try GramMatrix(
      exampleCount: exampleCount, rowUnit: rowUnit, isShared: false, pool: pool)
    slab = try PooledFloats(gram.rowCount, Self.slabWidth, for: "a slab of features", from: pool)
  }
}

/// Workspaces for as many threads as happen to run.
final class WorkspacePool: Sendable {
  private let exampleCount: Int
  private let rowUnit: Int
  private let memory: MemoryPool
  private let idle = Mutex<[Workspace]>([])

  init(exampleCount: Int, rowUnit: Int, memory: MemoryPool) {
    self.exampleCount = exampleCount
    self.rowUnit = rowUnit
    self.memory = memory
  }

  func take() throws(DeviceError) -> Workspace {
    if let workspace = idle.withLock({ $0.popLast() }) { return workspace }
    return try Workspace(exampleCount: exampleCount, rowUnit: rowUnit, pool: memory)
  }

  func giveBack(_ workspaces: [Workspace]) { idle.withLock { $0 += workspaces } }
}

/// Seconds that threads spend on reading, added up.
final class ReadClock: Sendable {
  private let total = Mutex(Duration.zero)

  func measure<Result: ~Copyable, Failure>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let start = ContinuousClock.now
    let result = try body()
    let time = ContinuousClock.now - start
    total.withLock { $0 += time }
    return result
  }

  /// The cores' mean time for reading, and the rest of `wall` for what they made of it.
  func timings(within wall: Duration, cores: Int) -> StageTimings {
    let read = total.withLock { $0 } / max(cores, 1)
    var timings = StageTimings()
    timings.read = read / .seconds(1)
    timings.gram = max(wall - read, .zero) / .seconds(1)
    return timings
  }
}

extension BLASDevice {
  /// Fills `workspace.gram` with the Gram matrix of the centered `features` of a layer.
  ///
  /// One touch of the data: each slab of features is gathered, converted, centered and packed, and
  /// multiplied while it is in the cache.
  func gram(
    of layer: LayerActivations, features: Range<Int>, examples: [Int], in workspace: Workspace,
    clock: ReadClock
  ) throws(ActivationReadError) {
    var slabs = FeatureReader(
      layer: layer, examples: examples, kernels: multiplier.table, stage: workspace.stage)
    let n = examples.count
    let gram = workspace.gram
    let slab = workspace.slab.start
    gram.clear()
    for first in stride(from: features.lowerBound, to: features.upperBound, by: Workspace.slabWidth)
    {
      let range = first..<min(first + Workspace.slabWidth, features.upperBound)
      if try addPairs(range, of: &slabs, in: workspace, clock: clock) { continue }
      // A scale once chosen holds for the slabs that follow, unless one needs a larger.
      let least = gram.isConstant ? nil : gram.exponent / 2
      let found = try clock.measure { () throws(ActivationReadError) in
        try multiplier.fill(
          slab, count: range.count, at: 0, with: &slabs, range, leastExponent: least)
      }
      guard found.isFinite else {
        gram.markNotFinite()
        return
      }
      if found.isConstant { continue }
      gram.raise(to: 2 * found.exponent)
      multiplier.multiply(
        slab, rows: n, slab, columns: n, count: range.count, isLower: true, into: gram.start,
        stride: gram.stride)
    }
  }

  /// Adds the features `range` of bfloat16 as they are stored; false where they, or this processor, do not allow it.
  private func addPairs(
    _ range: Range<Int>, of slabs: inout FeatureReader, in workspace: Workspace, clock: ReadClock
  ) throws(ActivationReadError) -> Bool {
    let gram = workspace.gram
    guard multiplier.multipliesPairs, gram.exponent == 0 else { return false }
    let n = gram.exampleCount
    let panels = UnsafeMutableRawPointer(workspace.slab.start)
      .assumingMemoryBound(to: UInt32.self)
    let limit =
      RoundingModel.offsetLimit(exampleCount: n) / Double(slabs.featureCount).squareRoot()
    let found = try clock.measure { () throws(ActivationReadError) in
      try slabs.packPairs(range, into: panels, offsetLimit: min(limit / 4, 2))
    }
    guard let found else { return false }
    guard !found.isConstant else { return true }
    gram.raise(to: 0)
    cka_multiply_pairs(
      panels, n, panels, n, (range.count + 1) / 2, true, gram.start, gram.stride)
    return true
  }
}

/// A layer whose features are shared out to cores in segments, and whose sums are added in the order
/// of the segments: the same result whichever core is first, and however many there are.
final class SegmentedLayer: Sendable {
  let index: Int
  private let segmentCount: Int
  private let state = Mutex(State())

  private struct State: Sendable {
    var sum: Workspace?
    var added = 0
    var early: [Int: Workspace] = [:]
  }

  init(index: Int, segmentCount: Int) {
    self.index = index
    self.segmentCount = segmentCount
  }

  /// Takes a segment's matrix. Returns workspaces that are free again, and the one with the layer's
  /// matrix once it is complete.
  func add(_ workspace: Workspace, segment: Int) -> (free: [Workspace], complete: Workspace?) {
    state.withLock { state in
      state.early[segment] = workspace
      var free: [Workspace] = []
      while let next = state.early.removeValue(forKey: state.added) {
        state.added += 1
        if let sum = state.sum {
          sum.gram.add(next.gram)
          free.append(next)
        } else {
          state.sum = next
        }
      }
      guard state.added == segmentCount else { return (free, nil) }
      return (free, state.sum)
    }
  }
}
