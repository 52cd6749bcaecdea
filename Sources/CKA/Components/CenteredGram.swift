import Device
import LinearAlgebra

/// One layer's H-centered Gram matrix HKH of all compared examples, in memory as its packed triangle.
///
/// 4 bytes for each pair of examples, as `GramCentering.biased` orders them; there is never an n × n
/// matrix. What is computed from it is float64.
final class CenteredGram: @unchecked Sendable {
  // @unchecked: `numbers` is written before anybody else sees it.
  /// n.
  let exampleCount: Int
  let summary: GramSummary
  /// Row by row j ≤ i, in stored units; off the diagonal times √2.
  private let numbers: UnsafeMutableBufferPointer<Float>

  /// A copy of one layer of `stack`, which was centered for the biased estimator.
  init<D: Device>(
    layer: Int, of stack: D.Stack, exampleCount n: Int, on device: D
  ) throws(DeviceError) {
    exampleCount = n
    summary = stack.layers[layer]
    numbers = .allocate(capacity: GramCentering.biased.packedCount(exampleCount: n))
    try device.copyNumbers(ofLayer: layer, of: stack, to: numbers)
  }

  deinit { numbers.deallocate() }

  /// Whether there is a matrix at all.
  var exists: Bool { summary.isFinite && !summary.isConstant }

  /// The start of row `i`'s i + 1 numbers.
  private func row(_ i: Int) -> UnsafeMutablePointer<Float> {
    guard let start = numbers.baseAddress else { preconditionFailure("a matrix of no examples") }
    return start + i * (i + 1) / 2
  }

  /// ‖x̃ᵢ‖²: what is on the diagonal.
  var diagonal: [Double] { (0..<exampleCount).map { Double(row($0)[$0]) } }

  /// tr HKH = Σλ.
  var trace: Double { diagonal.reduce(0, +) }

  /// ‖HKH‖² (Frobenius) = Σλ².
  var squaredNorm: Double {
    (0..<exampleCount).reduce(0) { sum, i in
      let row = row(i)
      return sum + (0...i).reduce(0) { $0 + Double(row[$1]) * Double(row[$1]) }
    }
  }

  /// images ← vectors · HKH: `count` × n numbers each, a vector a row.
  ///
  /// The triangle is read once: what stands in a run of rows serves its columns too.
  func multiply(
    _ vectors: UnsafePointer<Double>, count: Int, into images: UnsafeMutablePointer<Double>
  ) {
    let (n, side) = (exampleCount, 64)
    images.update(repeating: 0, count: count * n)
    let panel = UnsafeMutablePointer<Double>.allocate(capacity: side * n)
    defer { panel.deallocate() }
    for first in stride(from: 0, to: n, by: side) {
      let last = min(first + side, n)
      for i in first..<last {
        let (source, target) = (row(i), panel + (i - first) * last)
        for j in 0..<i { target[j] = Double(source[j]) * 0.5.squareRoot() }
        target[i] = Double(source[i])
        // The other half of the square on the diagonal.
        for j in first..<i { panel[(j - first) * last + i] = target[j] }
      }
      addProduct(
        rows: count, columns: last - first, terms: last, vectors, stride: n, isTransposed: false,
        panel,
        stride: last,
        isTransposed: true, to: images + first, stride: n)
      addProduct(
        rows: count, columns: first, terms: last - first, vectors + first, stride: n, panel,
        stride: last, to: images, stride: n)
    }
  }

  /// All n × n numbers. For few examples.
  var matrix: Matrix<Double> {
    var matrix = Matrix<Double>(rows: exampleCount, columns: exampleCount, repeating: 0)
    for i in 0..<exampleCount {
      for j in 0..<i { matrix[i, j] = Double(row(i)[j]) * 0.5.squareRoot() }
      matrix[i, i] = Double(row(i)[i])
    }
    return matrix
  }

  /// The matrix of some of the examples without some components, centered anew and packed.
  ///
  /// K − Σ λᵤuuᵀ is the Gram matrix of the activations X̃ − uuᵀX̃, whose features are centered like
  /// those of X̃. So both centerings of it are what the estimators make of those activations: HKH and
  /// K differ by what depends on one example each, which centering takes away.
  ///
  /// - Parameters:
  ///   - examples: in ascending order.
  ///   - count: how many of `pairs` are taken out, the largest first.
  ///   - destination: room for the packed triangle of these examples.
  func reduce(
    to examples: [Int], removing count: Int, of pairs: Eigenpairs, centering: GramCentering,
    into destination: UnsafeMutablePointer<Float>
  ) {
    let n = examples.count
    let isHollow = centering == .unbiased
    let vectors = (0..<min(count, pairs.values.count)).map { index in
      examples.map { pairs.vectors[index, $0] }
    }
    // Rounded up, for sums of eight at a time.
    let width = (n + 7) / 8 * 8
    let room = UnsafeMutablePointer<Double>.allocate(capacity: 2 * width)
    defer { room.deallocate() }
    room.update(repeating: 0, count: 2 * width)
    let (entries, sums) = (room, room + width)
    var out = destination
    for (a, i) in examples.enumerated() {
      let source = row(i)
      examples.withUnsafeBufferPointer { examples in
        for b in 0..<a { entries[b] = Double(source[examples[b]]) * 0.5.squareRoot() }
      }
      entries[a] = Double(source[i])
      for (vector, value) in zip(vectors, pairs.values) {
        let factor = value * vector[a]
        vector.withUnsafeBufferPointer { vector in
          for b in 0...a { entries[b] -= factor * vector[b] }
        }
      }
      let diagonal = entries[a]
      // What stands behind the diagonal is zero: no row before was longer.
      entries[a] = isHollow ? 0 : diagonal
      var total = SIMD8<Double>()
      for start in stride(from: 0, to: a + 1, by: 8) {
        total += UnsafeRawPointer(entries + start).loadUnaligned(as: SIMD8<Double>.self)
      }
      for b in 0..<a {
        sums[b] += entries[b]
        out[b] = Float(entries[b])
      }
      sums[a] += total.sum()
      if !isHollow { out[a] = Float(diagonal) }
      out += isHollow ? a : a + 1
    }
    let means = centering.rowMeans(sums: Array(UnsafeBufferPointer(start: sums, count: n)))
    means.withUnsafeBufferPointer { means in
      out = destination
      for a in 0..<n {
        let mean = means[a]
        for b in 0..<a { out[b] = Float((Double(out[b]) - mean - means[b]) * 2.0.squareRoot()) }
        if !isHollow { out[a] = Float(Double(out[a]) - 2 * mean) }
        out += isHollow ? a : a + 1
      }
    }
  }
}
