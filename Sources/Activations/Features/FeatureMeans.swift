import Activations
import CPUKernels
import Support
import Synchronization

/// What is taken from a layer's features, and what they are divided by, wherever some of its
/// examples are read: so that all pieces are in the same units.
public struct FeatureMeans: Sendable {
  /// Written numbers times 2^exponent are the true ones; a multiple of 32, 0 for most data.
  public let exponent: Int
  /// False where an activation is NaN or infinite: there is nothing to read then.
  public let isFinite: Bool
  /// True where every feature has the same value in all examples: there is nothing to read then.
  public let isConstant: Bool
  /// Σᵢ xᵢ of the numbers that are written, one a feature: 0 but for the rounding of the means, which
  /// are float32 where the stored numbers are no wider.
  public let residues: [Double]

  /// What is taken from each feature before it is divided by 2^exponent, where numbers may be read as
  /// they are stored; else nil.
  public var storedShifts: [Double]? { isWide ? nil : shifts }

  /// The norm of what `readFloat64` writes for the example whose differences are read; 0 where numbers
  /// are read as they are stored. Float64 rounds differences by 2⁻⁵³ of the larger of two numbers.
  public var referenceNorm: Double {
    guard isWide else { return 0 }
    let scale = Double(sign: .plus, exponent: -exponent, significand: 1)
    return shifts.reduce(0) { $0 + $1 * scale * ($1 * scale) }.squareRoot()
  }

  /// The means over all examples; with `isWide`, of differences from the example `reference`.
  let shifts: [Double]
  /// Whether numbers are read through float64.
  let isWide: Bool
  let reference: Int

  /// Reads all `examples` of `layer` once, a few rows at a time, on all cores.
  ///
  /// Means are float64 sums of differences from the first example, so that offsets cost nothing.
  ///
  /// - Precondition: there are examples and features.
  public init(
    of layer: LayerActivations, examples: [Int],
    kernels: UnsafePointer<cka_cpu_kernels_table> = cka_cpu_kernels(0)
  ) throws(ActivationReadError) {
    let found = try Differences(of: layer, examples: examples, kernels: kernels)
    reference = examples[0]
    isFinite = found.largest.isFinite
    isConstant = found.largest == 0
    guard isFinite, !isConstant else {
      (exponent, residues, shifts, isWide) = (0, [], [], false)
      return
    }
    // No difference from a mean is more than twice the largest from the first example, nor are all of
    // them less than its half.
    exponent = FeatureReader.exponent(of: found.largest, atLeast: nil)
    let isNarrow = layer.nativeType.map { $0.rawValue < CKA_FLOAT64.rawValue } ?? false
    let exact = zip(found.reference, found.means).map { $0 + $1 }
    let shifts = isNarrow ? exact.map { Double(Float($0)) } : exact
    // What rounding leaves of the means is known, but counts in the norms of examples: a small part of the
    // differences will do, not one as large as they are.
    let isNear = zip(shifts, exact).allSatisfy { abs($0 - $1) <= 0x1p-12 * found.largest }
    let isNative =
      layer.nativeType != nil && isNear && (0x1p-100..<0x1p100).contains(found.largest)
    isWide = !isNative
    guard isNative else {
      self.shifts = found.means
      residues = [Double](repeating: 0, count: found.means.count)
      return
    }
    let scale = Double(examples.count) * Double(sign: .plus, exponent: -exponent, significand: 1)
    residues = shifts.indices.map { k in
      (found.means[k] - (shifts[k] - found.reference[k])) * scale
    }
    self.shifts = shifts
  }

  /// ‖xᵢ‖² and xᵢ·Σⱼxⱼ of the numbers that are written: the diagonal and the row sums of K, n numbers
  /// each in units of 2^(2·`exponent`). Reads all examples once, on all cores.
  ///
  /// - Precondition: the layer is finite and not constant.
  public func rowProducts(
    of layer: LayerActivations, examples: [Int],
    kernels: UnsafePointer<cka_cpu_kernels_table> = cka_cpu_kernels(0)
  ) throws(ActivationReadError) -> (squaredNorms: [Double], sums: [Double]) {
    var squares = [Double](repeating: 0, count: examples.count)
    var sums = squares
    let chunks = ExampleChunks(of: layer, exampleCount: examples.count)
    try squares.withUnsafeMutableBufferPointer { (squares) throws(ActivationReadError) in
      try sums.withUnsafeMutableBufferPointer { (sums) throws(ActivationReadError) in
        guard let squares = squares.baseAddress, let sums = sums.baseAddress else { return }
        nonisolated(unsafe) let (rowSquares, rowSums) = (squares, sums)
        try perform(chunks.ranges.count, state: { FeatureStage() }) {
          (index, stage) throws(ActivationReadError) in
          let range = chunks.ranges[index]
          let chunk = Array(examples[range])
          var slabs = FeatureReader(
            layer: layer, examples: chunk, kernels: kernels, stage: stage,
            mappedBytes: 0, centers: self)
          let width = min(layer.featureCount, ExampleChunks.slabWidth)
          let numbers = UnsafeMutablePointer<Float>.allocate(capacity: chunk.count * width)
          defer { numbers.deallocate() }
          for first in stride(from: 0, to: layer.featureCount, by: width) {
            let features = first..<min(first + width, layer.featureCount)
            _ = try slabs.read(features, into: numbers, rowStride: width)
            residues.withUnsafeBufferPointer { residues in
              guard let residues = residues.baseAddress else { return }
              kernels.pointee.row_products(
                numbers, chunk.count, features.count, width, residues + first,
                rowSquares + range.lowerBound, rowSums + range.lowerBound)
            }
          }
        }
      }
    }
    return (squares, sums)
  }
}

