import Device
import LinearAlgebra
import TestSupport
import Testing

@Suite struct LinearAlgebraTests {
  private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix<Double> {
    var generator = SeededGenerator(seed: seed)
    return Matrix(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { _ in Double.random(in: -1...1, using: &generator) })
  }

  private func product(_ a: Matrix<Double>, _ b: Matrix<Double>) -> Matrix<Double> {
    var result = Matrix<Double>(rows: a.rows, columns: b.columns, repeating: 0)
    for i in 0..<a.rows {
      for j in 0..<b.columns {
        for k in 0..<a.columns { result[i, j] += a[i, k] * b[k, j] }
      }
    }
    return result
  }

  // MARK: Eigenpairs

  @Test func shapesThatDoNotFitAreRefused() {
    let wide = Matrix<Double>(rows: 2, columns: 3, repeating: 1)
    #expect(throws: LinearAlgebraError.shapes) { try SymmetricEigen(wide) }
  }

  /// LAPACK's room for the largest matrix that is taken is a number of 32 bits, for the next it is not.
  @Test func largestMatrixHasRoom() {
    func room(_ n: Int) -> Int { 1 + 6 * n + 2 * n * n }
    #expect(room(SymmetricEigen.mostRows) <= Int(Int32.max))
    #expect(room(SymmetricEigen.mostRows + 1) > Int(Int32.max))
  }

  @Test func eigenpairsByHand() throws {
    // 5, 2 and −1 by the characteristic polynomial; (2, 2, 1)/3, (2, −1, −2)/3, (1, −2, 2)/3.
    let matrix = Matrix(rows: 3, columns: 3, elements: [3, 2, 0, 2, 2, 2, 0, 2, 1.0])
    let eigen = try SymmetricEigen(matrix)
    let expected = [5.0, 2, -1]
    let vectors = [[2.0, 2, 1], [2, -1, -2], [1, -2, 2]]
    for (index, value) in expected.enumerated() {
      // A backward error of some n·u·‖A‖.
      #expect(abs(eigen.values[index] - value) < 1e-14)
      let vector = vectors[index]
      let dot = (0..<3).reduce(0.0) { $0 + eigen.vectors[index, $1] * vector[$1] / 3 }
      #expect(abs(abs(dot) - 1) < 1e-14)
    }
  }

  @Test func eigenpairsAreThoseOfTheLowerTriangle() throws {
    var matrix = random(40, 40, seed: 5)
    var symmetric = matrix
    for i in 0..<40 {
      for j in i..<40 { symmetric[i, j] = symmetric[j, i] }
    }
    // What is above the diagonal is not read.
    matrix[3, 17] = 1e9
    let eigen = try SymmetricEigen(matrix)
    #expect(eigen.values == eigen.values.sorted(by: >))
    for (index, value) in eigen.values.enumerated() {
      let vector = (0..<40).map { eigen.vectors[index, $0] }
      for i in 0..<40 {
        let image = (0..<40).reduce(0.0) { $0 + symmetric[i, $1] * vector[$1] }
        // ‖A‖ < 10: n·u·‖A‖ = 40 · 1.1e-16 · 10.
        #expect(abs(image - value * vector[i]) < 4.4e-14)
      }
      for other in 0...index {
        let dot = (0..<40).reduce(0.0) { $0 + eigen.vectors[other, $1] * vector[$1] }
        #expect(abs(dot - (other == index ? 1 : 0)) < 1e-14)
      }
    }
  }

  @Test func matricesOfNoAndOneRow() throws {
    #expect(try SymmetricEigen(Matrix(rows: 0, columns: 0, repeating: 0)).values.isEmpty)
    let one = try SymmetricEigen(Matrix(rows: 1, columns: 1, repeating: -3))
    #expect(one.values == [-3] && abs(one.vectors[0, 0]) == 1)
  }

  @Test func numbersThatAreNotFiniteAreRefused() {
    for bad in [Double.nan, .infinity] {
      let matrix = Matrix(rows: 2, columns: 2, elements: [1, 0, bad, 1])
      #expect(throws: LinearAlgebraError.notFinite) { try SymmetricEigen(matrix) }
    }
  }

  // MARK: Products

  @Test(arguments: [false, true], [false, true])
  func productsOfRowMajorMatrices(aIsTransposed: Bool, bIsTransposed: Bool) {
    let (a, b) = (random(4, 6, seed: 1), random(6, 5, seed: 2))
    func stored(_ matrix: Matrix<Double>, _ isTransposed: Bool) -> Matrix<Double> {
      guard isTransposed else { return matrix }
      var result = Matrix<Double>(rows: matrix.columns, columns: matrix.rows, repeating: 0)
      for i in 0..<matrix.rows { for j in 0..<matrix.columns { result[j, i] = matrix[i, j] } }
      return result
    }
    let (left, right) = (stored(a, aIsTransposed), stored(b, bIsTransposed))
    var sum = [Double](repeating: 1, count: 4 * 8)
    addProduct(
      rows: 4, columns: 5, terms: 6, scale: -2, left.elements, stride: left.columns,
      isTransposed: aIsTransposed, right.elements, stride: right.columns,
      isTransposed: bIsTransposed, to: &sum, stride: 8)
    let expected = product(a, b)
    for i in 0..<4 {
      for j in 0..<8 {
        #expect(abs(sum[i * 8 + j] - (j < 5 ? 1 - 2 * expected[i, j] : 1)) < 1e-14)
      }
    }
  }
}
