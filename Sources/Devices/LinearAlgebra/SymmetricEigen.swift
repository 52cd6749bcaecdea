import COpenBLAS
import Device

/// Eigenvalues and eigenvectors of a symmetric matrix.
public struct SymmetricEigen: Sendable {
  /// All n eigenvalues, the largest first.
  public let values: [Double]
  /// n × n; row i is the eigenvector of `values[i]`, of length 1, its sign arbitrary.
  public let vectors: Matrix<Double>

  /// The most rows: `dsyevd` asks for 1 + 6n + 2n² numbers of room, which must be a 32-bit number.
  public static let mostRows = 32_766

  /// All eigenpairs of `matrix`, n × n, through LAPACK's `dsyevd` (divide and conquer): the residual
  /// ‖Av − λv‖ is of the order of n·2⁻⁵³·‖A‖. Only the lower triangle is read.
  ///
  /// - Throws: `.shapes`, `.tooLarge`, `.notFinite`, `.notConverged`.
  public init(_ matrix: Matrix<Double>) throws(LinearAlgebraError) {
    guard matrix.rows == matrix.columns else { throw .shapes }
    let n = matrix.rows
    guard n <= Self.mostRows else { throw .tooLarge(order: n) }
    guard n > 0 else {
      (values, vectors) = ([], matrix)
      return
    }
    try checkFinite(matrix.elements)
    var columns = matrix.elements
    var ascending = [Double](repeating: 0, count: n)
    var (order, info) = (Int32(n), Int32(0))
    // LAPACK says first how much room it wants.
    var (room, integerRoom) = ([0.0], [Int32(0)])
    for isQuery in [true, false] {
      var (count, integerCount) = (Int32(-1), Int32(-1))
      if !isQuery {
        (count, integerCount) = (Int32(room[0]), integerRoom[0])
        room = Array(repeating: 0, count: Int(count))
        integerRoom = Array(repeating: 0, count: Int(integerCount))
      }
      withSerialBLAS {
        // What is the lower triangle of rows is the upper one of LAPACK's columns.
        dsyevd_(
          "V", "U", &order, &columns, &order, &ascending, &room, &count, &integerRoom,
          &integerCount, &info, 1, 1)
      }
      precondition(info >= 0, "an argument of dsyevd is wrong")
      guard info == 0 else { throw .notConverged }
    }
    values = ascending.reversed()
    var rows = [Double]()
    rows.reserveCapacity(n * n)
    for index in (0..<n).reversed() { rows += columns[index * n..<(index + 1) * n] }
    vectors = Matrix(rows: n, columns: n, elements: rows)
  }
}

func checkFinite(_ numbers: [Double]) throws(LinearAlgebraError) {
  guard numbers.allSatisfy(\.isFinite) else { throw .notFinite }
}
