import Activations
import CKA
import Device
import Foundation
import TestSupport
import Testing

/// What any device must do, whatever it is: CKA against the float64 oracle, statuses, bits.
@Suite(.serialized) struct ConformanceTests {
  /// Stated accuracy: `Documentation/Numerics.md` derives it.
  static let tolerance = 1e-5

  private struct Scores {
    let cka: Matrix<Double>
    let summaries: [GramSummary]
  }

  private func scores(
    _ layers: [LayerActivations], _ examples: [Int], on device: some Device,
    _ kernel: GramKernel = .linear, _ centering: GramCentering = .unbiased
  ) throws -> Scores {
    let stack = try device.gramStack(
      of: Minibatch(layers: layers, examples: examples), kernel: kernel, centering: centering)
    let products = try device.innerProducts(stack, stack)
    var cka = products
    for i in layers.indices {
      for j in layers.indices {
        cka[i, j] = products[i, j] / (products[i, i] * products[j, j]).squareRoot()
      }
    }
    return Scores(cka: cka, summaries: stack.layers)
  }

  /// Kernels for layers of up to `p` features: σ of the size of their distances.
  private static func methods(p: Int) -> [(GramKernel, OracleKernel)] {
    let sigma = 2 * Double(p).squareRoot()
    return [
      (.linear, .linear), (.rbf(.medianMultiple(0.7)), .rbfMedian(0.7)),
      (.rbf(.medianMultiple(100)), .rbfMedian(100)), (.rbf(.sigma(sigma)), .rbfSigma(sigma)),
    ]
  }

