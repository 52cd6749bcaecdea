import COpenBLAS
import Device

/// The solution X of AX = B for a symmetric positive definite A, by Cholesky's factors (LAPACK's `dposv`).
///
/// - Parameters:
///   - matrix: A, n × n; only the lower triangle is read.
///   - right: B, n × m, a column a system.
/// - Returns: X, n × m.
/// - Throws: `.shapes` where A is not square or has not as many rows as B; `.tooLarge`, `.notFinite`,
///   `.notPositiveDefinite`.
public func solvePositiveDefinite(
  _ matrix: Matrix<Double>, _ right: Matrix<Double>
) throws(LinearAlgebraError) -> Matrix<Double> {
  guard matrix.rows == matrix.columns, right.rows == matrix.rows else { throw .shapes }
  guard max(matrix.rows, right.columns) <= SymmetricEigen.mostRows else {
    throw .tooLarge(order: max(matrix.rows, right.columns))
  }
  guard !right.elements.isEmpty else { return right }
  try checkFinite(matrix.elements)
  try checkFinite(right.elements)
  var factor = matrix.elements
  var columns = transposed(right).elements
  var (order, count, info) = (Int32(matrix.rows), Int32(right.columns), Int32(0))
  withSerialBLAS { dposv_("U", &order, &count, &factor, &order, &columns, &order, &info, 1) }
  precondition(info >= 0, "an argument of dposv is wrong")
  guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
  return transposed(Matrix(rows: right.columns, columns: right.rows, elements: columns))
}

private func transposed(_ matrix: Matrix<Double>) -> Matrix<Double> {
  var result = Matrix<Double>(rows: matrix.columns, columns: matrix.rows, repeating: 0)
  for i in 0..<matrix.rows {
    for j in 0..<matrix.columns { result[j, i] = matrix[i, j] }
  }
  return result
}
