import COpenBLAS

/// C ← C + A·B, or with the factors transposed, of row-major float64 matrices in memory.
///
/// - Parameters:
///   - a: m × k, rows `aStride` numbers apart; k × m where `aIsTransposed`.
///   - b: k × n, rows `bStride` apart; n × k where `bIsTransposed`.
///   - c: m × n, rows `cStride` apart.
///   - scale: A·B is multiplied by it.
package func addProduct(
  rows m: Int, columns n: Int, terms k: Int, scale: Double = 1,
  _ a: UnsafePointer<Double>, stride aStride: Int, isTransposed aIsTransposed: Bool = false,
  _ b: UnsafePointer<Double>, stride bStride: Int, isTransposed bIsTransposed: Bool = false,
  to c: UnsafeMutablePointer<Double>, stride cStride: Int
) {
  guard m > 0, n > 0, k > 0 else { return }
  withSerialBLAS {
    cblas_dgemm(
      CblasRowMajor, aIsTransposed ? CblasTrans : CblasNoTrans,
      bIsTransposed ? CblasTrans : CblasNoTrans, Int32(m), Int32(n), Int32(k), scale, a,
      Int32(aStride), b, Int32(bStride), 1, c, Int32(cStride))
  }
}
