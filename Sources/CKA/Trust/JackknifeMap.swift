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
  init(_ left: CenteredGrams, _ right: CenteredGrams, cka: Matrix<Double>) {
    let n = left.exampleCount
    let size = max((n + Self.blockCount - 1) / Self.blockCount, 1)
    let blocks = stride(from: 0, to: n, by: size).map { $0..<min($0 + size, n) }
    let leftTotals = Self.squaredNorms(left)
    let rightTotals = left === right ? leftTotals : Self.squaredNorms(right)
    left.meter?.begin(Double(n), as: "standard errors")
    defer { left.meter?.end() }
    let parts = concurrentMap(0..<blocks.count) { index in
      Block(blocks[index], left, right, cka: cka, leftTotals: leftTotals, rightTotals: rightTotals)
    }
    biases = Matrix(rows: cka.rows, columns: cka.columns, repeating: .nan)
    standardErrors = biases
    func weights(_ count: Int, _ ofBlock: (Block) -> [Double]) -> Matrix<Double> {
      var weights = Matrix<Double>(rows: count, columns: n, repeating: 0)
      for (examples, part) in zip(blocks, parts) {
        for layer in 0..<count {
          for k in examples {
            weights[layer, k] = ofBlock(part)[layer * examples.count + k - examples.lowerBound]
          }
        }
      }
      return weights
    }
    leftWeights = weights(left.layers.count) { $0.left }
    rightWeights = left === right ? leftWeights : weights(right.layers.count) { $0.right }
    leftStatuses = Self.statuses(leftWeights, leftTotals, left)
    rightStatuses = Self.statuses(rightWeights, rightTotals, right)
    for i in leftStatuses.indices where leftStatuses[i] == .ok {
      for j in rightStatuses.indices where rightStatuses[j] == .ok && !cka[i, j].isNaN {
        let index = i * cka.columns + j
        let jackknife = Jackknife(
          value: cka[i, j], exampleCount: n, sum: parts.reduce(0) { $0 + $1.sums[index] },
          squares: parts.reduce(0) { $0 + $1.squares[index] })
        biases[i, j] = jackknife.bias
        standardErrors[i, j] = jackknife.standardError
      }
    }
  }

  private static func statuses(
    _ weights: Matrix<Double>, _ totals: [Double], _ grams: CenteredGrams
  ) -> [Status] {
    totals.indices.map { layer in
      let start = layer * weights.columns
      return RemainingNorm.statusOfLeavingOneOut(
        weights: weights.elements[start..<(start + weights.columns)], total: totals[layer],
        rounding: grams.layers[layer].roundingNorm)
    }
  }

  private static let blockCount = 32
  /// Examples whose rows are unpacked at once: a cache line of packed numbers.
  private static let rowsAtOnce = 16

  /// ⟨A, A⟩ of each layer.
  private static func squaredNorms(_ grams: CenteredGrams) -> [Double] {
    concurrentMap(0..<grams.layers.count) { layer in
      let count = grams.exampleCount * (grams.exampleCount - 1) / 2
      let numbers = grams.packedRow(1, ofLayer: layer)
      var sum = 0.0
      for index in 0..<count { sum += Double(numbers[index]) * Double(numbers[index]) }
      return sum
    }
  }

  /// What some of the examples add.
  private struct Block: Sendable {
    /// Σ(θ₍ₖ₎ − θ) and Σ(θ₍ₖ₎ − θ)² of each pair of layers.
    var sums: [Double]
    var squares: [Double]
    /// layers × examples of the block.
    var left: [Double]
    var right: [Double]

    init(
      _ examples: Range<Int>, _ leftGrams: CenteredGrams, _ rightGrams: CenteredGrams,
      cka: Matrix<Double>, leftTotals: [Double], rightTotals: [Double]
    ) {
      let n = leftGrams.exampleCount
      let isOneModel = leftGrams === rightGrams
      let (rows, columns) = (cka.rows, cka.columns)
      sums = Array(repeating: 0, count: rows * columns)
      squares = sums
      left = Array(repeating: 0, count: rows * examples.count)
      right = isOneModel ? [] : Array(repeating: 0, count: columns * examples.count)
      let leftRows = UnsafeMutablePointer<Double>.allocate(capacity: rows * rowsAtOnce * n)
      defer { leftRows.deallocate() }
      let rightRows =
        isOneModel ? leftRows : .allocate(capacity: columns * rowsAtOnce * n)
      defer { if !isOneModel { rightRows.deallocate() } }
      var products = [Double](repeating: 0, count: rows * columns)
      for first in stride(from: examples.lowerBound, to: examples.upperBound, by: rowsAtOnce) {
        let part = first..<min(first + rowsAtOnce, examples.upperBound)
        leftGrams.copyRows(part, to: leftRows)
        if !isOneModel { rightGrams.copyRows(part, to: rightRows) }
        for k in part {
          let offset = (k - first) * n
          let step = part.count * n
          for index in products.indices { products[index] = 0 }
          // cₖ of all pairs of layers.
          addProduct(
            rows: rows, columns: columns, terms: n, leftRows + offset, stride: step,
            isTransposed: false, rightRows + offset, stride: step, isTransposed: true,
            to: &products, stride: columns)
          let leftSquares = Self.squares(leftRows + offset, rows, step, n)
          let rightSquares =
            isOneModel ? leftSquares : Self.squares(rightRows + offset, columns, step, n)
          for (layer, square) in leftSquares.enumerated() {
            left[layer * examples.count + k - examples.lowerBound] = square
          }
          if !isOneModel {
            for (layer, square) in rightSquares.enumerated() {
              right[layer * examples.count + k - examples.lowerBound] = square
            }
          }
          for i in 0..<rows {
            for j in 0..<columns {
              let index = i * columns + j
              let value = cka.elements[index]
              guard !value.isNaN else { continue }
              let all = PairProducts(
                cross: value * (leftTotals[i] * rightTotals[j]).squareRoot(), left: leftTotals[i],
                right: rightTotals[j])
              let own = PairProducts(
                cross: products[index], left: leftSquares[i], right: rightSquares[j])
              let deviation = all.without(own, of: n).cosine - value
              sums[index] += deviation
              squares[index] += deviation * deviation
            }
          }
        }
        leftGrams.meter?.add(Double(part.count))
      }
    }

    private static func squares(
      _ start: UnsafePointer<Double>, _ count: Int, _ step: Int, _ n: Int
    ) -> [Double] {
      (0..<count).map { layer in
        let row = start + layer * step
        var sum = 0.0
        for j in 0..<n { sum += row[j] * row[j] }
        return sum
      }
    }
  }
}
