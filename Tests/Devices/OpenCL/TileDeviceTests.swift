import Activations
import Device
import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

/// CKA summed over tiles, and from features, against the float64 oracle, which knows neither.
struct TileDeviceTests {
  private let n = Fixture.isSimulated ? 21 : 67

  /// Layers of all the ways that numbers are sent, which share some of a first one.
  private func mixture() -> ([Activations64], [LayerActivations]) {
    let widths = Fixture.isSimulated ? [20, 1, 40] : [60, 1, 130, 127, 64]
    let first = Activations64.normal(n: n, p: widths[0], seed: 1, offset: 3)
    let others = widths.enumerated().map { index, p in
      first.mixed(into: .normal(n: n, p: p, seed: UInt64(index + 2)), weight: 0.7)
    }
    var data = [first, others[1], others[2]]
    var layers = data.map { $0.layer() }
    if !Fixture.isSimulated {
      for (values, type) in [(others[3], ScalarType.float16), (others[4], .bfloat16)] {
        let (rounded, layer) = values.stored(as: type)
        data.append(rounded)
        layers.append(layer)
      }
    }
    data.append(others[0])
    layers.append(others[0].layer64())
    return (data, layers)
  }

  private static let division = TileDivision(side: 20, memory: 1 << 26)

  private func prepared(
    _ device: OpenCLDevice, _ layers: [LayerActivations], examples: [Int]? = nil,
    kernel: GramKernel = .linear, centering: GramCentering = .unbiased,
    division: TileDivision = division
  ) throws -> OpenCLGramTiles {
    let minibatch = Minibatch(layers: layers, examples: examples ?? Array(0..<n))
    return try device.prepareTiles(
      of: minibatch, kernel: kernel, centering: centering, division: division, observe: {})
  }

  /// The tiles on and below the diagonal.
  private static func tiles(_ n: Int, side: Int) -> [(Range<Int>, Range<Int>)] {
    let ranges = stride(from: 0, to: n, by: side).map { $0..<min($0 + side, n) }
    return ranges.indices.flatMap { row in ranges[...row].map { (ranges[row], $0) } }
  }

  /// ⟨Kᵢ, Lⱼ⟩ over all tiles, in stored units.
  private func products(_ device: OpenCLDevice, _ tiles: OpenCLGramTiles) throws
    -> Matrix<Double>
  {
    let layers = Array(tiles.layers.indices)
    var sum = Matrix(rows: layers.count, columns: layers.count, repeating: 0.0)
    for (rows, columns) in Self.tiles(
      tiles.minibatch.exampleCount, side: tiles.division.side)
    {
      let stack = try device.gramStack(of: tiles, layers: layers, rows: rows, columns: columns)
      let part = try device.innerProducts(stack, stack)
      for index in sum.elements.indices { sum.elements[index] += part.elements[index] }
    }
    return sum
  }

  private static let methods: [(GramKernel, OracleKernel)] = [
    (.linear, .linear), (.rbf(.medianMultiple(0.7)), .rbfMedian(0.7)),
    (.rbf(.medianMultiple(100)), .rbfMedian(100)), (.rbf(.sigma(9)), .rbfSigma(9)),
  ]

  @Test(arguments: GramCentering.allCases, [true, false])
  func equalsTheOracle(centering: GramCentering, float64: Bool) throws {
    let (data, layers) = mixture()
    for (kernel, oracle) in Self.methods {
      let device = try Fixture.device(float64: float64)
      let tiles = try prepared(device, layers, kernel: kernel, centering: centering)
      let sum = try products(device, tiles)
      for i in data.indices {
        #expect(tiles.layers[i].isFinite && !tiles.layers[i].isConstant)
        for j in 0..<i {
          let cka = sum[i, j] / (sum[i, i].squareRoot() * sum[j, j].squareRoot())
          let truth = Oracle.cka(
            data[i], data[j], kernel: oracle, unbiased: centering == .unbiased)
          // The project's promise.
          #expect(abs(cka - truth) < 1e-5, "\(kernel) \(i) \(j): \(cka), \(truth)")
        }
      }
    }
  }

