import Activations
import CKA
import Device
import LinearAlgebra
import Support

/// The jackknife of every pair of layers, and how much of each layer's matrix its examples hold.
struct JackknifeMap: Sendable {
  /// Bias and standard error of each pair; NaN where there is none.
  private(set) var biases: Matrix<Double>
  private(set) var standardErrors: Matrix<Double>
  /// Whether each layer of each model has a value without any one example.
  private(set) var leftStatuses: [Status] = []
  private(set) var rightStatuses: [Status] = []
  /// For each layer of each model, Σⱼ A_kj² of every example k.
  private(set) var leftWeights: Matrix<Double>
  private(set) var rightWeights: Matrix<Double>

  /// Sums over all examples, made in blocks that do not depend on the number of cores, and added up in
  /// their order.
  ///
  /// - Parameter cka: the values of all examples; NaN where undefined.
  init(_ left: UCenteredGrams, _ right: UCenteredGrams, cka: Matrix<Double>) {
    let n = left.exampleCount
    let rows = Side(left)
    let columns = left === right ? rows : Side(right)
    let size = max((n + Self.blockCount - 1) / Self.blockCount, 1)
    let blocks = stride(from: 0, to: n, by: size).map { $0..<min($0 + size, n) }
    left.meter?.begin(Double(n), as: "standard errors")
    defer { left.meter?.end() }
    let parts = concurrentMap(0..<blocks.count) { index in
      Block(blocks[index], rows, columns, cka: cka)
    }
    var sums = Matrix<Double>(rows: cka.rows, columns: cka.columns, repeating: 0)
    var squares = sums
    for index in sums.elements.indices {
      sums.elements[index] = parts.reduce(0) { $0 + $1.sums[index] }
      squares.elements[index] = parts.reduce(0) { $0 + $1.squares[index] }
    }
    // Of examples that hold nearly all of a layer's matrix.
    let heavy = rows.heavyExamples.union(columns.heavyExamples)
    var (leftRests, rightRests) = (Rests(rows), Rests(columns))
    for k in heavy.sorted() {
      let others = LeftOutExample(k, rows, columns)
      leftRests.take(others.leftSquares, of: k)
      rightRests.take(others.rightSquares, of: k)
      for (i, j) in others.pairs where !cka[i, j].isNaN {
        let deviation = others.cosine(i, j) - cka[i, j]
        sums[i, j] += deviation
        squares[i, j] += deviation * deviation
      }
    }
    (leftWeights, rightWeights) = (rows.weights, columns.weights)
    leftStatuses = leftRests.statuses
    rightStatuses = rightRests.statuses
    biases = Matrix(rows: cka.rows, columns: cka.columns, repeating: .nan)
    standardErrors = biases
    for i in leftStatuses.indices where leftStatuses[i] == .ok {
      for j in rightStatuses.indices where rightStatuses[j] == .ok && !cka[i, j].isNaN {
        let jackknife = Jackknife(
          value: cka[i, j], exampleCount: n, sum: sums[i, j], squares: squares[i, j])
        biases[i, j] = jackknife.bias
        standardErrors[i, j] = jackknife.standardError
      }
    }
  }

  static let blockCount = 32
  /// Examples whose rows are unpacked at once: a cache line of packed numbers.
  static let rowsAtOnce = 16

  /// What some of the examples add.
  private struct Block: Sendable {
    /// Σ(θ₍ₖ₎ − θ) and Σ(θ₍ₖ₎ − θ)² of each pair of layers, in the closed form.
    var sums: [Double]
    var squares: [Double]

