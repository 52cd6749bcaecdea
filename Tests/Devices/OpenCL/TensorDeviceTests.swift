import Activations
import Device
import TestSupport
import Testing

@testable import OpenCLDevice

// Whole devices whose tensor cores are emulated, against the float64 oracle.
struct TensorDeviceTests {
  private func device(
    _ precision: Precision, tensors: Tuning.Tensors = .emulated, limits: OpenCLLimits? = nil
  ) throws -> OpenCLDevice {
    let description = try Fixture.description()
    var tuning = Fixture.tuning(float64: description.hasFloat64)
    tuning.tensors = tensors
    return try OpenCLDevice(
      description, limits: limits ?? OpenCLLimits(description), tuning: tuning,
      precision: precision)
  }

  /// float32, float64, float16 and bfloat16, in an order that cuts the launches; they share a part.
  private func mixture(n: Int, scale: Double = 1, offset: Double = 0)
    -> ([Activations64], [LayerActivations])
  {
    let first = Activations64.normal(n: n, p: 60, seed: 1, scale: scale, offset: offset)
    func other(_ p: Int, _ seed: UInt64) -> Activations64 {
      first.mixed(
        into: .normal(n: n, p: p, seed: seed, scale: scale, offset: offset), weight: 0.7)
    }
    var data = [first]
    var layers = [first.layer()]
    for (p, type) in [(40, ScalarType.float16), (1, .bfloat16), (33, .bfloat16)] where scale == 1 {
      let (rounded, layer) = other(p, UInt64(p)).stored(as: type)
      data.append(rounded)
      layers.append(layer)
    }
    let (wide, last) = (other(130, 8), other(70, 9))
    return (data + [wide, last], layers + [wide.layer(), last.layer64()])
  }

  private func check(
    _ device: OpenCLDevice, _ data: [Activations64], _ layers: [LayerActivations],
    tolerance: Double, kernel: GramKernel = .linear, _ oracle: OracleKernel = .linear,
    centering: GramCentering = .unbiased
  ) throws {
    let cka = try device.cka(
      layers, examples: Array(0..<data[0].n), kernel: kernel, centering: centering)
    for i in data.indices {
      for j in 0...i {
        let truth = Oracle.cka(
          data[i], data[j], kernel: oracle, unbiased: centering == .unbiased)
        #expect(abs(cka[i, j] - truth) < tolerance, "layers \(i), \(j): \(cka[i, j]), \(truth)")
        #expect(cka[i, j] == cka[j, i])
      }
    }
  }

  @Test(arguments: Precision.allCases) func mixedLayers(precision: Precision) throws {
    for n in [40, 67] {
      let (data, layers) = mixture(n: n)
      let device = try device(precision)
      #expect(device.info.precision == precision && device.info.precisionNote == nil)
      for centering in GramCentering.allCases {
        try check(
          device, data, layers, tolerance: precision.tolerance, centering: centering)
      }
    }
  }

  /// 1,000 standard deviations: the project's promise is 1e-4 there.
  @Test(arguments: [Precision.exact, .compensated]) func offset(precision: Precision) throws {
    let (data, layers) = mixture(n: 35, offset: 1000)
    try check(try device(precision), data, layers, tolerance: 1e-4)
  }

  @Test(arguments: [1e-30, 1e-18, 1e18, 1e36]) func scales(scale: Double) throws {
    let (data, layers) = mixture(n: 35, scale: scale)
    try check(try device(.compensated), data, layers, tolerance: 1e-5)
  }

  @Test(arguments: Precision.allCases) func rbf(precision: Precision) throws {
    let (data, layers) = mixture(n: 35)
    // `fast` is compensated here.
    try check(
      try device(precision), data, layers, tolerance: 1e-5, kernel: .rbf(.medianMultiple(1)),
      .rbfMedian(1))
  }

  /// One feature a million times the others, one example a thousand times the others.
  @Test func wideRange() throws {
    let n = 40
    var x = Activations64.normal(n: n, p: 90, seed: 11)
    for i in 0..<n { x.values[i * 90 + 7] *= 0x1p20 }
    var y = Activations64.normal(n: n, p: 50, seed: 12)
    for k in 0..<50 { y.values[3 * 50 + k] *= 1000 }
    let both = x.mixed(into: y, weight: 0x1p-20)
    try check(
      try device(.compensated), [x, y, both], [x, y, both].map { $0.layer() }, tolerance: 1e-5)
  }

  @Test func partsAndWindowsOfMixedFormats() throws {
    let (data, layers) = mixture(n: 70)
    let limits = OpenCLLimits(
      memory: 1 << 24, largestAllocation: 1 << 22, group: 70 * 64 * 4,
      workspace: 2 * 128 * 128 * 4)
    for precision in Precision.allCases {
      try check(
        try device(precision, limits: limits), data, layers, tolerance: precision.tolerance)
    }
  }

