import Activations
import Device
import Foundation
import TestSupport
import Testing

extension TileTests {
  /// ‖XᵢᵀXⱼ‖² of all pairs of layers, in units of the activations.
  static func featureSums(
    _ layers: [LayerActivations], _ examples: [Int], on device: some CrossCovarianceDevice,
    memory: Int = 64 << 20
  ) throws -> Matrix<Double> {
    let tiles = try linearTiles(layers, examples, on: device, memory: memory)
    let count = layers.count
    let pairs = (0..<(count * count)).map { LayerPair($0 / count, $0 % count) }
    let squares = try device.crossCovarianceNorms(tiles, tiles, pairs: pairs)
    return Matrix(
      rows: count, columns: count,
      elements: zip(pairs, squares).map { pair, square in
        let exponent =
          tiles.exponentOfSquares(ofLayer: pair.left) + tiles.exponentOfSquares(ofLayer: pair.right)
        return square * Double(sign: .plus, exponent: exponent, significand: 1)
      })
  }

  /// Debiased CKA of all pairs of layers, from products of features: see `CrossCovarianceDevice.crossCovarianceNorms`.
  static func featureCKA(
    _ layers: [LayerActivations], _ examples: [Int], on device: some CrossCovarianceDevice,
    memory: Int = 64 << 20
  ) throws -> Matrix<Double> {
    let tiles = try linearTiles(layers, examples, on: device, memory: memory)
    let squares = try featureSums(layers, examples, on: device, memory: memory)
    let n = Double(examples.count)
    let norms = layers.indices.map { layer in
      let unit = Double(
        sign: .plus, exponent: tiles.exponentOfSquares(ofLayer: layer), significand: 1)
      return tiles.squaredNorms(ofLayer: layer).map { Double($0) * unit }
    }
    var sums = squares
    for i in layers.indices {
      for j in layers.indices {
        let mixed = zip(norms[i], norms[j]).reduce(0) { $0 + $1.0 * $1.1 }
        sums[i, j] +=
          norms[i].reduce(0, +) * norms[j].reduce(0, +) / ((n - 1) * (n - 2)) - n / (n - 2) * mixed
      }
    }
    var cka = sums
    for i in layers.indices {
      for j in layers.indices { cka[i, j] = sums[i, j] / (sums[i, i] * sums[j, j]).squareRoot() }
    }
    return cka
  }

  static func linearTiles<D: TiledDevice>(
    _ layers: [LayerActivations], _ examples: [Int], on device: D, memory: Int
  ) throws -> D.TiledInput {
    try device.prepareTiles(
      of: Minibatch(layers: layers, examples: examples), kernel: .linear, centering: .unbiased,
      division: TileDivision(side: 64, memory: memory), observe: {})
  }
}

/// ‖XᵀY‖² of centered features, against float64.
@Suite(.serialized) struct FeatureProductTests {
  typealias Shape = (n: Int, p: Int, q: Int)
  static let shapes: [Shape] = [(5, 3, 2), (130, 33, 64), (1100, 70, 257), (700, 300, 1)]

  /// Two layers of each shape and ‖XᵀX‖², ‖XᵀY‖², ‖YᵀY‖² by brute force: once for all devices.
  static let products: [String: (x: Activations64, y: Activations64, squares: [Double])] = {
    func square(_ a: Activations64, _ b: Activations64) -> Double {
      func centered(_ x: Activations64) -> [[Double]] {
        (0..<x.p).map { k in
          let mean = (0..<x.n).reduce(0) { $0 + x[$1, k] } / Double(x.n)
          return (0..<x.n).map { x[$0, k] - mean }
        }
      }
      let (left, right) = (centered(a), centered(b))
      return left.reduce(0) { sum, column in
        right.reduce(sum) { sum, other in
          let product = zip(column, other).reduce(0) { $0 + $1.0 * $1.1 }
          return sum + product * product
        }
      }
    }
    return Dictionary(
      uniqueKeysWithValues: shapes.map { shape in
        let x = Activations64.normal(n: shape.n, p: shape.p, seed: 1, scale: 3, offset: 50)
        let y = x.mixed(into: .normal(n: shape.n, p: shape.q, seed: 2), weight: 0.3)
        return ("\(shape)", (x, y, [square(x, x), square(x, y), square(y, y)]))
      })
  }()

  @Test(arguments: TestedDevice.all, shapes)
  func equalFloat64(tested: TestedDevice, shape: Shape) throws {
    let n = shape.n
    let (x, y, expected) = try #require(Self.products["\(shape)"])
    let layers = [x.layer(), y.layer()]
    // Enough for all, for a few rows at a time, and for less than one: many passes.
    for memory in [64 << 20, 1 << 20, 1] {
      let found = try TileTests.featureSums(
        layers, Array(0..<n), on: tested.device, memory: memory)
      let sums = [found[0, 0], found[0, 1], found[1, 1]]
      for (index, (sum, wanted)) in zip(sums, expected).enumerated() {
        // An entry is a walk of n roundings of u relative to at most itself: twice that squared. Of an
        // independent pair, relative to the layers' own squares.
        let scale = index == 1 ? (expected[0] * expected[2]).squareRoot() : wanted
        #expect(abs(sum - wanted) <= 2 * 0x1p-24 * Double(n).squareRoot() * scale + 1e-6 * scale)
      }
      #expect(
        abs(found[1, 0] - found[0, 1]) <= 1e-6 * (expected[0] * expected[2]).squareRoot())
      // The debiased formula, which takes norms from products.
      if n > 100 {
        let cka = try TileTests.featureCKA(
          layers, Array(0..<n), on: tested.device, memory: memory)
        let wanted = Oracle.cka(x, y, unbiased: true)
        #expect(abs(cka[0, 1] - wanted) < ConformanceTests.tolerance)
      }
    }
  }

  /// Equal layers of two models have the same products, so that their CKA is exactly 1; the second
  /// model may hold its examples in another order.
  @Test(arguments: TestedDevice.all) func twoSetsPairUp(tested: TestedDevice) throws {
    try Self.checkTwoSets(on: tested.device)
  }

  private static func checkTwoSets(on device: some CrossCovarianceDevice) throws {
    let (n, memory) = (300, 1 << 20)
    let x = Activations64.normal(n: n, p: 70, seed: 3).layer("x")
    let y = Activations64.normal(n: n, p: 41, seed: 4)
    let order = (0..<n).map { $0 * 131 % n }
    let left = try TileTests.linearTiles([x, y.layer()], order, on: device, memory: memory)
    let right = try TileTests.linearTiles(
      [y.rows(order).layer()], Array(0..<n), on: device, memory: memory)
    let own = try device.crossCovarianceNorms(
      left, left, pairs: [LayerPair(1, 1), LayerPair(0, 1), LayerPair(0, 0)])
    let other = try device.crossCovarianceNorms(
      left, right, pairs: [LayerPair(0, 0), LayerPair(1, 0)])
    let squares = try device.crossCovarianceNorms(right, right, pairs: [LayerPair(0, 0)])
    // The same numbers in the same order: the first example of both is the same.
    #expect(other == [own[1], own[0]] && squares == [own[0]])
    #expect(try device.crossCovarianceNorms(left, right, pairs: []) == [])
  }
}
