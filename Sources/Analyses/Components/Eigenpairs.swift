import CKA
import Device
import Glibc
import LinearAlgebra

/// The largest eigenvalues of a centered Gram matrix and their eigenvectors: the principal components of
/// the activations, their variances times n − 1 and their directions over the examples.
struct Eigenpairs: Sendable {
  /// λ in stored units, the largest first.
  var values: [Double]
  /// count × n; row i is the eigenvector of `values[i]`, of length 1. The entry of largest magnitude, the
  /// first of several, is positive.
  var vectors: Matrix<Double>
  /// The eigenvalue after these; 0 where there is none.
  var next: Double
  /// The largest ‖Ku − λu‖ that was seen.
  var residual: Double
}

extension HCenteredGram {
  /// The first `count` eigenpairs.
  ///
  /// Up to 256 examples, or where more than an eighth of all pairs is wanted (and LAPACK has room for them),
  /// LAPACK finds all. Else block
  /// Krylov subspaces: blocks of 8 vectors, all orthogonalized against all twice, Rayleigh and Ritz's
  /// pairs of the whole basis, restarted with the best where the basis is full (block Krylov and Schur).
  /// It ends when ‖Ku − λu‖ ≤ 2⁻²²·λ₁ for every pair. The float32 matrix is off by ‖E‖ ≈ 2⁻²²·‖K‖ itself
  /// (`RoundingModel.linear`), which moves eigenvalues by as much at most (Weyl): closer pairs would be
  /// those of another matrix. A multiplicity of more than 8 costs steps, not accuracy.
  ///
  /// - Parameter observe: hears which share of the way the residual has come, on a logarithmic scale, as far as
  ///   that is known.
  /// - Throws: `.notConverged` after 400 blocks, more than any tested matrix needs.
  func leadingEigenpairs(
    _ count: Int, observe: (_ share: Double) -> Void
  ) throws(LinearAlgebraError) -> Eigenpairs {
    let wanted = min(count, exampleCount)
    var pairs: Eigenpairs
    if exampleCount <= 256
      || 8 * wanted >= exampleCount && exampleCount <= SymmetricEigen.mostRows
    {
      let all = try SymmetricEigen(matrix)
      pairs = Eigenpairs(
        values: Array(all.values.prefix(wanted)),
        vectors: Matrix(
          rows: wanted, columns: exampleCount,
          elements: Array(all.vectors.elements.prefix(wanted * exampleCount))),
        next: all.values.count > wanted ? all.values[wanted] : 0, residual: 0)
      pairs.residual = residual(of: pairs)
    } else {
      var krylov = BlockKrylov(self, wanted: wanted)
      pairs = try krylov.eigenpairs(observe)
    }
    pairs.fixSigns()
    return pairs
  }

  /// The largest ‖Ku − λu‖.
  private func residual(of pairs: Eigenpairs) -> Double {
    var images = [Double](repeating: 0, count: pairs.vectors.elements.count)
    multiply(pairs.vectors.elements, count: pairs.values.count, into: &images)
    return residuals(pairs.values, pairs.vectors.elements, images, length: exampleCount).max() ?? 0
  }
}

/// ‖Ku − λu‖ of each pair: a value, a row of `vectors` and one of `images`, of `length` numbers each.
private func residuals(
  _ values: [Double], _ vectors: [Double], _ images: [Double], length: Int
) -> [Double] {
  values.indices.map { row in
    let squares = (row * length..<(row + 1) * length).reduce(0.0) { sum, index in
      let difference = images[index] - values[row] * vectors[index]
      return sum + difference * difference
    }
    return squares.squareRoot()
  }
}

extension Eigenpairs {
  fileprivate mutating func fixSigns() {
    for row in 0..<vectors.rows {
      let range = row * vectors.columns..<(row + 1) * vectors.columns
      let largest = vectors.elements[range].reduce(0) { abs($1) > abs($0) ? $1 : $0 }
      guard largest < 0 else { continue }
      for index in range { vectors.elements[index].negate() }
    }
  }
}

/// A growing basis of a Krylov subspace and its images under the matrix.
private struct BlockKrylov {
  private let gram: HCenteredGram
  private let n: Int
  private let wanted: Int
  private let most: Int
  private var generator = SplitMix64(seed: 0)
  /// Orthonormal rows, n numbers each; likewise `images`, the rows times the matrix.
  private var basis: [Double] = []
  private var images: [Double] = []
  /// What the matrix is in the basis; the lower triangle of the first `count` rows.
  private var projection: Matrix<Double>
  private var count = 0

  private static let block = 8
  private static let float32Tolerance = 0x1p-22
  /// Some hundred times what float64's sums bring.
  private static let float64Tolerance = 0x1p-42
  private static let mostBlocks = 400

  private var tolerance: Double {
    gram.isFloat64 ? Self.float64Tolerance : Self.float32Tolerance
  }

  init(_ gram: HCenteredGram, wanted: Int) {
    self.gram = gram
    self.wanted = wanted
    n = gram.exampleCount
    most = min(max(192, 4 * (wanted + Self.block)), n, SymmetricEigen.mostRows)
    projection = Matrix(rows: most, columns: most, repeating: 0)
  }

