/// Why a small dense problem has no solution.
public enum LinearAlgebraError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The matrix or the right sides hold NaN or infinity.
  case notFinite
  /// LAPACK's iteration found fewer eigenvalues than there are.
  case notConverged
  /// The leading minor of this order is not positive: the matrix has no Cholesky factor.
  case notPositiveDefinite(order: Int)

  /// Matrices of these shapes have no solution together.
  case shapes
  /// LAPACK counts the numbers of a matrix in 32 bits: no more than `SymmetricEigen.mostRows` rows.
  case tooLarge(order: Int)

  /// One sentence.
  public var description: String {
    switch self {
    case .notFinite: "the matrix holds NaN or infinity"
    case .notConverged: "the eigenvalues of the matrix were not found"
    case .shapes: "the matrix is not square, or its right sides have another number of rows"
    case .tooLarge(let order):
      "the matrix has \(order) rows: LAPACK takes at most \(SymmetricEigen.mostRows)"
    case .notPositiveDefinite(let order):
      "the matrix is not positive definite: its leading minor of order \(order) is not positive"
    }
  }
}
