import Activations
import Device
import TestSupport
import Testing

@testable import OpenCLDevice

/// ‖XᵀY‖² of centered features against float64.
struct FeatureProductTests {
  private func centered(_ x: Activations64) -> [[Double]] {
    (0..<x.p).map { k in
      let mean = (0..<x.n).reduce(0) { $0 + x[$1, k] } / Double(x.n)
      return (0..<x.n).map { x[$0, k] - mean }
    }
  }

  private func truth(_ x: Activations64, _ y: Activations64) -> Double {
    let columns = centered(y)
    return centered(x).reduce(0) { sum, a in
      sum
        + columns.reduce(0) { sum, b in
          let product = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
          return sum + product * product
        }
    }
  }

  private func tiles(
    _ device: OpenCLDevice, _ layers: [LayerActivations], examples: [Int], memory: Int = 1 << 26
  ) throws -> OpenCLGramTiles {
    try device.prepareTiles(
      of: Minibatch(layers: layers, examples: examples), kernel: .linear, centering: .unbiased,
      division: TileDivision(side: 64, memory: memory), observe: {})
  }

  private let pairs = [
    LayerPair(0, 0), LayerPair(2, 1), LayerPair(1, 2), LayerPair(3, 0), LayerPair(3, 3),
  ]

  /// Layers wider than a tile and narrower, of three formats and of numbers that the host converts.
  private func layers(n: Int, scale: Double = 1) -> ([Activations64], [LayerActivations]) {
    let first = Activations64.normal(n: n, p: 70, seed: 1, scale: scale, offset: 5 * scale)
    let (half, halves) = first.mixed(
      into: .normal(n: n, p: 33, seed: 2, scale: scale), weight: 1
    ).stored(as: scale == 1 ? .float16 : .bfloat16)
    let third = first.mixed(into: .normal(n: n, p: 1, seed: 3, scale: scale), weight: 1)
    let fourth = first.mixed(into: .normal(n: n, p: 66, seed: 4, scale: scale), weight: 1)
    return (
      [first, half, third, fourth], [first.layer(), halves, third.layer(), fourth.layer64()]
    )
  }

  @Test(arguments: [true, false], [1, 1e-15, 1e15])
  func equalsFloat64(float64: Bool, scale: Double) throws {
    let n = Fixture.isSimulated ? 40 : 530
    let (data, layers) = layers(n: n, scale: scale)
    let device = try Fixture.device(float64: float64)
    let own = try tiles(device, layers, examples: Array(0..<n))
    let found = try device.crossCovarianceNorms(own, own, pairs: pairs)
    for (pair, product) in zip(pairs, found) {
      let exponent =
        own.exponentOfSquares(ofLayer: pair.left) + own.exponentOfSquares(ofLayer: pair.right)
      let unit = Double(sign: .plus, exponent: exponent, significand: 1)
      let expected = truth(data[pair.left], data[pair.right])
      // Sums of 512 products lose some √512 · 2⁻²⁴ of what is squared.
      #expect(abs(product * unit / expected - 1) < 4e-6, "\(pair)")
    }
  }

  /// CKA by the formulas of the protocol's documentation.
  @Test func givesCKA() throws {
    let n = Fixture.isSimulated ? 40 : 100
    let (data, layers) = layers(n: n)
    let device = try Fixture.device()
    let own = try tiles(device, layers, examples: Array(0..<n))
    let other = try tiles(device, [layers[3], layers[0]], examples: Array(0..<n))
    func product(_ left: (OpenCLGramTiles, Int), _ right: (OpenCLGramTiles, Int)) throws
      -> (biased: Double, unbiased: Double)
    {
      let sum = try device.crossCovarianceNorms(
        left.0, right.0, pairs: [LayerPair(left.1, right.1)])[0]
      let x = left.0.squaredNorms(ofLayer: left.1).map(Double.init)
      let y = right.0.squaredNorms(ofLayer: right.1).map(Double.init)
      let m = Double(n)
      let cross = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
      let traces = x.reduce(0, +) * y.reduce(0, +)
      return (sum, sum - m / (m - 2) * cross + traces / ((m - 1) * (m - 2)))
    }
    for (left, right, i, j) in [(1, 0, 1, 3), (0, 1, 0, 0), (2, 1, 2, 0)] {
      let xy = try product((own, left), (other, right))
      let xx = try product((own, left), (own, left))
      let yy = try product((other, right), (other, right))
      let biased = xy.biased / (xx.biased * yy.biased).squareRoot()
      let unbiased = xy.unbiased / (xx.unbiased * yy.unbiased).squareRoot()
      #expect(abs(biased - Oracle.cka(data[i], data[j], unbiased: false)) < 1e-5)
      #expect(abs(unbiased - Oracle.cka(data[i], data[j], unbiased: true)) < 1e-5)
    }
  }

  /// Neither memory, nor the shape of register tiles, nor what else is asked for changes a bit.
  @Test func limitsKeepTheBits() throws {
    let n = Fixture.isSimulated ? 40 : 1300
    let (_, layers) = layers(n: n)
    func results(_ memory: Int, _ shape: TileShape? = nil, pairs: [LayerPair]) throws -> [Double] {
      let description = try Fixture.description()
      var tuning = Fixture.tuning(float64: true)
      if let shape { tuning.gram = shape }
      let device = try OpenCLDevice(
        description, limits: OpenCLLimits(description), tuning: tuning)
      let own = try tiles(device, layers, examples: Array(0..<n), memory: memory)
      return try device.crossCovarianceNorms(own, own, pairs: pairs)
    }
    let usual = try results(1 << 26, pairs: pairs)
    // Blocks of few tiles, and of one, groups of one slice.
    #expect(try results(8 * 512 * 4 * (96 + 96), pairs: pairs) == usual)
    #expect(try results(1, pairs: pairs) == usual)
    for (pair, product) in zip(pairs, usual) {
      #expect(try results(1 << 26, pairs: [pair]) == [product])
    }
    let small = TileShape(tile: 32, rows: 8, columns: 4, depth: 8)
    let other = try results(1 << 26, small, pairs: pairs)
    // The same sums; their squares are added in another order, in float64.
    for (a, b) in zip(usual, other) { #expect(abs(a - b) < 1e-12 * a) }
  }
}
