import Activations
import COpenBLAS
import CPUKernels
import Features
import LinearAlgebra

/// The GEMM backend: our packed kernels, or OpenBLAS on other processors.
///
/// Both take slabs: some numbers of each of some rows. Rows from `r` on, r a multiple of
/// `rowUnit`, lie from r · count on, so that a part of a slab's rows is a slab.
struct GEMMBackend: @unchecked Sendable {
  // @unchecked: the table is constant.
  let table: UnsafePointer<cka_cpu_kernels_table>
  let engine: Engine

  enum Engine: Sendable {
    case packed
    case openBLAS
  }

  /// The best this processor has.
  static var best: GEMMBackend {
    let best = cka_cpu_kernels(0)
    return GEMMBackend(
      table: best,
      engine: best == cka_cpu_kernels(cka_cpu_kernels_count() - 1) ? .openBLAS : .packed)
  }

  var name: String {
    String(cString: table.pointee.name) + (multipliesPairs ? " with bfloat16" : "")
  }

  /// Whether bfloat16 features are multiplied as they are stored, two at a time, where their means allow it: in a matrix of
  /// the same panels.
  var multipliesPairs: Bool {
    engine == .packed && rowUnit == Int(CKA_PAIR_ROWS) && cka_has_pairs()
  }

  /// Rows that slabs and products are padded to multiples of.
  var rowUnit: Int { table.pointee.panel_rows }

  /// Writes the features `range` to a slab of `count` features, as those from `place` on.
  func fill(
    _ slab: UnsafeMutablePointer<Float>, count: Int, at place: Int,
    with features: inout FeatureReader, _ range: Range<Int>, leastExponent: Int?
  ) throws(ActivationReadError) -> SlabStatistics {
    switch engine {
    case .packed:
      try features.pack(
        range, into: slab + place * rowUnit, panelStride: count * rowUnit,
        leastExponent: leastExponent)
    case .openBLAS:
      try features.read(
        range, into: slab + place, rowStride: count, leastExponent: leastExponent)
    }
  }

  /// Writes `count` numbers from `first` on of each row as they are.
  func fill(
    _ slab: UnsafeMutablePointer<Float>, with rows: [UnsafePointer<Float>], first: Int, count: Int
  ) {
    switch engine {
    case .packed:
      let zeros = [Double](repeating: 0, count: count)
      rows.map { UnsafeRawPointer($0) }.withUnsafeBufferPointer { rows in
        guard let start = rows.baseAddress else { return }
        _ = table.pointee.pack(
          CKA_FLOAT32, start, rows.count, first, count, zeros, 1, slab, count * rowUnit)
      }
    case .openBLAS:
      for (index, row) in rows.enumerated() {
        (slab + index * count).update(from: row + first, count: count)
      }
    }
  }

  /// Multiplies some features of a slab of `count` features by `factor`; 0 clears them, whatever
  /// they were.
  func scale(
    _ slab: UnsafeMutablePointer<Float>, rows: Int, count: Int, features: Range<Int>,
    by factor: Float
  ) {
    let unit = engine == .packed ? rowUnit : 1
    for group in 0..<(rows / unit) {
      let start = slab + (group * count + features.lowerBound) * unit
      for index in 0..<(features.count * unit) {
        start[index] = factor == 0 ? 0 : start[index] * factor
      }
    }
  }

  /// C += A·Bᵀ, rows(A) × rows(B), for two slabs of `count` numbers a row; `isLower`: A is B, and only
  /// the lower triangle is needed.
  func multiply(
    _ left: UnsafePointer<Float>, rows: Int, _ right: UnsafePointer<Float>, columns: Int,
    count: Int, isLower: Bool, into c: UnsafeMutablePointer<Float>, stride: Int
  ) {
    switch engine {
    case .packed:
      table.pointee.multiply(left, rows, right, columns, count, isLower, c, stride)
    case .openBLAS where isLower:
      withSerialBLAS {
        cblas_ssyrk(
          CblasRowMajor, CblasLower, CblasNoTrans, blasint(rows), blasint(count), 1, left,
          blasint(count), 1, c, blasint(stride))
      }
    case .openBLAS:
      withSerialBLAS {
        cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(columns), blasint(count),
          1, left, blasint(count), right, blasint(count), 1, c, blasint(stride))
      }
    }
  }
}

/// Products of features, summed over examples: slabs of all features of some examples.
extension GEMMBackend {
  /// Writes all features of some examples to a slab of `chunk` examples, as those from `place` on.
  func fillFeatures(
    _ slab: UnsafeMutablePointer<Float>, chunk: Int, at place: Int,
    with features: inout FeatureReader
  ) throws(ActivationReadError) {
    let p = features.featureCount
    switch engine {
    case .packed:
      // A panel of features is what `center` writes with a panel's width from a row to the next.
      for first in stride(from: 0, to: p, by: rowUnit) {
        _ = try features.read(
          first..<min(first + rowUnit, p), into: slab + first * chunk + place * rowUnit,
          rowStride: rowUnit)
      }
    case .openBLAS:
      _ = try features.read(0..<p, into: slab + place * p, rowStride: p)
    }
  }

  /// C += XᵀY for `rows` features of X from `first` on, a multiple of `rowUnit`, and `columns` of Y, in
  /// slabs of `count` examples of all `leftCount` and `rightCount` features.
  func multiplyFeatures(
    _ x: UnsafePointer<Float>, from first: Int, _ rows: Int, of leftCount: Int,
    _ y: UnsafePointer<Float>, from firstColumn: Int, _ columns: Int, of rightCount: Int,
    count: Int, into c: UnsafeMutablePointer<Float>, stride: Int
  ) {
    switch engine {
    case .packed:
      table.pointee.multiply(
        x + first * count, rows, y + firstColumn * count, columns, count, false, c, stride)
    case .openBLAS:
      withSerialBLAS {
        cblas_sgemm(
          CblasRowMajor, CblasTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(count),
          1, x + first, blasint(leftCount), y + firstColumn, blasint(rightCount), 1, c,
          blasint(stride))
      }
    }
  }
}
