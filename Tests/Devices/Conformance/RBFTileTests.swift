import Activations
import Device
import Foundation
import TestSupport
import Testing

/// RBF's matrices in tiles: their bandwidth, and what they come to.
@Suite(.serialized) struct RBFTileTests {
  private typealias Method = (kernel: GramKernel, oracle: OracleKernel)

  /// Kernels for layers of up to `p` features: σ of the size of their distances.
  private static func methods(p: Int) -> [Method] {
    let sigma = 2 * Double(p).squareRoot()
    return [
      (.rbf(.medianMultiple(0.7)), .rbfMedian(0.7)),
      (.rbf(.medianMultiple(100)), .rbfMedian(100)), (.rbf(.sigma(sigma)), .rbfSigma(sigma)),
    ]
  }

  @Test(
    arguments: TestedDevice.all,
    [(4, 3, 2), (31, 70, 31), (64, 257, 16), (131, 20, 33), (33, 600, 12)])
  func equalsTheOracle(tested: TestedDevice, shape: (n: Int, p: Int, side: Int)) throws {
    let (n, p, side) = shape
    let x = Activations64.normal(n: n, p: p, seed: 21)
    let truth = [
      x, x.mixed(into: .normal(n: n, p: p / 2 + 1, seed: 22), weight: 0.8),
      x.mixed(into: .normal(n: n, p: 17, seed: 23), weight: 0.2),
    ]
    let layers = truth.map { $0.layer() }
    for (kernel, oracle) in Self.methods(p: p) {
      for centering in GramCentering.allCases {
        let found = try TileTests.tiled(
          layers, Array(0..<n), on: tested.device, side: side, kernel, centering)
        let whole = try TileTests.whole(
          layers, Array(0..<n), on: tested.device, kernel, centering)
        for i in layers.indices {
          let (own, other) = (found.summaries[i].sigma ?? 0, whole.summaries[i].sigma ?? 1)
          // Means that differ by a rounding move each distance by some u.
          #expect(abs(own - other) <= 1e-6 * other)
          for j in 0..<i {
            let expected = Oracle.cka(
              truth[i], truth[j], kernel: oracle, unbiased: centering == .unbiased)
            #expect(
              abs(found.cka(i, j) - expected) < ConformanceTests.tolerance,
              "\(kernel) \(centering) \(i) \(j)")
            let scale = whole.inner(i, i).squareRoot() * whole.inner(j, j).squareRoot()
            #expect(abs(found.inner(i, j) - whole.inner(i, j)) <= 1e-5 * scale)
          }
        }
      }
    }
  }

  /// The exact median, of odd and even counts, over tiles that do and do not divide n; of layers with
  /// many equal examples and with distances of all magnitudes.
  @Test(arguments: TestedDevice.all, [3, 16, 50]) func findsTheMedian(
    tested: TestedDevice, side: Int
  ) throws {
    for n in [5, 16, 33] {
      let numbers = (0..<n).map { Double($0 * 7 % 11) }
      let wide = (0..<n).map { Double(Float(exp2(Double($0 * 5 % n) / 2))) }
      let layers = [numbers, wide].map { Activations64(n: n, p: 1, values: $0) }
      let found = try TileTests.tiled(
        layers.map { $0.layer() }, Array(0..<n), on: tested.device, side: side,
        .rbf(.medianMultiple(3)), .biased)
      for (layer, summary) in zip(layers, found.summaries) {
        let distances = (0..<n).flatMap { i in
          (0..<n).map { (layer[i, 0] - layer[$0, 0]) * (layer[i, 0] - layer[$0, 0]) }
        }.sorted()
        let median = (distances[(n * n - 1) / 2] + distances[n * n / 2]) / 2
        let spread = distances[n * n - 1]
        // A distance carries the rounding of both norms, u of the layer's spread each.
        let sigma = summary.sigma ?? 0
        #expect(abs(sigma * sigma - 9 * median) <= 9 * 0x1p-21 * spread, "\(n)")
      }
    }
  }

  @Test(arguments: TestedDevice.all) func takesTheMedianOfASample(tested: TestedDevice) throws {
    let n = 150
    let x = Activations64.normal(n: n, p: 30, seed: 7)
    let y = x.mixed(into: .normal(n: n, p: 12, seed: 8), weight: 0.5)
    let layers = [x.layer(), y.layer()]
    for count in [2, 40, 150, 1000] {
      let kernel = GramKernel.rbf(.sampledMedianMultiple(0.8, examples: count))
      let found = try TileTests.tiled(layers, Array(0..<n), on: tested.device, side: 64, kernel)
      let whole = try TileTests.whole(layers, Array(0..<n), on: tested.device, kernel)
      let sample = (0..<min(count, n)).map { $0 * n / min(count, n) }
      for (index, layer) in [x, y].enumerated() {
        let distances = sample.flatMap { i in
          sample.map { j in
            (0..<layer.p).reduce(0) {
              $0 + (layer[i, $1] - layer[j, $1]) * (layer[i, $1] - layer[j, $1])
            }
          }
        }.sorted()
        let median = (distances[(distances.count - 1) / 2] + distances[distances.count / 2]) / 2
        let sigma = 0.8 * median.squareRoot()
        for sums in [found, whole] {
          #expect(abs((sums.summaries[index].sigma ?? 0) - sigma) <= 1e-6 * sigma, "\(count)")
        }
      }
    }
  }

  @Test(arguments: TestedDevice.all) func zeroBandwidthIsNotFinite(tested: TestedDevice) throws {
    let n = 20
    let values = (0..<(n * 4)).map { (place: Int) -> Double in place / 4 == 3 ? Double(place) : 1 }
    let layer = Activations64(n: n, p: 4, values: values).layer()
    for kernel in [
      GramKernel.rbf(.medianMultiple(1)), .rbf(.sampledMedianMultiple(1, examples: 10)),
      .rbf(.sigma(0)),
    ] {
      let found = try TileTests.tiled([layer], Array(0..<n), on: tested.device, side: 8, kernel)
      #expect(!found.summaries[0].isFinite && found.summaries[0].sigma == 0)
      #expect(found.products[0, 0] == 0)
    }
  }

  /// A preparing pass tells of every tile: two for the median, one for the row sums.
  @Test(arguments: TestedDevice.all) func tellsOfItsTiles(tested: TestedDevice) throws {
    try Self.checkTold(on: tested.device)
  }

  private static func checkTold(on device: some TiledDevice) throws {
    let layer = Activations64.normal(n: 50, p: 3, seed: 1).layer()
    let expected: [(GramKernel, Int)] = [
      (.linear, 0), (.rbf(.sigma(2)), 6), (.rbf(.medianMultiple(1)), 18),
      (.rbf(.sampledMedianMultiple(1, examples: 9)), 6),
    ]
    for (kernel, count) in expected {
      var told = 0
      _ = try device.prepareTiles(
        of: Minibatch(layers: [layer], examples: Array(0..<50)), kernel: kernel,
        centering: .unbiased, division: TileDivision(side: 20, memory: 1 << 20)
      ) { told += 1 }
      #expect(told == count)
    }
  }
}
