import Activations
import Device
import Foundation
import TestSupport
import Testing

/// Gram matrices made in tiles, and products of features, against the float64 oracle and against the
/// same device's matrices of all examples.
@Suite(.serialized) struct TileTests {
  /// ⟨K̃, L̃⟩ of all pairs of layers, in units of 2^(exponents of both), and what is known of them.
  struct Sums {
    var products: Matrix<Double>
    var squares: [Double]
    var summaries: [GramSummary]

    func cka(_ i: Int, _ j: Int) -> Double {
      products[i, j] / (products[i, i].squareRoot() * products[j, j].squareRoot())
    }

    /// ⟨K̃ᵢ, K̃ⱼ⟩ in units of the activations.
    func inner(_ i: Int, _ j: Int) -> Double {
      let exponent = summaries[i].exponent + summaries[j].exponent
      return products[i, j] * Double(sign: .plus, exponent: exponent, significand: 1)
    }
  }

  static func tiled(
    _ layers: [LayerActivations], _ examples: [Int], on device: some TiledDevice, side: Int,
    _ kernel: GramKernel = .linear, _ centering: GramCentering = .unbiased,
    memory: Int = 64 << 20
  ) throws -> Sums {
    let tiles = try device.prepareTiles(
      of: Minibatch(layers: layers, examples: examples), kernel: kernel, centering: centering,
      division: TileDivision(side: side, memory: memory), observe: {})
    let count = layers.count
    var sums = Sums(
      products: Matrix(rows: count, columns: count, repeating: 0),
      squares: layers.map { _ in 0 }, summaries: tiles.layers)
    let runs = stride(from: 0, to: examples.count, by: side).map {
      $0..<min($0 + side, examples.count)
    }
    for (i, rows) in runs.enumerated() {
      for columns in runs[...i] {
        let stack = try device.gramStack(
          of: tiles, layers: Array(layers.indices), rows: rows, columns: columns)
        #expect(stack.layers.map(\.exponent) == tiles.layers.map(\.exponent))
        let products = try device.innerProducts(stack, stack)
        let norms = try device.squaredNorms(stack)
        for i in 0..<count {
          sums.squares[i] += norms[i]
          for j in 0..<count { sums.products[i, j] += products[i, j] }
        }
      }
    }
    return sums
  }

  static func whole(
    _ layers: [LayerActivations], _ examples: [Int], on device: some TiledDevice,
    _ kernel: GramKernel = .linear, _ centering: GramCentering = .unbiased
  ) throws -> Sums {
    let stack = try device.gramStack(
      of: Minibatch(layers: layers, examples: examples), kernel: kernel, centering: centering)
    return Sums(
      products: try device.innerProducts(stack, stack),
      squares: try device.squaredNorms(stack), summaries: stack.layers)
  }

  private static func threeLayers(n: Int, p: Int) -> [Activations64] {
    let x = Activations64.normal(n: n, p: p, seed: 21)
    return [
      x, x.mixed(into: .normal(n: n, p: p / 2 + 1, seed: 22), weight: 0.8),
      x.mixed(into: .normal(n: n, p: 17, seed: 23), weight: 0.2),
    ]
  }

