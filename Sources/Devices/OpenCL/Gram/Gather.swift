import Activations
import Device
import Features
import Support
import Synchronization

/// Some examples of a layer, on their way to the device.
struct GatherSource: Sendable {
  let layer: LayerActivations
  let examples: [Int]
  /// What is taken from the features, where that is known: else it is measured, by the device or, for
  /// numbers that the host converts, by `FeatureReader`.
  let centers: FeatureMeans?

  init(layer: LayerActivations, examples: [Int], centers: FeatureMeans? = nil) {
    self.layer = layer
    self.examples = examples
    self.centers = centers
  }

  /// Features to send: none of a layer that is known to have nothing to read.
  var featureCount: Int {
    if let centers, !centers.isFinite || centers.isConstant { return 0 }
    return layer.featureCount
  }

  /// Numbers of an example where all its features are one part, and their bytes.
  var stride: Int { max(featureCount, 1).roundedUp(to: Tuning.block) }
  var bytesPerExample: Int { stride * format.size }

  /// Whether the stored bytes are what the device's kernels read.
  var isSentAsStored: Bool {
    let isKnown =
      layer.nativeType != nil && [.float32, .float16, .bfloat16].contains(layer.scalarType)
    return isKnown && (centers == nil || centers?.storedShifts != nil)
  }

  /// What the kernels read: the stored type, or float32 made on the host.
  var format: ScalarFormat {
    guard isSentAsStored else { return .float32 }
    switch layer.scalarType {
    case .float16: return .float16
    case .bfloat16: return .bfloat16
    default: return .float32
    }
  }

  /// What the kernels take from feature `index`, and multiply by.
  func shift(_ index: Int) -> Float {
    guard isSentAsStored, let shifts = centers?.storedShifts else { return 0 }
    return Float(shifts[index])
  }

  var scale: Float {
    guard isSentAsStored, let centers else { return 1 }
    return Float(sign: .plus, exponent: -centers.exponent, significand: 1)
  }
}

/// Brings the activations of one group together in the memory that is sent to the device.
///
/// 16- and 32-bit floating-point numbers go as they are stored. Everything else is converted and
/// centered by `FeatureReader`.
struct Gather: @unchecked Sendable {
  // @unchecked: used by one caller, which waits; each of its threads writes its own bytes.

  let sources: [GatherSource]
  let group: GramPlan.Group
  let bytes: UnsafeMutableRawBufferPointer

  /// Rows that a thread copies at a time.
  private static let rowsAtATime = 16
  /// Features that are converted at a time, and how often a thread does it: it copies the bytes
  /// of several such slabs from a file at once.
  private static let slabWidth = 1024
  private static let slabsAtATime = 8

  private struct Copy {
    let part: GramPlan.Part
    let rows: Range<Int>
  }

  /// Fills the group's bytes and returns one record a part.
  func run() throws(DeviceError) -> [PartRecord] {
    var copies: [Copy] = []
    var records: [PartRecord] = []
    for part in group.parts {
      let source = sources[part.layer]
      guard source.isSentAsStored else {
        records.append(try convert(part))
        continue
      }
      records.append(PartRecord(part, exponent: 0, flags: []))
      for first in stride(from: 0, to: source.examples.count, by: Self.rowsAtATime) {
        let end = min(first + Self.rowsAtATime, source.examples.count)
        copies.append(Copy(part: part, rows: first..<end))
      }
    }
    let work = copies
    try perform(work.count) { (index) throws(ActivationReadError) in try copy(work[index]) }
    for part in group.parts where part.isLast { sources[part.layer].layer.evict() }
    return records
  }

