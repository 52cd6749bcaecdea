import Device
import LinearAlgebra

/// One layer's H-centered Gram matrix HKH of all compared examples, in memory as its packed triangle.
///
/// 4 bytes for each pair of examples, as `GramCentering.biased` orders them, or 8; there is never an n × n
/// matrix. What is computed from it is float64.
final class HCenteredGram: @unchecked Sendable {
  // @unchecked: `numbers` is written before anybody else sees it.
  /// n.
  let exampleCount: Int
  let summary: GramSummary
  /// Row by row j ≤ i, in stored units; off the diagonal times √2.
  private let numbers: PackedTriangles<Float>
  /// The same in float64, in place of `numbers`.
  private let wideNumbers: PackedTriangles<Double>?

  /// Whether the matrix was made in float64.
  var isFloat64: Bool { wideNumbers != nil }

  /// A copy of one layer of `stack`, which was centered for the biased estimator.
  init<D: PackedDevice>(
    layer: Int, of stack: D.Stack, exampleCount n: Int, on device: D
  ) throws(DeviceError) {
    exampleCount = n
    summary = stack.layers[layer]
    wideNumbers = nil
    numbers = PackedTriangles(count: GramCentering.biased.packedCount(exampleCount: n))
    try device.copyNumbers(ofLayer: layer, of: stack, to: numbers[0])
  }

  /// A matrix that was made in float64.
  init(
    float64 numbers: PackedTriangles<Double>, summary: GramSummary, exampleCount n: Int
  ) {
    exampleCount = n
    self.summary = summary
    wideNumbers = numbers
    self.numbers = PackedTriangles(count: 0)
  }

  /// Whether the layer has a matrix.
  var exists: Bool { summary.isFinite && !summary.isConstant }

  /// The start of row `i`'s i + 1 numbers.
  private func row(_ i: Int) -> UnsafeMutablePointer<Float> {
    numbers.start() + i * (i + 1) / 2
  }

  /// Writes row `i`'s i + 1 numbers in float64.
  func copyRow(_ i: Int, to target: UnsafeMutablePointer<Double>) {
    if let start = wideNumbers?.start() {
      return target.update(from: start + i * (i + 1) / 2, count: i + 1)
    }
    let source = row(i)
    for j in 0...i { target[j] = Double(source[j]) }
  }

  /// Calls `body` with every row's i + 1 numbers in float64.
  private func forEachRow(_ body: (_ i: Int, UnsafeMutablePointer<Double>) -> Void) {
    let room = UnsafeMutablePointer<Double>.allocate(capacity: exampleCount)
    defer { room.deallocate() }
    for i in 0..<exampleCount {
      copyRow(i, to: room)
      body(i, room)
    }
  }

  /// ‖x̃ᵢ‖²: what is on the diagonal.
  var diagonal: [Double] {
    (0..<exampleCount).map { i in
      wideNumbers.map { $0.start()[i * (i + 3) / 2] } ?? Double(row(i)[i])
    }
  }

  /// tr HKH = Σλ.
  var trace: Double { diagonal.reduce(0, +) }

  /// ‖HKH‖² (Frobenius) = Σλ².
  var squaredNorm: Double {
    var sum = 0.0
    forEachRow { i, row in
      sum += (0...i).reduce(0) { $0 + row[$1] * row[$1] }
    }
    return sum
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
        let target = panel + (i - first) * last
        copyRow(i, to: target)
        for j in 0..<i { target[j] *= 0.5.squareRoot() }
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
    forEachRow { i, row in
      for j in 0..<i { matrix[i, j] = row[j] * 0.5.squareRoot() }
      matrix[i, i] = row[i]
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
  /// - Returns: the summary of what is written.
  func reduce(
    to examples: [Int], removing count: Int, of pairs: Eigenpairs, centering: GramCentering,
    into destination: UnsafeMutablePointer<Float>
  ) -> GramSummary {
    if isFloat64 {
      return reduceFloat64(
        to: examples, removing: count, of: pairs, centering: centering, into: destination)
    }
    let n = examples.count
    let hasZeroDiagonal = centering == .unbiased
    let vectors = (0..<min(count, pairs.values.count)).map { index in
      examples.map { pairs.vectors[index, $0] }
    }
    // Rounded up, for sums of eight at a time.
    let width = (n + 7) / 8 * 8
    let room = UnsafeMutablePointer<Double>.allocate(capacity: 2 * width)
    defer { room.deallocate() }
    room.update(repeating: 0, count: 2 * width)
    let (entries, sums) = (room, room + width)
    // Few of many are dropped: what is left is runs, which are copied without a look at each place.
    let runs = runs(of: examples)
    var out = destination
    for (a, i) in examples.enumerated() {
      let source = row(i)
      for run in runs {
        guard run.start < a else { break }
        let (from, to) = (source + run.example, entries + run.start)
        for b in 0..<min(run.count, a - run.start) {
          to[b] = Double(from[b]) * 0.5.squareRoot()
        }
      }
      entries[a] = Double(source[i])
      for (vector, value) in zip(vectors, pairs.values) {
        let factor = value * vector[a]
        vector.withUnsafeBufferPointer { vector in
          for b in 0...a { entries[b] -= factor * vector[b] }
        }
      }
      let diagonal = entries[a]
      // Entries right of the diagonal are zero.
      entries[a] = hasZeroDiagonal ? 0 : diagonal
      var total = SIMD8<Double>()
      for start in stride(from: 0, to: a + 1, by: 8) {
        total += UnsafeRawPointer(entries + start).loadUnaligned(as: SIMD8<Double>.self)
      }
      for b in 0..<a {
        sums[b] += entries[b]
        out[b] = Float(entries[b])
      }
      sums[a] += total.sum()
      if !hasZeroDiagonal { out[a] = Float(diagonal) }
      out += hasZeroDiagonal ? a : a + 1
    }
    let means = centering.rowMeans(sums: Array(UnsafeBufferPointer(start: sums, count: n)))
    means.withUnsafeBufferPointer { means in
      out = destination
      for a in 0..<n {
        let mean = means[a]
        for b in 0..<a { out[b] = Float((Double(out[b]) - mean - means[b]) * 2.0.squareRoot()) }
        if !hasZeroDiagonal { out[a] = Float(Double(out[a]) - 2 * mean) }
        out += hasZeroDiagonal ? a : a + 1
      }
    }
    return summary
  }
}

/// The runs of numbers that follow one another: where a run begins, its first number, and how many it has.
private func runs(of examples: [Int]) -> [(start: Int, example: Int, count: Int)] {
  var runs: [(start: Int, example: Int, count: Int)] = []
  for (place, example) in examples.enumerated() {
    if let last = runs.last, last.example + last.count == example {
      runs[runs.count - 1].count += 1
    } else {
      runs.append((place, example, 1))
    }
  }
  return runs
}
