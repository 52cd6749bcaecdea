import Device
import LinearAlgebra

/// Things as points of a plane whose distances are as near to given ones as can be: metric multidimensional scaling.
///
/// Classical scaling (Torgerson 1952) is the start; each step of SMACOF (de Leeuw 1977) moves all points and lowers
/// Σ(d − δ)², δ the given distances and d those of the points. At the end the points are centered and turned to their
/// principal axes, the one that is farthest out along an axis on its positive side, so that one picture does not come
/// in several turns.
public struct PlaneScaling: Sendable {
  /// n × 2.
  public let points: Matrix<Double>
  /// √(Σ(d − δ)²/Σδ²), Kruskal's stress-1 with the given distances below: 0 is exact, 0.1 fair, 0.2 poor (Kruskal
  /// 1964). 0 where all δ are.
  public let stress: Double

  private static let mostSteps = 1000
  /// Steps end where one lowers the sum of squares by less than this share of it.
  private static let leastGain = 1e-9

  /// - Parameter distances: n × n, symmetric and finite, zeros on the diagonal.
  /// - Throws: where LAPACK finds no eigenvalues.
  public init(_ distances: Matrix<Double>) throws(LinearAlgebraError) {
    let n = distances.rows
    var points = try Self.classical(distances)
    var squares = Self.squares(points, distances)
    for _ in 0..<Self.mostSteps where n > 1 {
      // Guttman's transform: X ← B(X)·X/n.
      var next = Matrix<Double>(rows: n, columns: 2, repeating: 0)
      for i in 0..<n {
        for j in 0..<n where j != i {
          let between = Self.distance(points, i, j)
          let ratio = between > 0 ? distances[i, j] / between : 0
          for axis in 0..<2 {
            next[i, axis] += ratio * (points[i, axis] - points[j, axis]) / Double(n)
          }
        }
      }
      let reached = Self.squares(next, distances)
      guard reached < squares * (1 - Self.leastGain) else { break }
      (points, squares) = (next, reached)
    }
    self.points = try Self.turned(points)
    var all = 0.0
    for i in 0..<n { for j in 0..<i { all += distances[i, j] * distances[i, j] } }
    stress = all > 0 ? (squares / all).squareRoot() : 0
  }

  /// The two leading eigenvectors of −½·H·D²·H, times the roots of their eigenvalues.
  private static func classical(_ distances: Matrix<Double>) throws(LinearAlgebraError)
    -> Matrix<Double>
  {
    let n = distances.rows
    var gram = Matrix<Double>(rows: n, columns: n, repeating: 0)
    let means = (0..<n).map { i in
      mean((0..<n).map { distances[i, $0] * distances[i, $0] })
    }
    let all = mean(means)
    for i in 0..<n {
      for j in 0..<n {
        gram[i, j] = -0.5 * (distances[i, j] * distances[i, j] - means[i] - means[j] + all)
      }
    }
    let eigen = try SymmetricEigen(gram)
    var points = Matrix<Double>(rows: n, columns: 2, repeating: 0)
    for axis in 0..<min(2, n) {
      let length = max(eigen.values[axis], 0).squareRoot()
      for i in 0..<n { points[i, axis] = length * eigen.vectors[axis, i] }
    }
    return points
  }

  private static func distance(_ points: Matrix<Double>, _ i: Int, _ j: Int) -> Double {
    let (x, y) = (points[i, 0] - points[j, 0], points[i, 1] - points[j, 1])
    return (x * x + y * y).squareRoot()
  }

  private static func squares(_ points: Matrix<Double>, _ distances: Matrix<Double>) -> Double {
    var sum = 0.0
    for i in 0..<points.rows {
      for j in 0..<i {
        let difference = distance(points, i, j) - distances[i, j]
        sum += difference * difference
      }
    }
    return sum
  }

  /// Centered, and turned to the principal axes.
  private static func turned(_ points: Matrix<Double>) throws(LinearAlgebraError) -> Matrix<Double>
  {
    let n = points.rows
    var points = points
    for axis in 0..<2 {
      let middle = mean((0..<n).map { points[$0, axis] })
      for i in 0..<n { points[i, axis] -= middle }
    }
    var moments = Matrix<Double>(rows: 2, columns: 2, repeating: 0)
    for i in 0..<n {
      for a in 0..<2 { for b in 0..<2 { moments[a, b] += points[i, a] * points[i, b] } }
    }
    let axes = try SymmetricEigen(moments).vectors
    var turned = points
    for axis in 0..<2 {
      var farthest = 0.0
      for i in 0..<n {
        turned[i, axis] = points[i, 0] * axes[axis, 0] + points[i, 1] * axes[axis, 1]
        // Of equally far ones the first decides, whatever rounding says.
        if abs(turned[i, axis]) > abs(farthest) * (1 + 1e-9) { farthest = turned[i, axis] }
      }
      if farthest < 0 { for i in 0..<n { turned[i, axis] = -turned[i, axis] } }
    }
    return turned
  }
}
