import Activations
import Device
import Foundation

/// A backend of three functions, by the definitions: all that a new device has to be.
///
/// For small layers of float32 in memory. Matrices are made in float64, centered, and kept in float32.
struct ThreeFunctionDevice: PackedDevice {
  let info = DeviceInfo(
    id: "three", name: "three functions", backend: "test", driver: "1", memory: 1 << 34,
    hasFloat64: true, computeUnits: 1)

  func gramStack(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering
  ) throws(DeviceError) -> PackedStack {
    try PackedStack(
      layerCount: minibatch.layers.count, exampleCount: minibatch.exampleCount,
      centering: centering, meter: minibatch.meter
    ) { (layer, numbers) throws(DeviceError) in
      try write(minibatch.layers[layer], minibatch.examples, kernel, centering, to: numbers)
    }
  }

  func innerProducts(
    _ left: PackedStack, _ right: PackedStack
  ) throws(DeviceError) -> Matrix<Double> {
    let products = left.grams.numbers.flatMap { a in
      right.grams.numbers.map { product(a, $0, left.grams) }
    }
    return Matrix(rows: left.layers.count, columns: right.layers.count, elements: products)
  }

  func squaredNorms(_ stack: PackedStack) throws(DeviceError) -> [Double] {
    stack.grams.numbers.map { product($0, $0, stack.grams) }
  }

  private func product(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ grams: PackedGrams
  ) -> Double {
    (0..<grams.centering.packedCount(exampleCount: grams.exampleCount)).reduce(0) {
      $0 + Double(a[$1]) * Double(b[$1])
    }
  }

  private func write(
    _ layer: LayerActivations, _ examples: [Int], _ kernel: GramKernel,
    _ centering: GramCentering, to numbers: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError) -> GramSummary {
    var rows: [[Double]] = []
    for example in examples { rows.append(try row(example, of: layer)) }
    guard rows.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      return .empty(isFinite: false, isConstant: false)
    }
    guard rows.contains(where: { $0 != rows[0] }) else {
      return .empty(isFinite: true, isConstant: true)
    }
    let n = examples.count
    for k in rows[0].indices {
      let mean = rows.reduce(0) { $0 + $1[k] } / Double(n)
      for i in 0..<n { rows[i][k] -= mean }
    }
    var gram = rows.map { a in rows.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
    var sigma: Double?
    if case .rbf(let rule) = kernel {
      let norms = (0..<n).map { gram[$0][$0] }
      for i in 0..<n {
        for j in 0..<n { gram[i][j] = i == j ? 0 : norms[i] + norms[j] - 2 * gram[i][j] }
      }
      let found = bandwidth(rule, gram)
      sigma = found
      guard found > 0, found.isFinite else {
        var summary = GramSummary.empty(isFinite: false, isConstant: false)
        summary.sigma = found
        return summary
      }
      gram = gram.map { $0.map { exp(-$0 / (2 * found * found)) } }
    }
    let hasZeroDiagonal = centering == .unbiased
    if hasZeroDiagonal { for i in 0..<n { gram[i][i] = 0 } }
    let means = centering.rowMeans(sums: gram.map { $0.reduce(0, +) })
    var (place, square) = (0, 0.0)
    for i in 0..<n {
      for j in 0...i where j < i || !hasZeroDiagonal {
        let entry = (gram[i][j] - means[i] - means[j]) * (i == j ? 1 : 2.0.squareRoot())
        numbers[place] = Float(entry)
        square += entry * entry
        place += 1
      }
    }
    return GramSummary(
      exponent: 0, isFinite: true, isConstant: false,
      roundingNorm: RoundingModel.unitRoundoff * square.squareRoot(), sigma: sigma)
  }

  private func row(_ example: Int, of layer: LayerActivations) throws(DeviceError) -> [Double] {
    guard layer.scalarType == .float32, layer.memoryOrder == .rowMajor else {
      throw DeviceError(kind: .unsupported, call: "gramStack", context: "float32 rows only")
    }
    do throws(ActivationReadError) {
      let start = try layer.row(example).start
      return (0..<layer.featureCount).map {
        Double(start.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self))
      }
    } catch { throw DeviceError(error) }
  }

  private func bandwidth(_ rule: GramKernel.Bandwidth, _ squares: [[Double]]) -> Double {
    let (multiple, count): (Double, Int)
    switch rule {
    case .sigma(let sigma): return sigma
    case .medianMultiple(let factor): (multiple, count) = (factor, squares.count)
    case .sampledMedianMultiple(let factor, let some): (multiple, count) = (factor, some)
    }
    let sample = GramKernel.Bandwidth.sample(of: squares.count, count: count)
    let sorted = sample.flatMap { i in sample.map { squares[i][$0] } }.sorted()
    let median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    return multiple * median.squareRoot()
  }
}
