import Activations
import CPUKernels

/// Summary of a run of converted features.
public struct SlabStatistics: Sendable, Hashable {
  /// The written numbers times 2^exponent are the true ones; a multiple of 32, 0 for most data.
  public var exponent: Int
  /// False where an activation is NaN or infinite; the written numbers mean nothing then.
  public var isFinite: Bool
  /// True where every feature has the same value in all examples: zeros are written.
  public var isConstant: Bool
}

/// Runs of features of some examples of one layer, as float32 relative to each feature's mean.
///
/// Gathers, converts and centers rows in slabs that stay in the cache; activations are read only
/// here. A value far from 1 is scaled by a power of two, so that products of two values neither
/// overflow nor vanish.
public struct FeatureReader: ~Copyable {
  /// The layer that is read.
  public let layer: LayerActivations
  private let examples: [Int]
  /// What is taken from the features; nil where the examples' own means are.
  private let centers: FeatureMeans?
  /// Whether the first of `examples` is there only for the others' differences from it.
  private let hasReference: Bool
  private let kernels: UnsafePointer<cka_cpu_kernels_table>
  /// Nil if rows are read in place.
  private let stage: FeatureStage?
  /// The features that `rows` hold: all of them, or those on the stage.
  private var present: Range<Int>
  /// Empty until the first features are read: before, a file may be shorter than when it was mapped, or not
  /// be unpacked.
  private var rows: [UnsafeRawPointer] = []
  private var featureStrides: [Int] = []

  /// Reads `examples` of `layer`, with the best kernels of this processor unless others are given.
  ///
  /// - Parameters:
  ///   - stage: where rows from files are copied to; a thread that reads many layers passes its own.
  ///   - mappedBytes: rows from files are read where they are mapped if no more of the file than this
  ///     lies between the first and the last of them. It bounds what touching them adds to the
  ///     process's memory.
  ///   - centers: what is taken from the features, and the power of two to divide by; without them the
  ///     means over `examples` are, and each run has a power of its own.
  public init(
    layer: LayerActivations, examples: [Int],
    kernels: UnsafePointer<cka_cpu_kernels_table> = cka_cpu_kernels(0),
    stage: FeatureStage = FeatureStage(), mappedBytes: Int = 16 << 20, centers: FeatureMeans? = nil
  ) {
    let reference = centers.flatMap { $0.isWide ? $0.reference : nil }
    self.init(
      layer: layer, examples: examples, reference: reference, kernels: kernels, stage: stage,
      mappedBytes: mappedBytes, centers: centers)
  }

  /// Reads `examples`, and before them `reference`, which is never written.
  init(
    layer: LayerActivations, examples: [Int], reference: Int?,
    kernels: UnsafePointer<cka_cpu_kernels_table>, stage: FeatureStage, mappedBytes: Int,
    centers: FeatureMeans? = nil
  ) {
    self.layer = layer
    self.centers = centers
    hasReference = reference != nil
    self.kernels = kernels
    // The reference is a single row: what touching it adds does not grow with the examples.
    let (lowest, highest) = (examples.min() ?? 0, examples.max() ?? 0)
    // Examples that the layer does not have are found when they are read.
    let areThere = lowest >= 0 && highest < layer.shape.exampleCount
    let span = areThere ? (highest - lowest + 1) * layer.bytesPerExample : 0
    let isStaged = layer.isFile && layer.memoryOrder == .rowMajor && span > mappedBytes
    self.stage = isStaged ? stage : nil
    let examples = (reference.map { [$0] } ?? []) + examples
    self.examples = examples
    present = isStaged ? 0..<0 : 0..<layer.featureCount
    if isStaged {
      featureStrides = Array(repeating: layer.scalarType.size, count: examples.count)
    }
  }

  /// n: how many examples are read.
  public var exampleCount: Int { examples.count - (hasReference ? 1 : 0) }

  /// p as the estimators see it: after pooling.
  public var featureCount: Int { layer.featureCount }

  /// Writes the features `range`, n × range.count in row-major order, `rowStride` numbers from a
  /// row to the next: (x − mean) · 2^−exponent, the exponent at least `leastExponent`.
  public mutating func read(
    _ range: Range<Int>, into destination: UnsafeMutablePointer<Float>, rowStride: Int,
    leastExponent: Int? = nil
  ) throws(ActivationReadError) -> SlabStatistics {
    let kernels = kernels
    let n = exampleCount
    return try write(range, leastExponent: leastExponent) { type, rows, first, shift, scale in
      kernels.pointee.center(
        type, rows, n, first, range.count, shift, scale, destination, rowStride)
    }
  }