  /// Entry by entry, tiles are the whole centered matrix.
  @Test(arguments: GramCentering.allCases) func entries(centering: GramCentering) throws {
    let (_, layers) = mixture()
    let chosen = [2, 0]
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(0.5))] {
      let device = try Fixture.device()
      let whole = try device.gramStack(
        of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: kernel,
        centering: centering)
      let tiles = try prepared(device, layers, kernel: kernel, centering: centering)
      var numbers = [Float](repeating: 0, count: centering.packedCount(exampleCount: n))
      for (place, layer) in chosen.enumerated() {
        try numbers.withUnsafeMutableBufferPointer {
          try device.copyNumbers(ofLayer: layer, of: whole, to: $0)
        }
        let unit = Double(
          sign: .plus, exponent: whole.layers[layer].exponent - tiles.layers[layer].exponent,
          significand: 1)
        for (rows, columns) in Self.tiles(n, side: 20) {
          let stack = try device.gramStack(of: tiles, layers: chosen, rows: rows, columns: columns)
          #expect(stack.layers == chosen.map { tiles.layers[$0] })
          let count =
            rows == columns
            ? centering.packedCount(exampleCount: rows.count) : rows.count * columns.count
          var tile = [Float](repeating: 0, count: count)
          try tile.withUnsafeMutableBufferPointer {
            try device.copyNumbers(ofLayer: place, of: stack, to: $0)
          }
          var next = 0
          for i in rows {
            let end = rows == columns ? (centering == .biased ? i + 1 : i) : columns.upperBound
            for j in columns.lowerBound..<end {
              let index = i * (i - 1) / 2 + (centering == .biased ? i : 0) + j
              // Entries are of the size of 1 or less; shifts, sums and means are rounded to float32 and
              // have other last digits here than there, some 2⁻²⁴ of some norms.
              #expect(
                abs(Double(tile[next]) - Double(numbers[index]) * unit) < 4e-6,
                "\(kernel) layer \(layer) \(i) \(j)")
              next += 1
            }
          }
          #expect(next == count)
        }
      }
    }
  }

  /// The median over tiles is that of the whole matrix, and a sampled one that of the sample.
  @Test func bandwidths() throws {
    let (_, layers) = mixture()
    let device = try Fixture.device()
    let whole = try device.gramStack(
      of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: .rbf(.medianMultiple(0.5)),
      centering: .unbiased)
    let tiles = try prepared(device, layers, kernel: .rbf(.medianMultiple(0.5)))
    for (tiled, inMemory) in zip(tiles.layers, whole.layers) {
      let (a, b) = (try #require(tiled.sigma), try #require(inMemory.sigma))
      // Both exact, of squared distances that differ by the rounding of other shifts.
      #expect(abs(a - b) < 2e-6 * b)
    }
    let count = 13
    let sample = (0..<count).map { $0 * n / count }
    let sampled = try device.gramStack(
      of: Minibatch(layers: layers, examples: sample), kernel: .rbf(.medianMultiple(0.5)),
      centering: .unbiased)
    let kernel = GramKernel.rbf(.sampledMedianMultiple(0.5, examples: count))
    #expect(
      try prepared(device, layers, kernel: kernel).layers.map(\.sigma)
        == sampled.layers.map(\.sigma))
  }

  /// Equal examples are at distance zero; where most are, the median is zero and there is no matrix.
  @Test func manyEqualExamples() throws {
    let n = 45
    let base = Activations64.normal(n: 5, p: 33, seed: 3)
    let repeated = base.rows((0..<n).map { $0 % 5 })
    var mostlyEqual = Activations64(n: n, p: 2, values: Array(repeating: 1, count: 2 * n))
    mostlyEqual.values[0] = 2
    let device = try Fixture.device()
    let tiles = try prepared(
      device, [repeated.layer(), mostlyEqual.layer()], examples: Array(0..<n),
      kernel: .rbf(.medianMultiple(0.3)))
    var distances: [Double] = []
    for i in 0..<n {
      for j in 0..<n {
        let pairs = (0..<33).map { repeated[i, $0] - repeated[j, $0] }
        distances.append(pairs.reduce(0) { $0 + $1 * $1 })
      }
    }
    distances.sort()
    let sigma = try #require(tiles.layers[0].sigma)
    #expect(abs(sigma - 0.3 * distances[n * n / 2].squareRoot()) < 1e-6 * sigma)
    #expect(!tiles.layers[1].isFinite && tiles.layers[1].sigma == 0)
  }

  @Test func badLayersAreZeros() throws {
    let good = Activations64.normal(n: n, p: 40, seed: 3)
    var nan = Activations64.normal(n: n, p: 50, seed: 5)
    nan.values[123] = .nan
    let constant = Activations64(n: n, p: 3, values: Array(repeating: 0.1, count: 3 * n))
    let layers = [
      nan.layer(), good.layer(), constant.layer(), nan.layer64(), constant.layer64(),
    ]
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(0.5)), .rbf(.sigma(3))] {
      let device = try Fixture.device()
      let tiles = try prepared(device, layers, kernel: kernel, centering: .biased)
      #expect(tiles.layers.map(\.isFinite) == [false, true, true, false, true])
      #expect(tiles.layers.map(\.isConstant) == [false, false, true, false, true])
      let sum = try products(device, tiles)
      for i in 0..<5 {
        for j in 0..<5 { #expect((sum[i, j] != 0) == (i == 1 && j == 1), "\(kernel) \(i) \(j)") }
        #expect(tiles.rowMeans(ofLayer: i).count == n)
        #expect(tiles.squaredNorms(ofLayer: i).allSatisfy { ($0 > 0) == (i == 1) })
      }
    }
  }

  /// Neither memory nor the shape of register tiles changes a bit.
  @Test func limitsKeepTheBits() throws {
    let (_, layers) = mixture()
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(0.5))] {
      func results(_ limits: OpenCLLimits?, _ shape: TileShape?, memory: Int) throws
        -> Matrix<Double>
      {
        let description = try Fixture.description()
        var tuning = Fixture.tuning(float64: true)
        tuning.slice = 64
        if let shape { tuning.gram = shape }
        let device = try OpenCLDevice(
          description, limits: limits ?? OpenCLLimits(description), tuning: tuning)
        let tiles = try prepared(
          device, layers, kernel: kernel, division: TileDivision(side: 33, memory: memory))
        return try products(device, tiles)
      }
      let usual = try results(nil, nil, memory: 1 << 26)
      // Groups of one slice, a workspace of one tile.
      #expect(try results(nil, nil, memory: 1) == usual)
      let small = TileShape(tile: 32, rows: 8, columns: 4, depth: 8)
      #expect(try results(nil, small, memory: 1 << 26) == usual)
      // Stacks on the host, layer by layer.
      let limits = OpenCLLimits(
        memory: 8 << 20, largestAllocation: 700_000, group: 66 * 64 * 4, workspace: 1 << 16)
      #expect(try results(limits, nil, memory: 1 << 26) == usual)
    }
  }

  @Test func observesEveryTileOfEveryPass() throws {
    let layers = [Activations64.normal(n: n, p: 7, seed: 3).layer()]
    let device = try Fixture.device()
    let tileCount = Self.tiles(n, side: 20).count
    let expected: [(GramKernel, Int)] = [
      (.linear, 0), (.rbf(.medianMultiple(1)), 3), (.rbf(.sigma(2)), 1),
    ]
    for (kernel, passes) in expected {
      var count = 0
      _ = try device.prepareTiles(
        of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: kernel,
        centering: .unbiased, division: Self.division
      ) { count += 1 }
      #expect(count == passes * tileCount, "\(kernel)")
    }
  }

  @Test func memoryIsGivenBack() throws {
    let (_, layers) = mixture()
    let device = try Fixture.device()
    func use() throws {
      let tiles = try prepared(device, layers, kernel: .rbf(.medianMultiple(1)))
      _ = try products(device, tiles)
      _ = try device.crossCovarianceNorms(tiles, tiles, pairs: [LayerPair(0, 1)])
    }
    try use()
    let before = device.runtime.ledger.bytesInUse
    try use()
    #expect(device.runtime.ledger.bytesInUse == before)
  }

  @Test func refusesOnlyWhatCannotBeSplit() throws {
    let limits = OpenCLLimits(
      memory: 40_000, largestAllocation: 40_000, group: 40_000, workspace: 1000)
    let device = try Fixture.device(limits: limits)
    let layers = [Activations64.normal(n: n, p: 7, seed: 3).layer()]
    let tiles = try prepared(device, layers)
    for body in [
      { _ = try device.gramStack(of: tiles, layers: [0], rows: 0..<20, columns: 0..<20) },
      { _ = try device.crossCovarianceNorms(tiles, tiles, pairs: [LayerPair(0, 0)]) },
    ] {
      let error = #expect(throws: DeviceError.self) { try body() }
      #expect(error?.kind == .outOfMemory)
    }
  }
}
