import Device
import Glibc

/// CKA in float64 from the definitions: what devices are verified against.
///
/// Slow on purpose: no packing, no tiles, no scaling; n × n matrices and sums over all entries.
enum Reference {
  /// Activations in float64: n × p numbers, row by row.
  struct Layer: Sendable {
    let n: Int
    let p: Int
    let values: [Double]
  }

  /// CKA over the minibatches `batches`: the ratio of summed HSICs.
  static func cka(
    _ x: Layer, _ y: Layer, kernel: GramKernel, centering: GramCentering,
    batches: some Sequence<[Int]>
  ) -> Double {
    var cross = 0.0
    var left = 0.0
    var right = 0.0
    for batch in batches {
      let k = centered(gram(x, batch, kernel), centering)
      let l = centered(gram(y, batch, kernel), centering)
      let normalizer = centering.normalizer(exampleCount: batch.count)
      cross += zip(k, l).reduce(0) { $0 + $1.0 * $1.1 } / normalizer
      left += k.reduce(0) { $0 + $1 * $1 } / normalizer
      right += l.reduce(0) { $0 + $1 * $1 } / normalizer
    }
    return cross / (left.squareRoot() * right.squareRoot())
  }

  private static func gram(_ x: Layer, _ batch: [Int], _ kernel: GramKernel) -> Matrix<Double> {
    let n = batch.count
    // Centered features: no estimator sees the difference, and float64 keeps its digits.
    let means = (0..<x.p).map { k in
      batch.reduce(0) { $0 + x.values[$1 * x.p + k] } / Double(n)
    }
    let rows = batch.map { i in (0..<x.p).map { x.values[i * x.p + $0] - means[$0] } }
    var gram = Matrix<Double>(rows: n, columns: n, repeating: 0)
    for i in 0..<n {
      for j in 0...i {
        let product = zip(rows[i], rows[j]).reduce(0) { $0 + $1.0 * $1.1 }
        gram[i, j] = product
        gram[j, i] = product
      }
    }
    guard case .rbf(let bandwidth) = kernel else { return gram }
    var distances = gram
    for i in 0..<n {
      for j in 0..<n { distances[i, j] = gram[i, i] + gram[j, j] - 2 * gram[i, j] }
    }
    func median(_ examples: [Int]) -> Double {
      let sorted = examples.flatMap { i in examples.map { distances[i, $0] } }.sorted()
      return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    let variance: Double
    switch bandwidth {
    case .sigma(let sigma): variance = sigma * sigma
    case .medianMultiple(let multiple): variance = multiple * multiple * median(Array(0..<n))
    case .sampledMedianMultiple(let multiple, let count):
      variance = multiple * multiple * median(GramKernel.Bandwidth.sample(of: n, count: count))
    }
    return distances.map { exp(-$0 / (2 * variance)) }
  }

  private static func centered(_ gram: Matrix<Double>, _ centering: GramCentering) -> [Double] {
    let n = gram.rows
    var k = gram
    if centering == .unbiased { for i in 0..<n { k[i, i] = 0 } }
    let sums = (0..<n).map { i in (0..<n).reduce(0) { $0 + k[i, $1] } }
    let total = sums.reduce(0, +)
    let (divisor, grandDivisor) =
      centering == .unbiased
      ? (Double(n - 2), Double((n - 1) * (n - 2))) : (Double(n), Double(n * n))
    for i in 0..<n {
      for j in 0..<n {
        k[i, j] += total / grandDivisor - (sums[i] + sums[j]) / divisor
      }
    }
    if centering == .unbiased { for i in 0..<n { k[i, i] = 0 } }
    return k.elements
  }
}