  /// Writes the same numbers as panels, `panelStride` numbers from one to the next: see
  /// `cka_cpu_kernels_table.pack`.
  public mutating func pack(
    _ range: Range<Int>, into panels: UnsafeMutablePointer<Float>, panelStride: Int,
    leastExponent: Int? = nil
  ) throws(ActivationReadError) -> SlabStatistics {
    let kernels = kernels
    let n = exampleCount
    return try write(range, leastExponent: leastExponent) { type, rows, first, shift, scale in
      kernels.pointee.pack(
        type, rows, n, first, range.count, shift, scale, panels, panelStride)
    }
  }

  /// Packs bfloat16 features as they are stored, two at a time: see `cka_pack_pairs`. A mean that stays in them leaves
  /// a Gram matrix when it is centered, and only its rounding remains.
  ///
  /// - Parameters:
  ///   - range: the features.
  ///   - panels: room for whole panels of the examples.
  ///   - offsetLimit: the most that Σ mean² of the features may be, in units of Σ variance.
  /// - Returns: nil where the features are of another type, have larger means, or are so large or small that they need
  ///   a power of two of their own: `pack` takes them.
  /// - Precondition: `cka_has_pairs()`.
  public mutating func packPairs(
    _ range: Range<Int>, into panels: UnsafeMutablePointer<UInt32>, offsetLimit: Double
  ) throws(ActivationReadError) -> SlabStatistics? {
    guard layer.nativeType == CKA_BFLOAT16, centers == nil else { return nil }
    let first = try reach(range)
    let n = exampleCount
    return rows.withUnsafeBufferPointer { rows in
      let rows = rows.baseAddress.unwrapped
      guard cka_pair_offset(rows, n, first, range.count) <= offsetLimit else { return nil }
      let found = cka_pack_pairs(rows, n, first, range.count, panels)
      guard found.varies else {
        return found.largest.isFinite
          ? SlabStatistics(exponent: 0, isFinite: true, isConstant: true) : nil
      }
      let largest = Double(found.largest)
      guard largest.isFinite, Self.exponent(of: largest, atLeast: nil) == 0 else { return nil }
      return SlabStatistics(exponent: 0, isFinite: true, isConstant: false)
    }
  }

  /// Loads the features `range`; returns the index of the first in `rows`.
  private mutating func reach(_ range: Range<Int>) throws(ActivationReadError) -> Int {
    if stage == nil, rows.isEmpty {
      try layer.check()
      var found: [(start: UnsafeRawPointer, featureStride: Int)] = []
      for example in examples { found.append(try layer.row(example)) }
      rows = found.map(\.start)
      featureStrides = found.map(\.featureStride)
    }
    if let stage, !(present.contains(range.lowerBound) && range.upperBound <= present.upperBound) {
      let run = stage.run(
        slab: range.count, exampleCount: examples.count,
        bytesPerFeature: layer.positions.count * layer.scalarType.size)
      present = range.lowerBound..<min(range.lowerBound + run, featureCount)
      let copy = try stage.fill(layer, examples: examples, features: present)
      rows = examples.indices.map { UnsafeRawPointer(copy.start + $0 * copy.rowStride) }
    }
    return range.lowerBound - present.lowerBound
  }

  private func evictColumns(_ range: Range<Int>) {
    if layer.isFile, layer.memoryOrder == .columnMajor, layer.positions.count == 1 {
      layer.evict(columns: range)
    }
  }

  /// Writes (x − shift) · scale and returns the largest magnitude of what it wrote.
  private typealias Writer = (
    _ type: cka_native_type, _ rows: UnsafePointer<UnsafeRawPointer>, _ first: Int,
    _ shift: UnsafePointer<Double>, _ scale: Double
  ) -> Float

  private mutating func write(
    _ range: Range<Int>, leastExponent: Int?, with writer: Writer
  ) throws(ActivationReadError) -> SlabStatistics {
    let first = try reach(range)
    defer { evictColumns(range) }
    if let centers {
      writeCentered(by: centers, range, at: first, with: writer)
      return SlabStatistics(exponent: centers.exponent, isFinite: true, isConstant: false)
    }
    if let type = layer.nativeType,
      let statistics = writeNative(
        type, first, range.count, leastExponent: leastExponent, with: writer)
    {
      return statistics
    }
    return writeWide(first, range.count, leastExponent: leastExponent, with: writer)
  }

