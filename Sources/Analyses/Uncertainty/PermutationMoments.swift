import Device
import LinearAlgebra

/// What the first three moments of ⟨A, PBPᵀ⟩ over all n! pairings P take of one U-centered matrix, for n examples.
///
/// A matrix whose diagonal is 0 and whose rows add up to 0 enters them by ‖A‖², Σ A_ij³ and tr A³ alone. The mean is 0,
/// the variance 2‖A‖²‖B‖²/(n(n − 3)). The third moment is a sum over the kinds of multigraph that three edges make, of
/// each the sum of A over all its places times that of B by the number of places (as Kazi-Aoual, Hitier, Sabatier and
/// Lebreton 1995 for centered matrices); sums over vertices of degree 1 and over edges that stand apart reduce to the two.
package struct PermutationMoments: Sendable, Hashable {
  /// n.
  let exampleCount: Int
  /// Σ A_ij³/‖A‖³, over all i and j.
  let cubes: Double
  /// tr A³/‖A‖³.
  let triangles: Double

  /// The most examples of which tr A³ is made; of more, as many evenly spaced ones, whose two ratios are nearly those
  /// of all: they are those of the kernel's spectrum.
  static let mostExamples = 1024

  /// The examples, of n, that the moments are made of.
  static func sample(of n: Int) -> [Int] {
    let m = min(n, mostExamples)
    return (0..<m).map { $0 * n / m }
  }

  /// - Parameters:
  ///   - square: c·A_ij of all i and j of `sample(of:)`; c > 0.
  ///   - n: of how many examples A is.
  init(square: [Double], exampleCount n: Int) {
    exampleCount = n
    let m = min(n, Self.mostExamples)
    var part = square
    if m < n { Self.center(&part, m) }
    var (squares, cubes) = (0.0, 0.0)
    for value in part {
      squares += value * value
      cubes += value * value * value
    }
    // tr A³ = Σ (AA)_ij A_ij, in panels of rows that stay in the cache. What is left of a panel's square on the diagonal
    // counts twice, for what is above it.
    var triangles = 0.0
    let panel = 64
    var product = [Double](repeating: 0, count: panel * m)
    part.withUnsafeBufferPointer { part in
      product.withUnsafeMutableBufferPointer { product in
        guard let start = part.baseAddress, let target = product.baseAddress else { return }
        for first in stride(from: 0, to: m, by: panel) {
          let rows = min(panel, m - first)
          product.update(repeating: 0)
          addProduct(
            rows: rows, columns: first + rows, terms: m, start + first * m, stride: m,
            start, stride: m, to: target, stride: m)
          for row in 0..<rows {
            let (left, right) = (target + row * m, start + (first + row) * m)
            for column in 0..<(first + rows) {
              triangles += left[column] * right[column] * (column < first ? 2 : 1)
            }
          }
        }
      }
    }
    let norm = squares * squares.squareRoot()
    self.cubes = norm > 0 ? cubes / norm : 0
    self.triangles = norm > 0 ? triangles / norm : 0
  }

  /// U-centers a matrix whose diagonal is 0.
  private static func center(_ matrix: inout [Double], _ m: Int) {
    let means = GramCentering.unbiased.rowMeans(
      sums: (0..<m).map { row in matrix[(row * m)..<((row + 1) * m)].reduce(0, +) })
    for i in 0..<m {
      for j in 0..<m where i != j { matrix[i * m + j] -= means[i] + means[j] }
    }
  }

  /// √(2/(n(n − 3))), the standard deviation of ⟨A, PBPᵀ⟩/(‖A‖‖B‖) over all pairings of n examples: that of CKA.
  package static func deviation(exampleCount: Int) -> Double {
    let n = Double(exampleCount)
    return (2 / (n * (n - 3))).squareRoot()
  }

  /// The sums over all places of each kind of multigraph.
  private var terms: [Double] {
    let (s, t) = (cubes, triangles)
    return [s / 2, -3 * s, 1.5 * s, t, 3 * (s - t), 2 * s, 3 * (t - 2 * s), 2 * s - t]
  }

  /// How many places each kind of multigraph has.
  private static func places(exampleCount: Int) -> [Double] {
    // n(n − 1)…(n − k + 1) ordered choices of k examples.
    func choices(_ k: Int) -> Double {
      (0..<k).reduce(1) { $0 * Double(max(exampleCount - $1, 0)) }
    }
    // One edge three times; one twice, and one that touches it, or stands apart; a triangle; a path; a star; a path of
    // two and one apart; three apart.
    return [
      choices(2) / 2, 3 * choices(3), 0.75 * choices(4), choices(3), 3 * choices(4), choices(4),
      1.5 * choices(5), choices(6) / 8,
    ]
  }

  /// The skewness of ⟨A, PBPᵀ⟩ over all pairings, A of `left` and B of `right`: each with each.
  static func skewness(
    _ left: [PermutationMoments], _ right: [PermutationMoments]
  ) -> Matrix<Double> {
    var skewness = Matrix<Double>(rows: left.count, columns: right.count, repeating: 0)
    guard let n = left.first?.exampleCount else { return skewness }
    let places = places(exampleCount: n)
    let deviation = deviation(exampleCount: n)
    let columns = right.map(\.terms)
    for (i, row) in left.map(\.terms).enumerated() {
      for (j, column) in columns.enumerated() {
        var third = 0.0
        for (kind, count) in places.enumerated() where count > 0 {
          third += row[kind] * column[kind] / count
        }
        // ⟨A, B⟩ counts every edge twice.
        skewness[i, j] = 8 * third / (deviation * deviation * deviation)
      }
    }
    return skewness
  }
}