  @Test func badLayersDisturbNoOther() throws {
    let n = 30
    let good = Activations64.normal(n: n, p: 40, seed: 13)
    var nan = good
    nan.values[5] = .nan
    let constant = Activations64(n: n, p: 3, values: Array(repeating: 0.1, count: 3 * n))
    let infinite = (0..<(n * 4)).map { UInt16($0 == 7 ? 0x7C00 : 0x3C00) }
    let layers = [
      nan.layer(), good.layer(), constant.layer(),
      LayerActivations(
        name: "inf", values: infinite, scalarType: .float16, exampleCount: n, featureAxes: [4]),
    ]
    for precision in Precision.allCases {
      let device = try device(precision)
      let stack = try device.gramStack(
        of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: .linear,
        centering: .unbiased)
      #expect(stack.layers.map(\.isFinite) == [false, true, true, false])
      #expect(stack.layers[2].isConstant)
      let products = try device.innerProducts(stack, stack)
      let alone = try device.gramStack(
        of: Minibatch(layers: [layers[1]], examples: Array(0..<n)), kernel: .linear,
        centering: .unbiased)
      #expect(try device.squaredNorms(alone) == [products[1, 1]])
      #expect(products[0, 1] == 0 && products[1, 3] == 0)
    }
  }

  @Test func twoRunsGiveTheSameBits() throws {
    let (_, layers) = mixture(n: 67)
    for precision in Precision.allCases {
      let device = try device(precision)
      let first = try device.cka(layers, examples: Array(0..<67), centering: .unbiased)
      #expect(try device.cka(layers, examples: Array(0..<67), centering: .unbiased) == first)
    }
  }

  /// `fast` says how far it may be off, and not less.
  @Test func fastIsEstimated() throws {
    let n = 64
    let x = Activations64.normal(n: n, p: 50, seed: 14)
    func norm(_ precision: Precision) throws -> Double {
      try device(precision).gramStack(
        of: Minibatch(layers: [x.layer()], examples: Array(0..<n)), kernel: .linear,
        centering: .unbiased
      ).layers[0].roundingNorm
    }
    // The same matrix: 2⁻¹¹ in the place of 4 · 2⁻²⁴.
    #expect(abs(try norm(.fast) / norm(.exact) - 0x1p11) < 1)
    #expect(abs(try norm(.compensated) / norm(.exact) - 1) < 1e-3)
  }

  /// The estimate of rounding bounds the true error, as for float32 products, within a factor of 4:
  /// of numbers rounded to 16 bits, and of stored 16-bit numbers whose means stay in K.
  @Test(arguments: [(8, 3, 5), (8, 200, 20), (31, 100, 7), (64, 33, 60)])
  func theRoundingModelBoundsTheTrueError(n: Int, p: Int, q: Int) throws {
    let fast = try device(.fast)
    let exact = try device(.exact)
    for seed in 0..<4 {
      let x = Activations64.normal(n: n, p: p, seed: UInt64(100 + seed), offset: 2)
      let y = x.mixed(
        into: .normal(n: n, p: q, seed: UInt64(2000 + seed), offset: 2), weight: 0.7)
      let half = [x, y].map { $0.stored(as: .float16) }
      let cases = [
        (fast, [x, y], [x, y].map { $0.layer() }), (exact, half.map(\.0), half.map(\.1)),
      ]
      for (device, data, layers) in cases {
        let stack = try device.gramStack(
          of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: .linear,
          centering: .unbiased)
        let products = try device.innerProducts(stack, stack)
        let dimension = Double(n * (n - 3) / 2)
        let estimate = (0..<2).reduce(0.0) { sum, layer in
          let relative = stack.layers[layer].roundingNorm / products[layer, layer].squareRoot()
          return sum + relative / dimension.squareRoot() + relative * relative / 2
        }
        let found = products[0, 1] / (products[0, 0] * products[1, 1]).squareRoot()
        let error = abs(found - Oracle.cka(data[0], data[1], unbiased: true))
        // The pairs of layers bring 2e-7 by themselves.
        #expect(error < 4 * estimate + 2e-7, "\(device.info.precision), \(estimate)")
      }
    }
  }

  // What a device without tensor cores does, and one whose compiler refuses them.
  @Test(arguments: [Tuning.Tensors.whereKnown, .assumed])
  func fallsBackAndSaysSo(tensors: Tuning.Tensors) throws {
    let (_, layers) = mixture(n: 35)
    let portable = try device(.exact, tensors: .whereKnown)
    #expect(portable.info.precisionNote == nil)
    let expected = try portable.cka(layers, examples: Array(0..<35), centering: .unbiased)
    for precision in [Precision.compensated, .fast] {
      let fallen = try device(precision, tensors: tensors)
      #expect(fallen.info.precision == .exact)
      let note = try #require(fallen.info.precisionNote)
      #expect(note.contains("tensor cores are not used"))
      #expect(note.contains(tensors == .assumed ? "clBuildProgram" : "has none"))
      #expect(try fallen.cka(layers, examples: Array(0..<35), centering: .unbiased) == expected)
    }
    // Asked for or not, 16-bit numbers would go through them.
    let exact = try device(.exact, tensors: tensors)
    #expect(try exact.cka(layers, examples: Array(0..<35), centering: .unbiased) == expected)
  }

  @Test func theSelfTestPassesWhereItShould() throws {
    #expect(try device(.exact).runtime.failureOfTensors() == nil)
  }
}