  @Test(arguments: TestedDevice.all, [(4, 3), (5, 1), (31, 70), (64, 257), (130, 20), (33, 3000)])
  func equalsTheOracle(tested: TestedDevice, shape: (n: Int, p: Int)) throws {
    let (n, p) = shape
    let x = Activations64.normal(n: n, p: p, seed: 21)
    let layers = [
      x, x.mixed(into: .normal(n: n, p: p / 2 + 1, seed: 22), weight: 0.8),
      x.mixed(into: .normal(n: n, p: 17, seed: 23), weight: 0.2),
    ]
    for (kernel, oracle) in Self.methods(p: p) {
      for centering in GramCentering.allCases {
        let found = try scores(
          layers.map { $0.layer() }, Array(0..<n), on: tested.device, kernel, centering)
        for i in layers.indices {
          for j in 0..<i {
            let expected = Oracle.cka(
              layers[i], layers[j], kernel: oracle, unbiased: centering == .unbiased)
            #expect(
              abs(found.cka[i, j] - expected) < Self.tolerance, "\(kernel) \(centering) \(i) \(j)")
          }
        }
      }
    }
  }

  @Test(arguments: TestedDevice.all) func takesAnyScaleAndOffset(tested: TestedDevice) throws {
    let n = 61
    let x = Activations64.normal(n: n, p: 40, seed: 31)
    let y = x.mixed(into: .normal(n: n, p: 53, seed: 32), weight: 0.7)
    let expected = Oracle.cka(x, y, unbiased: true)
    for scale in [0x1p-60, 0x1p-20, 0x1p20, 0x1p60] {
      // A power of two changes no digit: the value is the same.
      func scaled(_ a: Activations64) -> Activations64 {
        Activations64(n: a.n, p: a.p, values: a.values.map { $0 * scale })
      }
      let found = try scores(
        [scaled(x).layer(), y.layer(), scaled(y).layer()], Array(0..<n), on: tested.device)
      #expect(abs(found.cka[0, 1] - expected) < Self.tolerance, "scale \(scale)")
      #expect(abs(found.cka[0, 2] - expected) < Self.tolerance, "scale \(scale)")
    }
    func shifted(_ a: Activations64) -> Activations64 {
      Activations64(n: a.n, p: a.p, values: a.values.map { Double(Float($0 + 1000)) })
    }
    let far = try scores(
      [shifted(x).layer(), shifted(y).layer()], Array(0..<n), on: tested.device)
    let truth = Oracle.cka(shifted(x), shifted(y), unbiased: true)
    #expect(abs(far.cka[0, 1] - truth) < 1e-4)
  }

  /// Features around 2¹⁶, where runs of them get unlike powers of two, and far apart.
  @Test(arguments: TestedDevice.all) func takesFeaturesOfUnlikeScales(tested: TestedDevice) throws {
    let n = 41
    let y = Activations64.normal(n: n, p: 30, seed: 34)
    let x = y.mixed(into: .normal(n: n, p: 1600, seed: 33), weight: 0.5)
    for (low, high) in [(0x1p13, 0x1p15), (0x1p-40, 1)] {
      for scales in [(low, high), (high, low)] {
        var values = x.values
        for index in values.indices { values[index] *= index % 1600 < 800 ? scales.0 : scales.1 }
        let mixed = Activations64(n: n, p: 1600, values: values)
        let found = try scores([mixed.layer(), y.layer()], Array(0..<n), on: tested.device)
        let expected = Oracle.cka(mixed, y, unbiased: true)
        #expect(abs(found.cka[0, 1] - expected) < Self.tolerance, "\(scales)")
      }
    }
  }

  /// A feature that never changes, far above the others: it adds nothing, and overflows nothing.
  @Test(arguments: TestedDevice.all) func takesALargeConstantBesideSmallFeatures(
    tested: TestedDevice
  ) throws {
    let n = 41
    let y = Activations64.normal(n: n, p: 30, seed: 36)
    let x = y.mixed(into: .normal(n: n, p: 50, seed: 35), weight: 0.5)
    let expected = Oracle.cka(x, y, unbiased: true)
    let values = (0..<n).flatMap { i in
      (0..<50).map { x[i, $0] * 0x1p-100 } + [0x1p100]
    }
    let beside = Activations64(n: n, p: 51, values: values)
    let found = try scores([beside.layer(), y.layer()], Array(0..<n), on: tested.device)
    #expect(abs(found.cka[0, 1] - expected) < Self.tolerance)
  }

  @Test(arguments: TestedDevice.all) func readsEveryTypeAlike(tested: TestedDevice) throws {
    let n = 40
    let axes = [3, 5]
    let numbers = (0..<(n * 15)).map { (($0 * 7919) % 211) % 100 }
    let layers = LayerActivations.ofEveryType(numbers, exampleCount: n, featureAxes: axes)
    let found = try scores(layers, Array(0..<n), on: tested.device)
    for i in layers.indices {
      #expect(found.summaries[i].isFinite && !found.summaries[i].isConstant)
      #expect(abs(found.cka[0, i] - 1) < 1e-6, "\(layers[i].name)")
    }
  }

  /// The mean over positions of C × L, C × H × W, L × C and H × W × C beside the float64 means of the same
  /// numbers: one shape in two layouts has features of two counts, and other values.
  @Test(arguments: TestedDevice.all, LayerShape.Layout.allCases)
  func meansOverPositionsFollowTheLayout(tested: TestedDevice, layout: LayerShape.Layout) throws {
    let n = 40
    for axes in [[3, 5], [6, 4], [3, 2, 5], [4, 2, 2, 3]] {
      let p = axes.reduce(1, *)
      let numbers = (0..<(n * p)).map { (($0 * 7919) % 211) % 100 }
      var layers = LayerActivations.ofEveryType(numbers, exampleCount: n, featureAxes: axes)
      for index in layers.indices { layers[index].pooling = .mean(layout) }
      let channels = layout == .channelsFirst ? axes[0] : axes[axes.count - 1]
      var means = [Double](repeating: 0, count: n * channels)
      for place in numbers.indices {
        let feature = place % p
        let channel =
          layout == .channelsFirst ? feature / (p / channels) : feature % channels
        means[place / p * channels + channel] += Double(numbers[place]) / Double(p / channels)
      }
      let expected = Activations64(n: n, p: channels, values: means)
      let other = Activations64.normal(n: n, p: 7, seed: 5)
      let found = try scores(
        [expected.layer(), other.layer()] + layers, Array(0..<n), on: tested.device)
      let truth = Oracle.cka(expected, other, unbiased: true)
      for i in layers.indices {
        #expect(layers[i].featureCount == channels)
        // Means are rounded to float32 once more: 2⁻²⁴ of numbers below 100 beside deviations of some tens.
        #expect(abs(found.cka[0, i + 2] - 1) < 1e-5, "\(axes) \(layers[i].name)")
        #expect(abs(found.cka[1, i + 2] - truth) < 1e-5, "\(axes) \(layers[i].name)")
      }
    }
  }

  @Test(arguments: TestedDevice.all) func aBadLayerDisturbsNoOther(tested: TestedDevice) throws {
    let n = 50
    let x = Activations64.normal(n: n, p: 300, seed: 41)
    let y = x.mixed(into: .normal(n: n, p: 30, seed: 42), weight: 0.5)
    var nan = Activations64.normal(n: n, p: 64, seed: 43)
    nan.values[64 * 49 + 63] = .nan
    var infinite = Activations64.normal(n: n, p: 700, seed: 44)
    infinite.values[699] = -.infinity
    let constant = Activations64(n: n, p: 9, values: [Double](repeating: 0.1, count: n * 9))
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(1))] {
      let all = try scores(
        [x, nan, y, constant, infinite].map { $0.layer() }, Array(0..<n), on: tested.device, kernel)
      let good = try scores([x, y].map { $0.layer() }, Array(0..<n), on: tested.device, kernel)
      #expect(all.cka[0, 2] == good.cka[0, 1])
      #expect(all.summaries.map(\.isFinite) == [true, false, true, true, false])
      #expect(all.summaries.map(\.isConstant) == [false, false, false, true, false])
    }
  }

  @Test(arguments: TestedDevice.all) func zeroBandwidthIsNotFinite(tested: TestedDevice) throws {
    // Most examples are alike, so that the median distance is zero.
    let n = 20
    let values = (0..<(n * 4)).map { (place: Int) -> Double in place / 4 == 3 ? Double(place) : 1 }
    let stack = try scores(
      [Activations64(n: n, p: 4, values: values).layer()], Array(0..<n), on: tested.device,
      .rbf(.medianMultiple(1)))
    #expect(!stack.summaries[0].isFinite)
    #expect(stack.summaries[0].sigma == 0)
  }

  @Test(arguments: TestedDevice.all) func namesTheBandwidth(tested: TestedDevice) throws {
    // Distances of 0, 1, 2 …: one feature, 0 … 4. All 25 squared distances, sorted: five 0, eight 1,
    // six 4, four 9, two 16; the median is the 13th: 1.
    let x = Activations64(n: 5, p: 1, values: [0, 1, 2, 3, 4])
    let odd = try scores(
      [x.layer()], Array(0..<5), on: tested.device, .rbf(.medianMultiple(3)))
    #expect(abs((odd.summaries[0].sigma ?? 0) - 3) < 1e-6)
    // 0, 1, 3, 10: of 16, the 8th and 9th are 4 and 9 in 0000 11 44 99 49 49 81 81 100 100.
    let y = Activations64(n: 4, p: 1, values: [0, 1, 3, 10])
    let even = try scores(
      [y.layer()], Array(0..<4), on: tested.device, .rbf(.medianMultiple(1)))
    #expect(abs((even.summaries[0].sigma ?? 0) - 6.5.squareRoot()) < 1e-6)
    let given = try scores([y.layer()], Array(0..<4), on: tested.device, .rbf(.sigma(2.5)))
    #expect(abs((given.summaries[0].sigma ?? 0) - 2.5) < 1e-6)
  }

  @Test(arguments: TestedDevice.all) func manyLayersGiveTheSameBits(tested: TestedDevice) throws {
    // More layers than a tile of pairs is wide, of all widths.
    let n = 37
    let x = Activations64.normal(n: n, p: 24, seed: 51)
    let layers = (0..<70).map { (index: Int) -> LayerActivations in
      let noise = Activations64.normal(n: n, p: index * 13 % 400 + 1, seed: UInt64(500 + index))
      return x.mixed(into: noise, weight: 0.3).layer("\(index)")
    }
    let examples = Array(0..<n)
    let first = try scores(layers, examples, on: tested.device)
    let second = try scores(layers, examples, on: tested.device)
    #expect(first.cka == second.cka)
    #expect(first.summaries == second.summaries)
    for i in layers.indices {
      for j in 0..<i { #expect(first.cka[i, j] == first.cka[j, i]) }
    }
    try expectSquaredNormsAreTheDiagonal(layers, examples, on: tested.device)
  }

  private func expectSquaredNormsAreTheDiagonal(
    _ layers: [LayerActivations], _ examples: [Int], on device: some Device
  ) throws {
    let left = try device.gramStack(
      of: Minibatch(layers: layers, examples: examples), kernel: .linear, centering: .unbiased)
    let again = try device.gramStack(
      of: Minibatch(layers: layers, examples: examples), kernel: .linear, centering: .unbiased)
    let right = try device.gramStack(
      of: Minibatch(layers: Array(layers[20..<55]), examples: examples), kernel: .linear,
      centering: .unbiased)
    let norms = try device.squaredNorms(left)
    let own = try device.innerProducts(left, left)
    let twice = try device.innerProducts(left, again)
    let cross = try device.innerProducts(left, right)
    #expect(cross.rows == 70 && cross.columns == 35)
    for i in layers.indices {
      // Equal layers of two stacks have a CKA of exactly 1.
      #expect(norms[i] == twice[i, i])
      #expect(abs(norms[i] - own[i, i]) <= 1e-7 * norms[i])
      for j in 0..<35 {
        // Sums of at most 1,024 float32 products in any order, of numbers whose norms are below 1.
        #expect(abs(cross[i, j] - own[i, j + 20]) <= 1e-6)
      }
    }
  }

  @Test(arguments: TestedDevice.all) func takesSomeExamplesOfMany(tested: TestedDevice) throws {
    let x = Activations64.normal(n: 200, p: 33, seed: 61)
    let y = x.mixed(into: .normal(n: 200, p: 5, seed: 62), weight: 0.5)
    let chosen = [3, 199, 50, 51, 52, 7, 120, 0, 88]
    let found = try scores([x.layer(), y.layer()], chosen, on: tested.device)
    let expected = Oracle.cka(x.rows(chosen), y.rows(chosen), unbiased: true)
    #expect(abs(found.cka[0, 1] - expected) < Self.tolerance)
  }

  @Test(arguments: TestedDevice.all) func passesItsVerification(tested: TestedDevice) throws {
    let verification = try Verification(of: tested.device)
    for check in verification.checks {
      #expect(check.passed, "\(check.name) \(check.method): error \(check.error)")
    }
    #expect(verification.checks.count > 50)
  }
}
