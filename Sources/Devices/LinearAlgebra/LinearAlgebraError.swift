/// Why a small dense problem has no solution.
public enum LinearAlgebraError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The matrix holds NaN or infinity.
  case notFinite
  /// LAPACK's iteration found fewer eigenvalues than there are.
  case notConverged
  /// The matrix is not square.
  case shapes
  /// LAPACK counts the numbers of a matrix in 32 bits: no more than `SymmetricEigen.mostRows` rows.
  case tooLarge(order: Int)

  /// One sentence.
  public var description: String {
    switch self {
    case .notFinite: "the matrix holds NaN or infinity"
    case .notConverged: "the eigenvalues of the matrix were not found"
    case .shapes: "the matrix is not square"
    case .tooLarge(let order):
      "the matrix has \(order) rows: LAPACK takes at most \(SymmetricEigen.mostRows)"
    }
  }
}
