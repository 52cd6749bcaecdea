import Activations
import CKA
import Device
import LinearAlgebra

extension ComponentAnalysis {
  /// The layers of which float32 leaves too little in any of `sums`, and that have matrices.
  static func doubtful(
    _ sums: [HSICSums], _ layers: KeyPath<HSICSums, [HSICSums.Layer]>, _ statuses: [Status]
  ) -> [Int] {
    sums.reduce(into: Set()) { $0.formUnion($1.doubtful($1[keyPath: layers], .linear)) }
      .filter { statuses[$0] == .ok }.sorted()
  }

  /// The matrices of some layers anew, in float64.
  ///
  /// - Parameter layers: of one model, `minibatch` of it.
  func float64Grams(
    _ layers: [Int], of minibatch: Minibatch
  ) throws(DeviceError) -> [(layer: Int, gram: HCenteredGram)] {
    guard !layers.isEmpty else { return [] }
    let n = pairing.count
    let count = GramCentering.biased.packedCount(exampleCount: n)
    let grid = TileGrid(exampleCount: n, side: n)
    let workspace = Float64Workspace(side: n, meter: meter)
    do throws(ActivationReadError) {
      var grams: [(layer: Int, gram: HCenteredGram)] = []
      for layer in layers {
        let gram = try Float64Gram(
          of: minibatch.layers[layer], examples: minibatch.examples, kernel: .linear,
          centering: .biased, grid: grid, in: workspace)
        let numbers = PackedTriangles<Double>(count: count)
        try gram.write(tile: 0, to: numbers.start(), in: workspace)
        grams.append(
          (layer, HCenteredGram(float64: numbers, summary: gram.summary, exampleCount: n)))
      }
      return grams
    } catch { throw DeviceError(error) }
  }
}

extension HCenteredGram {
  /// What `reduce` does, of a float64 matrix: only what is left at the end is rounded to float32, relative to
  /// its own norm. Returns the summary of what is written.
  ///
  /// The components are projected out from both sides, (I − UUᵀ)K(I − UUᵀ): an error ε in a vector leaves
  /// λε² of its component, where K − Σλuuᵀ would keep λε.
  func reduceFloat64(
    to examples: [Int], removing count: Int, of pairs: Eigenpairs, centering: GramCentering,
    into destination: UnsafeMutablePointer<Float>
  ) -> GramSummary {
    let n = examples.count
    let projection = projection(removing: count, of: pairs)
    let hasZeroDiagonal = centering == .unbiased
    let room = UnsafeMutablePointer<Double>.allocate(
      capacity: GramCentering.biased.packedCount(exampleCount: n) + exampleCount)
    defer { room.deallocate() }
    let entries = room + exampleCount
    var sums = [Double](repeating: 0, count: n)
    var out = entries
    for (a, i) in examples.enumerated() {
      copyRow(i, to: room)
      for (b, j) in examples[...a].enumerated() {
        var entry = i == j ? room[j] : room[j] * 0.5.squareRoot()
        entry = projection.rest(of: entry, i, j)
        if a == b {
          out[b] = hasZeroDiagonal ? 0 : entry
          sums[a] += out[b]
        } else {
          out[b] = entry
          sums[a] += entry
          sums[b] += entry
        }
      }
      out += a + 1
    }
    let means = centering.rowMeans(sums: sums)
    out = entries
    // Packed as `centering` has them: what is read never lies before what is written.
    var packed = entries
    for a in 0..<n {
      for b in 0..<a { packed[b] = (out[b] - means[a] - means[b]) * 2.0.squareRoot() }
      if !hasZeroDiagonal { packed[a] = out[a] - 2 * means[a] }
      out += a + 1
      packed += hasZeroDiagonal ? a : a + 1
    }
    return summary.narrowed(
      entries, count: centering.packedCount(exampleCount: n), to: destination)
  }

  /// What (I − UUᵀ)K(I − UUᵀ) lacks of K, UGᵀ + GUᵀ with G = KU − ½UUᵀKU.
  struct Projection {
    /// U and G, a column of each a row here.
    fileprivate let factors: [(u: [Double], g: [Double])]

    /// What is left of an entry of K.
    func rest(of entry: Double, _ i: Int, _ j: Int) -> Double {
      var entry = entry
      for (u, g) in factors { entry -= u[i] * g[j] + g[i] * u[j] }
      return entry
    }
  }

  /// What `count` of `pairs`, the largest first, hold of the matrix.
  func projection(removing count: Int, of pairs: Eigenpairs) -> Projection {
    let (n, count) = (exampleCount, min(count, pairs.values.count))
    let u = Array(pairs.vectors.elements.prefix(count * n))
    var images = [Double](repeating: 0, count: count * n)
    multiply(u, count: count, into: &images)
    let middle = innerProducts(
      Matrix(rows: count, columns: n, elements: u),
      Matrix(rows: count, columns: n, elements: images))
    addProduct(
      rows: count, columns: n, terms: count, scale: -0.5, middle.elements, stride: count, u,
      stride: n, to: &images, stride: n)
    func rows(_ numbers: [Double]) -> [[Double]] {
      (0..<count).map { Array(numbers[($0 * n)..<(($0 + 1) * n)]) }
    }
    return Projection(factors: Array(zip(rows(u), rows(images))))
  }
}