    init(_ examples: Range<Int>, _ left: Side, _ right: Side, cka: Matrix<Double>) {
      let n = left.grams.exampleCount
      let isOneModel = left.grams === right.grams
      let (rows, columns) = (cka.rows, cka.columns)
      sums = Array(repeating: 0, count: rows * columns)
      squares = sums
      let leftRows = UnsafeMutablePointer<Double>.allocate(capacity: rows * rowsAtOnce * n)
      defer { leftRows.deallocate() }
      let rightRows =
        isOneModel ? leftRows : .allocate(capacity: columns * rowsAtOnce * n)
      defer { if !isOneModel { rightRows.deallocate() } }
      var products = [Double](repeating: 0, count: rows * columns)
      for first in stride(from: examples.lowerBound, to: examples.upperBound, by: rowsAtOnce) {
        let part = first..<min(first + rowsAtOnce, examples.upperBound)
        left.grams.copyRows(part, layers: Array(0..<rows), to: leftRows)
        if !isOneModel { right.grams.copyRows(part, layers: Array(0..<columns), to: rightRows) }
        for k in part {
          let offset = (k - first) * n
          let step = part.count * n
          for index in products.indices { products[index] = 0 }
          // cₖ of all pairs of layers.
          addProduct(
            rows: rows, columns: columns, terms: n, leftRows + offset, stride: step,
            isTransposed: false, rightRows + offset, stride: step, isTransposed: true,
            to: &products, stride: columns)
          for i in 0..<rows where !left.isHeavy(k, inLayer: i) {
            for j in 0..<columns where !right.isHeavy(k, inLayer: j) {
              let index = i * columns + j
              let value = cka.elements[index]
              guard !value.isNaN else { continue }
              let (leftTotal, rightTotal) = (left.totals[i], right.totals[j])
              let all = PairProducts(
                cross: value * (leftTotal * rightTotal).squareRoot(), left: leftTotal,
                right: rightTotal)
              let own = PairProducts(
                cross: products[index], left: left.weights[i, k], right: right.weights[j, k])
              let deviation = all.without(own, of: n).cosine - value
              sums[index] += deviation
              squares[index] += deviation * deviation
            }
          }
        }
        left.grams.meter?.add(Double(part.count))
      }
    }
  }

  /// The squares of each layer of a model without its heavy examples.
  private struct Rests {
    let side: Side
    var squares: [[Int: Double]]

    init(_ side: Side) {
      self.side = side
      squares = Array(repeating: [:], count: side.totals.count)
    }

    /// Of some layers without example k.
    mutating func take(_ found: [Int: Double], of k: Int) {
      for (layer, square) in found where side.isHeavy(k, inLayer: layer) {
        squares[layer][k] = square
      }
    }

    var statuses: [Status] {
      squares.indices.map { side.statusOfLeavingOneOut(inLayer: $0, heavy: squares[$0]) }
    }
  }
}

extension JackknifeMap {
  /// One model's matrices, with what each example holds of them.
  struct Side: Sendable {
    let grams: UCenteredGrams
    /// ⟨A, A⟩ of each layer.
    let totals: [Double]
    /// Σⱼ A_kj² of every example k: layers × n.
    let weights: Matrix<Double>

    init(_ grams: UCenteredGrams) {
      self.grams = grams
      let weights = grams.weights
      self.weights = weights
      totals = (0..<weights.rows).map { layer in
        weights.elements[(layer * weights.columns)..<((layer + 1) * weights.columns)].reduce(0, +)
      }
    }

    /// Whether the closed form without example k is a difference of nearly equal numbers.
    func isHeavy(_ k: Int, inLayer layer: Int) -> Bool {
      RemainingNorm.isHeavy(weights[layer, k], total: totals[layer], exampleCount: weights.columns)
    }

    /// The examples that are heavy in any layer: two at most in each, of more than a few examples.
    var heavyExamples: Set<Int> {
      totals.indices.reduce(into: Set()) { found, layer in
        found.formUnion((0..<weights.columns).filter { isHeavy($0, inLayer: layer) })
      }
    }

    /// The layers of which the rounding leaves nothing without some one example.
    var layersWithoutRest: [Int] {
      totals.indices.filter { statusOfLeavingOneOut(inLayer: $0, heavy: [:]) == .lowPrecision }
    }

    /// - Parameter heavy: what is left of ⟨A, A⟩ without each heavy example, as far as it is known apart from
    ///   the closed form.
    func statusOfLeavingOneOut(inLayer layer: Int, heavy: [Int: Double]) -> Status {
      let start = layer * weights.columns
      return RemainingNorm.statusOfLeavingOneOut(
        weights: Array(weights.elements[start..<(start + weights.columns)]), total: totals[layer],
        rounding: grams.rounding(ofLayer: layer), heavy: heavy)
    }
  }
}