/// A layer's examples in runs that are read at once.
///
/// Copied from files instead of read through the mapping: as fast, and mapped pages would stay
/// resident.
struct ExampleChunks: Sendable {
  let layer: LayerActivations
  let ranges: [Range<Int>]

  /// Bytes of a chunk, about.
  private static let bytes = 1 << 20
  /// Features that are worked on at once.
  static let slabWidth = 1024

  init(of layer: LayerActivations, exampleCount: Int) {
    self.layer = layer
    let size = min(max(Self.bytes / max(layer.bytesPerExample, 1), 32), 512)
    ranges = stride(from: 0, to: exampleCount, by: size).map { $0..<min($0 + size, exampleCount) }
  }
}

/// How a layer's features differ from those of the first example.
private struct Differences {
  /// The largest |x_ik − x_0k|; 0 exactly where all examples are equal.
  var largest = 0.0
  /// x_0k, where numbers are read as they are stored, else nothing.
  var reference: [Double]
  /// The mean over i of x_ik − x_0k.
  var means: [Double]

  /// The most parts that examples are divided into, each with sums of its own, which are added in their
  /// order: the same sums however many cores there are.
  private static let mostParts = 16
  /// Numbers of all parts' sums, about.
  private static let sumCount = 1 << 20

  init(
    of layer: LayerActivations, examples: [Int], kernels: UnsafePointer<cka_cpu_kernels_table>
  ) throws(ActivationReadError) {
    let p = layer.featureCount
    let chunks = ExampleChunks(of: layer, exampleCount: examples.count)
    let partCount = min(max(Self.sumCount / p, 1), Self.mostParts, chunks.ranges.count)
    let runs = stride(from: 0, to: p, by: ExampleChunks.slabWidth).map {
      $0..<min($0 + ExampleChunks.slabWidth, p)
    }
    var sums = [Double](repeating: 0, count: partCount * p)
    var reference = [Double](repeating: 0, count: p)
    let largest = Mutex(0.0)
    try sums.withUnsafeMutableBufferPointer { (sums) throws(ActivationReadError) in
      try reference.withUnsafeMutableBufferPointer { (reference) throws(ActivationReadError) in
        guard let sums = sums.baseAddress, let reference = reference.baseAddress else { return }
        nonisolated(unsafe) let (allSums, allReferences) = (sums, reference)
        nonisolated(unsafe) let kernels = kernels
        try perform(partCount * runs.count, state: { FeatureStage() }) {
          (item, stage) throws(ActivationReadError) in
          let (part, features) = (item % partCount, runs[item / partCount])
          // Every part reads the reference; one keeps it.
          var own = [Double](repeating: 0, count: features.count)
          var most = 0.0
          let first = chunks.ranges.count * part / partCount
          let last = chunks.ranges.count * (part + 1) / partCount
          for range in chunks.ranges[first..<last] {
            let chunk = Array(examples[range])
            var slabs = FeatureReader(
              layer: layer, examples: chunk, reference: examples[0], kernels: kernels,
              stage: stage, mappedBytes: 0)
            let found = try slabs.addDifferences(
              features, weight: 1 / Double(examples.count),
              to: allSums + part * p + features.lowerBound, reference: &own)
            most = largerMagnitude(most, found)
            guard most.isFinite else { break }
          }
          if part == 0 {
            for (index, value) in own.enumerated() {
              allReferences[features.lowerBound + index] = value
            }
          }
          largest.withLock { $0 = largerMagnitude($0, most) }
        }
      }
    }
    self.largest = largest.withLock { $0 }
    self.reference = reference
    means = [Double](repeating: 0, count: p)
    for part in 0..<partCount {
      for k in 0..<p { means[k] += sums[part * p + k] }
    }
  }
}