  /// Converts in one pass, assuming the expected magnitude; returns nil otherwise.
  private func writeNative(
    _ type: cka_native_type, _ first: Int, _ count: Int, leastExponent: Int?, with writer: Writer
  ) -> SlabStatistics? {
    let shift = UnsafeMutablePointer<Double>.allocate(capacity: count)
    defer { shift.deallocate() }
    return rows.withUnsafeBufferPointer { rows in
      let rows = rows.baseAddress.unwrapped
      kernels.pointee.sample(type, rows, examples.count, first, count, shift)
      var exponent = leastExponent ?? 0
      var written = writer(type, rows, first, shift, Self.scale(exponent))
      // Differences of float64 numbers may vanish where they are narrowed.
      if written == 0, exponent == 0, type != CKA_FLOAT64 {
        return SlabStatistics(exponent: 0, isFinite: true, isConstant: true)
      }
      let largest = Double(written) / Self.scale(exponent)
      // A magnitude that overflowed may be of finite numbers: the conversion through float64 tells.
      guard (0x1p-100..<0x1p100).contains(largest) else { return nil }
      let needed = Self.exponent(of: largest, atLeast: leastExponent)
      if needed != exponent {
        exponent = needed
        written = writer(type, rows, first, shift, Self.scale(exponent))
      }
      return SlabStatistics(exponent: exponent, isFinite: true, isConstant: false)
    }
  }

  /// Converts in one pass with known means and scale.
  private func writeCentered(
    by centers: FeatureMeans, _ range: Range<Int>, at first: Int, with writer: Writer
  ) {
    centers.shifts.withUnsafeBufferPointer { shifts in
      let shift = shifts.baseAddress.unwrapped + range.lowerBound
      if !centers.isWide, let type = layer.nativeType {
        _ = rows.withUnsafeBufferPointer {
          writer(type, $0.baseAddress.unwrapped, first, shift, Self.scale(centers.exponent))
        }
        return
      }
      let differences = differences(first, range.count)
      defer { differences.deallocate() }
      for row in 1..<examples.count {
        let numbers = differences + row * range.count
        for index in 0..<range.count { numbers[index] -= shift[index] }
      }
      narrow(differences, range.count, exponent: centers.exponent, with: writer)
    }
  }

  /// Converts through float64 what float32 cannot represent.
  private func writeWide(
    _ first: Int, _ count: Int, leastExponent: Int?, with writer: Writer
  ) -> SlabStatistics {
    let differences = differences(first, count)
    defer { differences.deallocate() }
    var isConstant = false
    let largest = cka_wide_center(differences, examples.count, count, &isConstant)
    guard largest.isFinite else {
      return SlabStatistics(exponent: 0, isFinite: false, isConstant: false)
    }
    let exponent = Self.exponent(of: largest, atLeast: leastExponent)
    narrow(differences, count, exponent: exponent, with: writer)
    return SlabStatistics(exponent: exponent, isFinite: true, isConstant: isConstant)
  }

  /// Writes the features `range` in float64, n × range.count numbers in row-major order, `rowStride`
  /// numbers from a row to the next: (x − shift) · 2^−exponent, both as `centers` has them.
  ///
  /// - Precondition: there are centers, of a layer that is finite and not constant.
  public mutating func readFloat64(
    _ range: Range<Int>, into destination: UnsafeMutablePointer<Double>, rowStride: Int
  ) throws(ActivationReadError) {
    guard let centers else { preconditionFailure("features without centers") }
    let first = try reach(range)
    defer { evictColumns(range) }
    // Shifts are of differences from the reference, or of the stored numbers: differences from 0.
    let differences = differences(first, range.count, fromZero: !hasReference)
    defer { differences.deallocate() }
    let scale = Self.scale(centers.exponent)
    for row in 0..<exampleCount {
      let (source, target) = (
        differences + (row + 1) * range.count, destination + row * rowStride
      )
      for index in 0..<range.count {
        target[index] = (source[index] - centers.shifts[range.lowerBound + index]) * scale
      }
    }
  }