  mutating func eigenpairs(
    _ observe: (_ share: Double) -> Void
  ) throws(LinearAlgebraError) -> Eigenpairs {
    var next = (0..<Self.block * n).map { _ in number() }
    orthonormalize(&next)
    for step in 1...Self.mostBlocks {
      append(next)
      next = Array(images.suffix(Self.block * n))
      orthonormalize(&next)
      let isFull = count + Self.block > most
      guard isFull || step % 4 == 0, count > wanted else { continue }
      let ritz = try SymmetricEigen(leadingProjection)
      let kept = min(wanted + Self.block, count)
      let vectors = combined(basis, ritz.vectors, rows: kept)
      let vectorImages = combined(images, ritz.vectors, rows: kept)
      let values = Array(ritz.values.prefix(kept))
      let residuals = residuals(
        Array(values.prefix(wanted)), vectors, vectorImages, length: n)
      let residual = residuals.max() ?? 0
      if residuals.allSatisfy({ $0 <= tolerance * abs(values[0]) }) {
        return Eigenpairs(
          values: Array(values.prefix(wanted)),
          vectors: Matrix(rows: wanted, columns: n, elements: Array(vectors.prefix(wanted * n))),
          next: values[wanted], residual: residual)
      }
      observe(log2(residual / abs(values[0])) / log2(tolerance))
      if isFull {
        // `next` is orthogonal to all of the basis, and so to what is kept of it.
        (basis, images, count) = (vectors, vectorImages, kept)
        for i in 0..<kept {
          for j in 0...i { projection[i, j] = i == j ? values[i] : 0 }
        }
      }
    }
    throw .notConverged
  }

  /// Between −1 and 1.
  private mutating func number() -> Double {
    Double(Int64(bitPattern: generator.next()) >> 11) * 0x1p-52
  }

  private mutating func append(_ block: [Double]) {
    var products = [Double](repeating: 0, count: block.count)
    gram.multiply(block, count: Self.block, into: &products)
    basis += block
    images += products
    let total = count + Self.block
    var rows = [Double](repeating: 0, count: Self.block * total)
    addProduct(
      rows: Self.block, columns: total, terms: n, products, stride: n, isTransposed: false, basis,
      stride: n,
      isTransposed: true, to: &rows, stride: total)
    for i in 0..<Self.block {
      for j in 0...(count + i) { projection[count + i, j] = rows[i * total + j] }
    }
    count = total
  }

  private var leadingProjection: Matrix<Double> {
    var leading = Matrix<Double>(rows: count, columns: count, repeating: 0)
    for i in 0..<count {
      for j in 0...i { leading[i, j] = projection[i, j] }
    }
    return leading
  }

  /// The first `rows` rows of `coefficients` times `vectors`.
  private func combined(
    _ vectors: [Double], _ coefficients: Matrix<Double>, rows: Int
  ) -> [Double] {
    var result = [Double](repeating: 0, count: rows * n)
    addProduct(
      rows: rows, columns: n, terms: count, coefficients.elements, stride: count, vectors,
      stride: n, to: &result, stride: n)
    return result
  }

  /// Makes the rows of `block` orthonormal, and orthogonal to the basis: Gram and Schmidt, twice, as what
  /// is left of a row may be small and mostly rounding the first time.
  private mutating func orthonormalize(_ block: inout [Double]) {
    for _ in 0..<2 {
      let lengths = (0..<Self.block).map { length(block, $0) }
      subtractBasis(from: &block, rows: 0..<Self.block)
      for row in 0..<Self.block {
        subtractEarlier(from: &block, row)
        var length = length(block, row)
        var least = 1e-10 * lengths[row]
        while length <= least {
          // The direction is already in the basis (matrix of low rank): continue with any other.
          for index in row * n..<(row + 1) * n { block[index] = number() }
          subtractBasis(from: &block, rows: row..<row + 1)
          subtractEarlier(from: &block, row)
          length = self.length(block, row)
          least = 0
        }
        for index in row * n..<(row + 1) * n { block[index] /= length }
      }
    }
  }

  private func length(_ block: [Double], _ row: Int) -> Double {
    (row * n..<(row + 1) * n).reduce(0) { $0 + block[$1] * block[$1] }.squareRoot()
  }

  private func subtractBasis(from block: inout [Double], rows: Range<Int>) {
    guard count > 0 else { return }
    let (n, count) = (n, count)
    var parts = [Double](repeating: 0, count: rows.count * count)
    block.withUnsafeMutableBufferPointer { block in
      guard let start = block.baseAddress.map({ $0 + rows.lowerBound * n }) else { return }
      addProduct(
        rows: rows.count, columns: count, terms: n, start, stride: n, isTransposed: false, basis,
        stride: n, isTransposed: true, to: &parts, stride: count)
      addProduct(
        rows: rows.count, columns: n, terms: count, scale: -1, parts, stride: count, basis,
        stride: n, to: start, stride: n)
    }
  }

  private func subtractEarlier(from block: inout [Double], _ row: Int) {
    let n = n
    block.withUnsafeMutableBufferPointer { block in
      for earlier in 0..<row {
        var part = 0.0
        for index in 0..<n { part += block[row * n + index] * block[earlier * n + index] }
        for index in 0..<n { block[row * n + index] -= part * block[earlier * n + index] }
      }
    }
  }
}
