import ActivationFiles
import Activations
import CKA
import COpenBLAS
import Device
import Foundation
import Support

/// CKA of some layers in float64, from the definitions: what measured programs' maps are held
/// against. It shares no code with the devices.
struct Float64Reference {
  /// Which rows and columns of the map it knows.
  private let rows: [Int]
  private let columns: [Int]
  /// rows × columns.
  private let cka: Matrix<Double>

  /// The first, the middle and the last layer of each model; nil where their numbers are not
  /// floating in rows, or where it would take minutes.
  init?(_ comparison: Comparison) throws(ActivationReadError) {
    func choose(_ count: Int) -> [Int] { Array(Set([0, count / 2, count - 1])).sorted() }
    let rows = choose(comparison.left.layers.count)
    let columns = choose(comparison.right?.layers.count ?? comparison.left.layers.count)
    (self.rows, self.columns) = (rows, columns)
    let left = rows.map { comparison.left.layers[$0] }
    let right = comparison.right.map { model in columns.map { model.layers[$0] } }
    let layers = left + (right ?? [])
    let flops = comparison.plan.batches.reduce(0.0) { sum, batch in
      let n = Double(batch.count)
      return sum + layers.reduce(0) { $0 + 2 * n * n * Double($1.featureCount) }
    }
    guard layers.allSatisfy(\.isReadableInFloat64), flops < 1e12 else { return nil }
    openblas_set_num_threads(Int32(ProcessInfo.processInfo.activeProcessorCount))
    defer { openblas_set_num_threads(1) }
    var cross = Matrix<Double>(rows: rows.count, columns: columns.count, repeating: 0)
    var leftSelf = [Double](repeating: 0, count: rows.count)
    var rightSelf = [Double](repeating: 0, count: columns.count)
    for examples in comparison.plan.batches {
      let n = examples.count
      let centering = comparison.estimator.centering
      func grams(_ layers: [LayerActivations]) throws(ActivationReadError) -> [[Double]] {
        var grams: [[Double]] = []
        for layer in layers {
          grams.append(centered(try gram(layer, examples, comparison.kernel), n, centering))
        }
        return grams
      }
      let k = try grams(left)
      let l = if let right { try grams(right) } else { k }
      for i in k.indices { leftSelf[i] += dot(k[i], k[i]) }
      for j in l.indices { rightSelf[j] += dot(l[j], l[j]) }
      for i in k.indices { for j in l.indices { cross[i, j] += dot(k[i], l[j]) } }
    }
    cka = Matrix(
      rows: rows.count, columns: columns.count,
      elements: cross.elements.indices.map { index in
        let (i, j) = (index / columns.count, index % columns.count)
        return cross.elements[index] / (leftSelf[i] * rightSelf[j]).squareRoot()
      })
  }

  /// The largest difference of the map in a `.npy` file of float64, among the scores that are
  /// known here and defined there, and how many of all its scores are undefined.
  func check(mapAt path: String) throws -> (error: Double?, undefined: Int) {
    let map = try openModels([path])[0].layers[0]
    let width = map.featureCount
    guard map.scalarType == .float64, map.memoryOrder == .rowMajor, width > columns.last ?? 0,
      map.shape.exampleCount > rows.last ?? 0
    else { throw Failure(.data, "\(path): not the map that was expected") }
    let scores = try map.numbers(of: 0..<map.shape.exampleCount)
    func score(_ row: Int, _ column: Int) -> Double { scores[row * width + column] }
    var undefined = 0
    for row in 0..<map.shape.exampleCount {
      for column in 0..<width where !score(row, column).isFinite { undefined += 1 }
    }
    let differences = rows.indices.flatMap { i in
      columns.indices.map { j in abs(score(rows[i], columns[j]) - cka[i, j]) }
    }
    return (differences.filter(\.isFinite).max(), undefined)
  }
}

/// The Gram matrix of some examples of a layer, n × n, both triangles.
private func gram(
  _ layer: LayerActivations, _ examples: [Int], _ kernel: GramKernel
) throws(ActivationReadError) -> [Double] {
  let (n, p) = (examples.count, layer.featureCount)
  var gram = [Double](repeating: 0, count: n * n)
  // A run of features at a time, which bounds the memory.
  let run = 1024
  for first in stride(from: 0, to: p, by: run) {
    let width = min(run, p - first)
    var x = [Double](repeating: 0, count: n * width)
    for (i, example) in examples.enumerated() {
      try layer.copyFloat64(example, features: first..<(first + width), to: &x, at: i * width)
    }
    // Centered features: no estimator sees the difference, and RBF keeps its digits.
    for k in 0..<width {
      var mean = 0.0
      for i in 0..<n { mean += x[i * width + k] }
      mean /= Double(n)
      for i in 0..<n { x[i * width + k] -= mean }
    }
    cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(n), blasint(n), blasint(width), 1, x,
      blasint(width), x, blasint(width), 1, &gram, blasint(n))
  }
  guard case .rbf(let bandwidth) = kernel else { return gram }
  let squares = (0..<n).map { gram[$0 * n + $0] }
  for i in 0..<n {
    for j in 0..<n {
      gram[i * n + j] = i == j ? 0 : max(squares[i] + squares[j] - 2 * gram[i * n + j], 0)
    }
  }
  func median(_ examples: [Int]) -> Double {
    let sorted = examples.flatMap { i in examples.map { gram[i * n + $0] } }.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
  let variance: Double
  switch bandwidth {
  case .sigma(let sigma): variance = sigma * sigma
  case .medianMultiple(let multiple): variance = multiple * multiple * median(Array(0..<n))
  case .sampledMedianMultiple(let multiple, let count):
    variance = multiple * multiple * median(GramKernel.Bandwidth.sample(of: n, count: count))
  }
  return gram.map { exp(-$0 / (2 * variance)) }
}

/// HKH, or the U-centered matrix.
private func centered(_ gram: [Double], _ n: Int, _ centering: GramCentering) -> [Double] {
  var k = gram
  let isUnbiased = centering == .unbiased
  if isUnbiased { for i in 0..<n { k[i * n + i] = 0 } }
  let sums = (0..<n).map { i in k[(i * n)..<(i * n + n)].reduce(0, +) }
  let total = sums.reduce(0, +)
  let divisor = Double(isUnbiased ? n - 2 : n)
  let grand = total / (isUnbiased ? Double((n - 1) * (n - 2)) : Double(n * n))
  for i in 0..<n {
    for j in 0..<n { k[i * n + j] += grand - (sums[i] + sums[j]) / divisor }
    if isUnbiased { k[i * n + i] = 0 }
  }
  return k
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  cblas_ddot(blasint(a.count), a, 1, b, 1)
}

extension LayerActivations {
  fileprivate var isReadableInFloat64: Bool {
    memoryOrder == .rowMajor && !isByteSwapped
      && [.float16, .bfloat16, .float32, .float64].contains(scalarType)
  }

  /// Copies some features of an example, whatever their floating type.
  fileprivate func copyFloat64(
    _ example: Int, features: Range<Int>, to numbers: inout [Double], at place: Int
  ) throws(ActivationReadError) {
    let start = try row(example).start + features.lowerBound * scalarType.size
    scalarType.forEachNumber(
      from: start, stride: scalarType.size, count: features.count, isSwapped: false
    ) { numbers[place + $0] = $1 }
  }
}