  /// `count` features from the place `first` on as differences from the first example, in float64, row
  /// by row; `fromZero`: as they are, behind a row of zeros.
  private func differences(
    _ first: Int, _ count: Int, fromZero: Bool = false
  ) -> UnsafeMutablePointer<Double> {
    let rows = (fromZero ? [zeroNumber] : []) + self.rows
    let featureStrides = (fromZero ? [0] : []) + self.featureStrides
    let differences = UnsafeMutablePointer<Double>.allocate(capacity: rows.count * count)
    var positions = layer.positions
    // On the stage, positions are as far apart as it holds features.
    if stage != nil, positions.positionStride > 1 { positions.positionStride = present.count }
    rows.withUnsafeBufferPointer { rows in
      featureStrides.withUnsafeBufferPointer { strides in
        var features = cka_wide_features(
          type: layer.wideType, swapped: layer.isByteSwapped,
          rows: rows.baseAddress.unwrapped,
          feature_strides: UnsafeRawPointer(strides.baseAddress.unwrapped)
            .assumingMemoryBound(to: Int.self),
          channel_stride: positions.channelStride, positions: positions.count,
          position_stride: positions.positionStride)
        cka_wide_differences(&features, rows.count, first, count, differences)
      }
    }
    return differences
  }

  /// Writes float64 numbers, but the reference's, times 2^−exponent.
  private func narrow(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, exponent: Int, with writer: Writer
  ) {
    // The numbers are narrowed in place: what is written lies before what is still read.
    let scale = Self.scale(exponent)
    let narrow = UnsafeMutableRawPointer(numbers)
    let size = MemoryLayout<Float>.size
    let skipped = hasReference ? count : 0
    for index in 0..<(exampleCount * count) {
      let value = Float(numbers[skipped + index] * scale)
      narrow.storeBytes(of: value, toByteOffset: index * size, as: Float.self)
    }
    let narrowRows = (0..<exampleCount).map { UnsafeRawPointer(narrow + $0 * count * size) }
    let zeros = [Double](repeating: 0, count: count)
    _ = narrowRows.withUnsafeBufferPointer { rows in
      writer(CKA_FLOAT32, rows.baseAddress.unwrapped, 0, zeros, 1)
    }
  }

  /// means[k] += Σ (x_ik − r_k)·weight over the examples, r the reference, for the features `range`;
  /// `reference` gets r where numbers are read as they are stored. Returns the largest |x_ik − r_k|.
  mutating func addDifferences(
    _ range: Range<Int>, weight: Double, to means: UnsafeMutablePointer<Double>,
    reference: UnsafeMutablePointer<Double>
  ) throws(ActivationReadError) -> Double {
    let first = try reach(range)
    defer { evictColumns(range) }
    if let type = layer.nativeType {
      return rows.withUnsafeBufferPointer { rows in
        let rows = rows.baseAddress.unwrapped
        kernels.pointee.sample(type, rows, 1, first, range.count, reference)
        return kernels.pointee.add_differences(
          type, rows + 1, exampleCount, first, range.count, reference, weight, means)
      }
    }
    let differences = differences(first, range.count)
    defer { differences.deallocate() }
    var largest = 0.0
    for row in 1..<examples.count {
      let numbers = differences + row * range.count
      for index in 0..<range.count {
        means[index] += numbers[index] * weight
        largest = largerMagnitude(largest, numbers[index])
      }
    }
    return largest
  }

  /// The multiple of 32 nearest to log₂ `largest`: products of two scaled values then lie within
  /// 2^±32, and their sums far inside float32's range.
  static func exponent(of largest: Double, atLeast least: Int?) -> Int {
    guard largest > 0 else { return least ?? 0 }
    let nearest = max(Int((Double(largest.exponent) / 32).rounded()) * 32, leastOfFloat64)
    return max(nearest, least ?? nearest)
  }

  /// Below this a scale would itself overflow.
  private static let leastOfFloat64 = -992

  private static func scale(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: -exponent, significand: 1)
  }
}

/// The number 0 in every stored type.
nonisolated(unsafe) private let zeroNumber: UnsafeRawPointer = {
  let zero = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
  zero.initialize(to: 0)
  return UnsafeRawPointer(zero)
}()

/// The larger of two magnitudes; one that is not finite is larger than any number, and NaN stays.
func largerMagnitude(_ a: Double, _ b: Double) -> Double { a.isNaN || abs(b) <= a ? a : abs(b) }

extension Optional {
  /// The value, where its absence would be a defect of this file: an empty minibatch.
  fileprivate var unwrapped: Wrapped {
    guard let self else { preconditionFailure("a minibatch without examples") }
    return self
  }
}