  @Test(
    arguments: TestedDevice.all,
    [(4, 3, 2), (31, 70, 31), (64, 257, 16), (130, 20, 33), (200, 300, 128), (33, 1500, 100)])
  func linearEqualsTheOracle(tested: TestedDevice, shape: (n: Int, p: Int, side: Int)) throws {
    let (n, p, side) = shape
    let truth = Self.threeLayers(n: n, p: p)
    let layers = truth.map { $0.layer() }
    for centering in GramCentering.allCases {
      let found = try Self.tiled(
        layers, Array(0..<n), on: tested.device, side: side, .linear, centering)
      let whole = try Self.whole(layers, Array(0..<n), on: tested.device, .linear, centering)
      for i in layers.indices {
        #expect(abs(found.squares[i] - found.products[i, i]) <= 1e-6 * found.squares[i])
        for j in 0...i {
          let scale = whole.inner(i, i).squareRoot() * whole.inner(j, j).squareRoot()
          // Both are off by float32's rounding of entries that add up at random: some u.
          #expect(abs(found.inner(i, j) - whole.inner(i, j)) <= 2e-6 * scale, "\(centering)")
          let expected = Oracle.cka(truth[i], truth[j], unbiased: centering == .unbiased)
          #expect(
            abs(found.cka(i, j) - expected) < ConformanceTests.tolerance, "\(centering) \(i) \(j)")
        }
      }
    }
  }

  /// What is said of the layer beside its tiles: norms and row means, against float64.
  @Test(arguments: TestedDevice.all) func linearNormsAndMeans(tested: TestedDevice) throws {
    try Self.checkNormsAndMeans(on: tested.device)
  }

  private static func checkNormsAndMeans(on device: some TiledDevice) throws {
    let (n, p) = (90, 37)
    let x = Activations64.normal(n: n, p: p, seed: 5, scale: 0x1p40, offset: 0x1p42)
    let layers = [
      x.layer(), Activations64(n: n, p: 2, values: [Double](repeating: 1, count: 2 * n)).layer(),
    ]
    for centering in GramCentering.allCases {
      let tiles = try device.prepareTiles(
        of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: .linear,
        centering: centering, division: TileDivision(side: 32, memory: 1 << 20), observe: {})
      #expect(tiles.exponentOfSquares(ofLayer: 0) == tiles.layers[0].exponent)
      #expect(tiles.layers[0].roundingNorm == 0)
      #expect(tiles.layers[1].isConstant)
      #expect(tiles.squaredNorms(ofLayer: 1) == [Float](repeating: 0, count: n))
      #expect(tiles.rowMeans(ofLayer: 1) == [Float](repeating: 0, count: n))
      let unit = Double(sign: .plus, exponent: tiles.layers[0].exponent, significand: 1)
      let means = (0..<p).map { k in (0..<n).reduce(0) { $0 + x[$1, k] } / Double(n) }
      let norms = (0..<n).map { i in
        (0..<p).reduce(0) { $0 + (x[i, $1] - means[$1]) * (x[i, $1] - means[$1]) }
      }
      let isUnbiased = centering == .unbiased
      let all = norms.reduce(0, +)
      for i in 0..<n {
        // An offset of 4 standard deviations: the means are rounded to 2⁻²² of one.
        let norm = Double(tiles.squaredNorms(ofLayer: 0)[i]) * unit
        #expect(abs(norm - norms[i]) <= 0x1p-20 * norms[i])
        // Row sums of exactly centered features' K without its diagonal: −‖xᵢ‖²; with it: 0.
        let mean =
          isUnbiased
          ? -norms[i] / Double(n - 2) + all / (2 * Double(n - 1) * Double(n - 2)) : 0
        let found = Double(tiles.rowMeans(ofLayer: 0)[i]) * unit
        #expect(abs(found - mean) <= 0x1p-18 * norms[i] / Double(n))
      }
    }
  }

  @Test(arguments: TestedDevice.all) func takesAnyScaleAndOffset(tested: TestedDevice) throws {
    let n = 150
    let x = Activations64.normal(n: n, p: 40, seed: 31)
    let y = x.mixed(into: .normal(n: n, p: 53, seed: 32), weight: 0.7)
    let expected = Oracle.cka(x, y, unbiased: true)
    for scale in [0x1p-60, 0x1p-20, 0x1p20, 0x1p60] {
      let scaled = Activations64(n: n, p: x.p, values: x.values.map { $0 * scale })
      let found = try Self.tiled(
        [scaled.layer(), y.layer()], Array(0..<n), on: tested.device, side: 64)
      #expect(abs(found.cka(0, 1) - expected) < ConformanceTests.tolerance, "scale \(scale)")
    }
    func shifted(_ a: Activations64) -> Activations64 {
      Activations64(n: a.n, p: a.p, values: a.values.map { Double(Float($0 + 1000)) })
    }
    let truth = Oracle.cka(shifted(x), shifted(y), unbiased: true)
    let far = try Self.tiled(
      [shifted(x).layer(), shifted(y).layer()], Array(0..<n), on: tested.device, side: 64)
    #expect(abs(far.cka(0, 1) - truth) < 1e-4)
    let products = try Self.featureCKA(
      [shifted(x).layer(), shifted(y).layer()], Array(0..<n), on: tested.device)
    #expect(abs(products[0, 1] - truth) < 1e-4)
  }

  @Test(arguments: TestedDevice.all) func readsEveryTypeAlike(tested: TestedDevice) throws {
    let n = 70
    let numbers = (0..<(n * 15)).map { (($0 * 7919) % 211) % 100 }
    for pooling in [LayerShape.Pooling.flatten, .mean(.channelsFirst), .mean(.channelsLast)] {
      var layers = LayerActivations.ofEveryType(numbers, exampleCount: n, featureAxes: [3, 5])
      for index in layers.indices { layers[index].pooling = pooling }
      let found = try Self.tiled(layers, Array(0..<n), on: tested.device, side: 32)
      let products = try Self.featureCKA(layers, Array(0..<n), on: tested.device)
      for i in layers.indices {
        #expect(found.summaries[i].isFinite && !found.summaries[i].isConstant)
        #expect(abs(found.cka(0, i) - 1) < 1e-6, "\(layers[i].name)")
        #expect(abs(products[0, i] - 1) < 1e-6, "\(layers[i].name)")
      }
    }
  }

  @Test(arguments: TestedDevice.all) func aBadLayerDisturbsNoOther(tested: TestedDevice) throws {
    let n = 100
    let x = Activations64.normal(n: n, p: 300, seed: 41)
    let y = x.mixed(into: .normal(n: n, p: 30, seed: 42), weight: 0.5)
    var nan = Activations64.normal(n: n, p: 64, seed: 43)
    nan.values[64 * 99 + 63] = .nan
    var infinite = Activations64.normal(n: n, p: 700, seed: 44)
    infinite.values[699] = -.infinity
    let constant = Activations64(n: n, p: 9, values: [Double](repeating: 0.1, count: n * 9))
    let examples = Array(0..<n)
    let mixed = [x, nan, y, constant, infinite].map { $0.layer() }
    let good = [x, y].map { $0.layer() }
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(1)), .rbf(.sigma(20))] {
      let all = try Self.tiled(mixed, examples, on: tested.device, side: 40, kernel)
      let some = try Self.tiled(good, examples, on: tested.device, side: 40, kernel)
      // OpenBLAS adds in an order that depends on how many layers there are.
      let scale = (some.squares[0] * some.squares[1]).squareRoot()
      #expect(abs(all.products[0, 2] - some.products[0, 1]) <= 1e-6 * scale)
      #expect(abs(all.squares[2] - some.squares[1]) <= 1e-6 * some.squares[1])
      #expect(all.products[0, 1] == 0 && all.products[3, 2] == 0)
      #expect(all.summaries.map(\.isFinite) == [true, false, true, true, false])
      #expect(all.summaries.map(\.isConstant) == [false, false, false, true, false])
    }
    let products = try Self.featureSums(mixed, examples, on: tested.device)
    #expect(products[0, 2] == (try Self.featureSums(good, examples, on: tested.device))[0, 1])
    #expect(products[0, 1] == 0 && products[3, 2] == 0)
  }

  @Test(arguments: TestedDevice.all) func takesExamplesInAnyOrder(tested: TestedDevice) throws {
    let x = Activations64.normal(n: 400, p: 33, seed: 61)
    let y = x.mixed(into: .normal(n: 400, p: 5, seed: 62), weight: 0.5)
    let chosen = (0..<170).map { $0 * 131 % 400 }
    let found = try Self.tiled([x.layer(), y.layer()], chosen, on: tested.device, side: 48)
    let expected = Oracle.cka(x.rows(chosen), y.rows(chosen), unbiased: true)
    #expect(abs(found.cka(0, 1) - expected) < ConformanceTests.tolerance)
    let products = try Self.featureCKA([x.layer(), y.layer()], chosen, on: tested.device)
    #expect(abs(products[0, 1] - expected) < ConformanceTests.tolerance)
  }

  /// The same bits each time, whichever core was faster.
  @Test(arguments: TestedDevice.all) func givesTheSameBits(tested: TestedDevice) throws {
    let n = 700
    let truth = Self.threeLayers(n: n, p: 130)
    let layers = truth.map { $0.layer() }
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(1))] {
      let first = try Self.tiled(layers, Array(0..<n), on: tested.device, side: 300, kernel)
      for _ in 0..<3 {
        let again = try Self.tiled(layers, Array(0..<n), on: tested.device, side: 300, kernel)
        #expect(again.products == first.products && again.squares == first.squares)
      }
    }
  }

  /// Tiles of some of the layers are those of all.
  @Test(arguments: TestedDevice.all) func makesTilesOfSomeLayers(tested: TestedDevice) throws {
    try Self.checkSomeLayers(on: tested.device)
  }

  private static func checkSomeLayers(on device: some TiledDevice) throws {
    let n = 100
    let layers = threeLayers(n: n, p: 70).map { $0.layer() }
    let tiles = try device.prepareTiles(
      of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: .linear, centering: .biased,
      division: TileDivision(side: 40, memory: 1 << 20), observe: {})
    for (rows, columns) in [(80..<100, 0..<40), (40..<80, 40..<80)] {
      let all = try device.gramStack(of: tiles, layers: [0, 1, 2], rows: rows, columns: columns)
      let some = try device.gramStack(of: tiles, layers: [2, 0], rows: rows, columns: columns)
      let (own, other) = (try device.innerProducts(all, all), try device.innerProducts(some, some))
      let scale = (own[2, 2] * own[0, 0]).squareRoot()
      #expect(abs(own[2, 0] - other[0, 1]) <= 1e-6 * scale)
      #expect(abs(own[2, 2] - other[0, 0]) <= 1e-6 * own[2, 2])
    }
  }
}