  /// Runs `body` for 0 ..< `count` on all cores, and throws what one of them threw.
  private func perform(
    _ count: Int, _ body: @Sendable (Int) throws(ActivationReadError) -> Void
  ) throws(DeviceError) {
    let failure = Mutex<ActivationReadError?>(nil)
    Support.perform(count) { index in
      do throws(ActivationReadError) {
        try body(index)
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw DeviceError(error) }
  }

  /// Copies some rows of a part as they are stored, with zeros behind the last feature.
  private func copy(_ work: Copy) throws(ActivationReadError) {
    let part = work.part
    let source = sources[part.layer]
    let size = part.format.size
    let byteCount = part.features.count * size
    for row in work.rows {
      let start = part.offset + row * part.stride * size
      let destination = UnsafeMutableRawBufferPointer(
        rebasing: bytes[start..<(start + part.stride * size)])
      if byteCount > 0, let base = destination.baseAddress {
        let first = part.features.lowerBound * size
        try source.layer.read(first..<(first + byteCount), of: source.examples[row], into: base)
      }
      destination[byteCount...].initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  /// Converts a part, run of features by run of features, and brings the runs to one exponent.
  private func convert(_ part: GramPlan.Part) throws(DeviceError) -> PartRecord {
    let source = sources[part.layer]
    let rowCount = source.examples.count
    let partBytes = UnsafeMutableRawBufferPointer(
      rebasing: bytes[part.offset..<(part.offset + rowCount * part.stride * 4)])
    partBytes.initializeMemory(as: UInt8.self, repeating: 0)
    // Each thread writes its own columns.
    nonisolated(unsafe) let numbers = partBytes.bindMemory(to: Float.self)
    let runs = stride(
      from: part.features.lowerBound, to: part.features.upperBound, by: Self.slabWidth
    ).map { $0..<min($0 + Self.slabWidth, part.features.upperBound) }
    let results = Results(count: runs.count)
    let tasks = (runs.count + Self.slabsAtATime - 1) / Self.slabsAtATime
    try perform(tasks) { (task) throws(ActivationReadError) in
      var slabs = FeatureReader(
        layer: source.layer, examples: source.examples, centers: source.centers)
      let first = task * Self.slabsAtATime
      for index in first..<min(first + Self.slabsAtATime, runs.count) {
        guard let start = numbers.baseAddress else { return }
        let column = runs[index].lowerBound - part.features.lowerBound
        results[index] = try slabs.read(
          runs[index], into: start + column, rowStride: part.stride)
      }
    }

    let statistics = results.all
    guard statistics.allSatisfy(\.isFinite) else {
      // Some numbers were not written; zeros are as good as any, because the result is not finite.
      partBytes.initializeMemory(as: UInt8.self, repeating: 0)
      return PartRecord(part, exponent: 0, flags: [.prepared, .varies, .notFinite])
    }
    let varying = statistics.filter { !$0.isConstant }
    let exponent = varying.map(\.exponent).max() ?? 0
    for (run, statistic) in zip(runs, statistics)
    where !statistic.isConstant && statistic.exponent < exponent {
      let scale = Float(
        sign: .plus, exponent: max(statistic.exponent - exponent, -192), significand: 1)
      for row in 0..<rowCount {
        let first = row * part.stride + run.lowerBound - part.features.lowerBound
        for index in first..<(first + run.count) { numbers[index] *= scale }
      }
    }
    return PartRecord(
      part, exponent: exponent, flags: varying.isEmpty ? [.prepared] : [.prepared, .varies])
  }

  /// What each thread found, in the order of the runs.
  private final class Results: @unchecked Sendable {
    // @unchecked: each thread writes its own element, and they are read when all are done.
    private let elements: UnsafeMutableBufferPointer<SlabStatistics?>

    init(count: Int) {
      elements = .allocate(capacity: count)
      elements.initialize(repeating: nil)
    }

    deinit {
      elements.deinitialize()
      elements.deallocate()
    }

    subscript(index: Int) -> SlabStatistics? {
      get { elements[index] }
      set { elements[index] = newValue }
    }

    var all: [SlabStatistics] { elements.compactMap { $0 } }
  }
}

extension PartRecord {
  fileprivate init(_ part: GramPlan.Part, exponent: Int, flags: Flags) {
    self.init(
      offset: UInt64(part.offset), stride: UInt32(part.stride),
      firstBlock: UInt32(part.firstBlock), layer: UInt32(part.layer),
      format: part.format.rawValue, exponent: Int32(exponent),
      flags: part.isFirst ? flags.union(.first) : flags)
  }
}
