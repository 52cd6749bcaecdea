import Foundation
import Synchronization

// The float64 brute force that results are held against. It shares no code with what it tests: it
// knows neither packed triangles nor U-centering, and builds every HSIC from the definitions.

/// n × p activations in float64, row by row.
public struct Activations64: Sendable, Hashable {
  /// Examples.
  public let n: Int
  /// Features.
  public let p: Int
  /// n × p numbers.
  public var values: [Double]

  /// `values` as n × p.
  public init(n: Int, p: Int, values: [Double]) {
    precondition(values.count == n * p)
    self.n = n
    self.p = p
    self.values = values
  }

  /// Example `i`, feature `k`.
  public subscript(i: Int, k: Int) -> Double { values[i * p + k] }

  /// The rows `indices`, in that order.
  public func rows(_ indices: [Int]) -> Activations64 {
    Activations64(
      n: indices.count, p: p, values: indices.flatMap { values[($0 * p)..<(($0 + 1) * p)] })
  }
}

/// The function of two examples.
public enum OracleKernel: Sendable, Hashable {
  case linear
  /// σ² = t² · median of all n² squared distances.
  case rbfMedian(Double)
  case rbfSigma(Double)
}

/// CKA and its parts by brute force.
public enum Oracle {
  /// The n × n Gram matrix, n² numbers. Linear matrices are made of differences from the first
  /// example, which no estimator sees and which keeps float64 exact under large offsets.
  public static func gram(_ x: Activations64, _ kernel: OracleKernel) -> [Double] {
    let n = x.n
    var k = [Double](repeating: 0, count: n * n)
    func product(_ i: Int, _ j: Int) -> Double {
      (0..<x.p).reduce(0) { $0 + (x[i, $1] - x[0, $1]) * (x[j, $1] - x[0, $1]) }
    }
    func squaredDistance(_ i: Int, _ j: Int) -> Double {
      (0..<x.p).reduce(0) { $0 + (x[i, $1] - x[j, $1]) * (x[i, $1] - x[j, $1]) }
    }
    func fill(_ entry: (Int, Int) -> Double) {
      for i in 0..<n {
        for j in 0...i {
          k[i * n + j] = entry(i, j)
          k[j * n + i] = k[i * n + j]
        }
      }
    }
    switch kernel {
    case .linear:
      fill(product)
      return k
    case .rbfMedian(let t):
      fill(squaredDistance)
      let sorted = k.sorted()
      let middle = sorted.count / 2
      let median =
        sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
      return k.map { exp(-$0 / (2 * t * t * median)) }
    case .rbfSigma(let sigma):
      fill(squaredDistance)
      return k.map { exp(-$0 / (2 * sigma * sigma)) }
    }
  }

  /// HSIC₀ = tr(K H L H)/(n−1)² by explicit products with H.
  public static func biasedHSIC(_ k: [Double], _ l: [Double], n: Int) -> Double {
    func centered(_ m: [Double]) -> [Double] {
      var result = m
      let rowMeans = (0..<n).map { i in (0..<n).reduce(0) { $0 + m[i * n + $1] } / Double(n) }
      let columnMeans = (0..<n).map { j in (0..<n).reduce(0) { $0 + m[$1 * n + j] } / Double(n) }
      let mean = rowMeans.reduce(0, +) / Double(n)
      for i in 0..<n {
        for j in 0..<n { result[i * n + j] += mean - rowMeans[i] - columnMeans[j] }
      }
      return result
    }
    let a = centered(k)
    let b = centered(l)
    return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / Double((n - 1) * (n - 1))
  }

  /// HSIC₁ by Song et al. 2012, equation 5, from the matrices with zeroed diagonals.
  public static func unbiasedHSIC(_ k: [Double], _ l: [Double], n: Int) -> Double {
    func zeroDiagonal(_ m: [Double]) -> [Double] {
      var result = m
      for i in 0..<n { result[i * n + i] = 0 }
      // A constant added off the diagonal changes nothing; this one removes most cancellation.
      let mean = result.reduce(0, +) / Double(n * (n - 1))
      for i in 0..<n { for j in 0..<n where i != j { result[i * n + j] -= mean } }
      return result
    }
    let a = zeroDiagonal(k)
    let b = zeroDiagonal(l)
    func rowSums(_ m: [Double]) -> [Double] {
      (0..<n).map { i in (0..<n).reduce(0) { $0 + m[i * n + $1] } }
    }
    let ra = rowSums(a)
    let rb = rowSums(b)
    let nn = Double(n)
    let trace = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    let sums = ra.reduce(0, +) * rb.reduce(0, +) / ((nn - 1) * (nn - 2))
    let cross = 2 / (nn - 2) * zip(ra, rb).reduce(0) { $0 + $1.0 * $1.1 }
    return (trace + sums - cross) / (nn * (nn - 3))
  }

  /// CKA over the given minibatches (one batch of everything for the full estimators): the ratio
  /// of averaged HSICs.
  ///
  /// Computed once for equal arguments: a test asks for it with each of a dozen devices.
  public static func cka(
    _ x: Activations64, _ y: Activations64, kernel: OracleKernel = .linear, unbiased: Bool,
    batches: (any Sequence<[Int]>)? = nil
  ) -> Double {
    let question = Question(
      x: x, y: y, kernel: kernel, unbiased: unbiased, batches: batches.map { Array($0) })
    if let known = answers.withLock({ $0[question] }) { return known }
    let answer = answer(question)
    answers.withLock { $0[question] = answer }
    return answer
  }

  private struct Question: Hashable {
    let x: Activations64
    let y: Activations64
    let kernel: OracleKernel
    let unbiased: Bool
    let batches: [[Int]]?
  }

  private static let answers = Mutex<[Question: Double]>([:])

  private static func answer(_ question: Question) -> Double {
    let (x, y, kernel) = (question.x, question.y, question.kernel)
    var xy = 0.0
    var xx = 0.0
    var yy = 0.0
    for batch in question.batches ?? [Array(0..<x.n)] {
      let k = gram(x.rows(batch), kernel)
      let l = gram(y.rows(batch), kernel)
      let hsic = question.unbiased ? unbiasedHSIC : biasedHSIC
      xy += hsic(k, l, batch.count)
      xx += hsic(k, k, batch.count)
      yy += hsic(l, l, batch.count)
    }
    return xy / (xx.squareRoot() * yy.squareRoot())
  }

}
