import Activations
import CPUKernels

/// What a run of converted features was like.
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
/// This is where activations are touched: rows are gathered, converted and centered in slabs that
/// stay in the cache. A value far from 1 is scaled by a power of two, so that products of two
/// values neither overflow nor vanish.
public struct FeatureSlabs: ~Copyable {
  /// The layer that is read.
  public let layer: LayerActivations
  /// n of the slabs: how many examples were chosen.
  public let exampleCount: Int
  private let kernels: UnsafePointer<cka_cpu_kernels_table>
  private let rows: [UnsafeRawPointer]
  private let featureStrides: [Int]

  /// Reads `examples` of `layer`, with the best kernels of this processor unless others are given.
  public init(
    layer: LayerActivations, examples: [Int],
    kernels: UnsafePointer<cka_cpu_kernels_table> = cka_cpu_kernels(0)
  ) {
    self.layer = layer
    self.kernels = kernels
    exampleCount = examples.count
    var rows: [UnsafeRawPointer] = []
    var strides: [Int] = []
    rows.reserveCapacity(examples.count)
    strides.reserveCapacity(examples.count)
    for example in examples {
      let row = layer.row(example)
      rows.append(row.start)
      strides.append(row.featureStride)
    }
    self.rows = rows
    featureStrides = strides
  }

  /// p as the estimators see it: after pooling.
  public var featureCount: Int { layer.featureCount }

  /// Writes the features `range`, n × range.count in row-major order, `rowStride` numbers from a
  /// row to the next: (x − mean) · 2^−exponent, the exponent at least `leastExponent`.
  public func read(
    _ range: Range<Int>, into destination: UnsafeMutablePointer<Float>, rowStride: Int,
    leastExponent: Int? = nil
  ) -> SlabStatistics {
    write(range, leastExponent: leastExponent) { type, rows, first, shift, scale in
      kernels.pointee.center(
        type, rows, exampleCount, first, range.count, shift, scale, destination, rowStride)
    }
  }

  /// Writes the same numbers as the panels of `cka_cpu_kernels_table.center_pack`.
  public func pack(
    _ range: Range<Int>, into panels: UnsafeMutablePointer<Float>, leastExponent: Int? = nil
  ) -> SlabStatistics {
    write(range, leastExponent: leastExponent) { type, rows, first, shift, scale in
      kernels.pointee.center_pack(
        type, rows, exampleCount, first, range.count, shift, scale, panels)
    }
  }

  private typealias Writer = (
    _ type: cka_native_type, _ rows: UnsafePointer<UnsafeRawPointer>, _ first: Int,
    _ shift: UnsafePointer<Float>, _ scale: Float
  ) -> Void

  private func write(
    _ range: Range<Int>, leastExponent: Int?, with writer: Writer
  ) -> SlabStatistics {
    if let type = layer.nativeType {
      let shift = UnsafeMutablePointer<Float>.allocate(capacity: range.count)
      defer { shift.deallocate() }
      let measured = rows.withUnsafeBufferPointer { rows in
        kernels.pointee.measure(
          type, rows.baseAddress.unwrapped, exampleCount, range.lowerBound, range.count, shift)
      }
      // Sums that overflowed may be of finite values: the wide road tells, and scales in float64.
      let fits = measured.largest == 0 || (0x1p-100..<0x1p100).contains(measured.largest)
      if measured.finite, fits {
        let exponent = Self.exponent(of: Double(measured.largest), atLeast: leastExponent)
        rows.withUnsafeBufferPointer { rows in
          writer(
            type, rows.baseAddress.unwrapped, range.lowerBound, shift, Self.scale(exponent))
        }
        return SlabStatistics(
          exponent: exponent, isFinite: true, isConstant: measured.largest == 0)
      }
    }
    return writeWide(range, leastExponent: leastExponent, with: writer)
  }

  /// The road for everything that float32 does not hold as it is stored: through float64.
  private func writeWide(
    _ range: Range<Int>, leastExponent: Int?, with writer: Writer
  ) -> SlabStatistics {
    let count = range.count
    let differences = UnsafeMutablePointer<Double>.allocate(capacity: exampleCount * count)
    defer { differences.deallocate() }
    let positions = layer.positions
    rows.withUnsafeBufferPointer { rows in
      featureStrides.withUnsafeBufferPointer { strides in
        var features = cka_wide_features(
          type: layer.wideType, swapped: layer.isByteSwapped,
          rows: rows.baseAddress.unwrapped,
          feature_strides: UnsafeRawPointer(strides.baseAddress.unwrapped)
            .assumingMemoryBound(to: Int.self),
          channel_stride: positions.channelStride, positions: positions.count,
          position_stride: positions.positionStride)
        cka_wide_differences(&features, exampleCount, range.lowerBound, count, differences)
      }
    }
    var isConstant = false
    let largest = cka_wide_center(differences, exampleCount, count, &isConstant)
    guard largest.isFinite else {
      return SlabStatistics(exponent: 0, isFinite: false, isConstant: false)
    }
    let exponent = Self.exponent(of: largest, atLeast: leastExponent)
    // The centered numbers are narrowed in place: what is written lies before what is still read.
    let scale = Double(sign: .plus, exponent: -exponent, significand: 1)
    let narrow = UnsafeMutableRawPointer(differences)
    let size = MemoryLayout<Float>.size
    for index in 0..<(exampleCount * count) {
      let value = Float(differences[index] * scale)
      narrow.storeBytes(of: value, toByteOffset: index * size, as: Float.self)
    }
    let narrowRows = (0..<exampleCount).map { UnsafeRawPointer(narrow + $0 * count * size) }
    let zeros = [Float](repeating: 0, count: count)
    narrowRows.withUnsafeBufferPointer { rows in
      writer(CKA_FLOAT32, rows.baseAddress.unwrapped, 0, zeros, 1)
    }
    return SlabStatistics(exponent: exponent, isFinite: true, isConstant: isConstant)
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

  private static func scale(_ exponent: Int) -> Float {
    Float(sign: .plus, exponent: -exponent, significand: 1)
  }
}

extension LayerActivations {
  /// The type whose numbers kernels read where they lie: of 16 or 32 bits, floating, in this
  /// machine's byte order, the features of an example side by side, none averaged. Else nil.
  public var nativeType: cka_native_type? {
    guard !isByteSwapped, memoryOrder == .rowMajor, positions.count == 1 else { return nil }
    switch scalarType {
    case .float32: return CKA_FLOAT32
    case .float16: return CKA_FLOAT16
    case .bfloat16: return CKA_BFLOAT16
    default: return nil
    }
  }

  fileprivate var wideType: cka_wide_type {
    switch scalarType {
    case .float16: CKA_WIDE_FLOAT16
    case .bfloat16: CKA_WIDE_BFLOAT16
    case .float32: CKA_WIDE_FLOAT32
    case .float64: CKA_WIDE_FLOAT64
    case .int8: CKA_WIDE_INT8
    case .int16: CKA_WIDE_INT16
    case .int32: CKA_WIDE_INT32
    case .int64: CKA_WIDE_INT64
    case .uint8: CKA_WIDE_UINT8
    case .uint16: CKA_WIDE_UINT16
    case .uint32: CKA_WIDE_UINT32
    case .uint64: CKA_WIDE_UINT64
    case .bool: CKA_WIDE_BOOL
    }
  }
}

extension Optional {
  /// The value, where its absence would be a defect of this file: an empty minibatch.
  fileprivate var unwrapped: Wrapped {
    guard let self else { preconditionFailure("a minibatch without examples") }
    return self
  }
}
