import Activations
import Device
import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

// CKA from the device against the float64 oracle. The bounds are the project's promise: 1e-5, and
// 1e-4 with an offset of 1,000 standard deviations (there float32 itself has lost ten bits).
struct WholeDeviceTests {
  /// Layers of mixed widths and types, which share some of a first one.
  private func mixture(n: Int, scale: Double = 1, offset: Double = 0)
    -> ([Activations64], [LayerActivations])
  {
    let widths = Fixture.isSimulated ? [20, 1, 70, 33, 40] : [60, 1, 700, 127, 64]
    let first = Activations64.normal(n: n, p: widths[0], seed: 1, scale: scale, offset: offset)
    let others = widths.enumerated().map { index, p in
      first.mixed(
        into: .normal(n: n, p: p, seed: UInt64(index + 2), scale: scale, offset: offset),
        weight: 0.7)
    }
    var data = [first, others[1], others[2]]
    var layers = data.map { $0.layer() }
    for (values, type) in [(others[3], ScalarType.float16), (others[4], .bfloat16)]
    where scale == 1 && offset == 0 {
      let (rounded, layer) = values.stored(as: type)
      data.append(rounded)
      layers.append(layer)
    }
    data.append(others[0])
    layers.append(others[0].layer64())
    return (data, layers)
  }

  private func check(
    _ data: [Activations64], _ layers: [LayerActivations], centering: GramCentering,
    tolerance: Double, float64: Bool = true
  ) throws {
    let n = data[0].n
    let cka = try Fixture.device(float64: float64)
      .cka(layers, examples: Array(0..<n), centering: centering)
    for i in data.indices {
      for j in 0...i {
        let truth = Oracle.cka(data[i], data[j], unbiased: centering == .unbiased)
        #expect(abs(cka[i, j] - truth) < tolerance, "layers \(i), \(j): \(cka[i, j]), \(truth)")
        #expect(cka[i, j] == cka[j, i])
      }
    }
  }

  @Test(arguments: GramCentering.allCases, [true, false])
  func mixedLayers(centering: GramCentering, float64: Bool) throws {
    let (data, layers) = mixture(n: Fixture.isSimulated ? 13 : 67)
    try check(data, layers, centering: centering, tolerance: 1e-5, float64: float64)
  }

  @Test func offset() throws {
    let (data, layers) = mixture(n: 35, offset: 1000)
    try check(data, layers, centering: .unbiased, tolerance: 1e-4)
  }

  @Test(arguments: [1e-18, 1e18, 1e-30, 1e36])
  func scales(scale: Double) throws {
    let (data, layers) = mixture(n: 35, scale: scale)
    try check(data, layers, centering: .unbiased, tolerance: 1e-5)
  }

  @Test(arguments: GramCentering.allCases)
  func badLayersDoNotDisturbOthers(centering: GramCentering) throws {
    let n = 21
    let good = Activations64.normal(n: n, p: 40, seed: 3)
    let other = good.mixed(into: .normal(n: n, p: 30, seed: 4), weight: 1)
    var nan = Activations64.normal(n: n, p: 50, seed: 5)
    nan.values[123] = .nan
    var infinite = good
    infinite.values[7] = .infinity
    let constant = Activations64(n: n, p: 3, values: Array(repeating: 0.1, count: 3 * n))
    let layers = [good, nan, constant, infinite, other].map { $0.layer() }
    let device = try Fixture.device()
    let examples = Array(0..<n)
    let stack = try device.gramStack(
      of: Minibatch(layers: layers + [nan.layer64(), constant.layer64()], examples: examples),
      kernel: .linear, centering: centering)
    #expect(stack.layers.map(\.isFinite) == [true, false, true, false, true, false, true])
    #expect(stack.layers.map(\.isConstant) == [false, false, true, false, false, false, true])
    let products = try device.innerProducts(stack, stack)
    for i in [1, 2, 3, 5, 6] {
      for j in 0..<7 { #expect(products[i, j] == 0 && products[j, i] == 0) }
    }
    let alone = try device.cka(
      [good.layer(), other.layer()], examples: examples, centering: centering)
    let value = products[0, 4] / (products[0, 0].squareRoot() * products[4, 4].squareRoot())
    #expect(abs(value - alone[0, 1]) < 1e-14)
  }

  @Test func chosenExamples() throws {
    let x = Activations64.normal(n: 40, p: 17, seed: 6)
    let y = x.mixed(into: .normal(n: 40, p: 90, seed: 7), weight: 0.5)
    let chosen = [3, 4, 8, 11, 25, 26, 27, 39]
    let cka = try Fixture.device()
      .cka([x.layer(), y.layer()], examples: chosen, centering: .unbiased)
    let truth = Oracle.cka(x, y, unbiased: true, batches: [chosen])
    #expect(abs(cka[0, 1] - truth) < 1e-5)
  }

  @Test(arguments: [0.2, 0.5, 1, 100], GramCentering.allCases)
  func rbfMedian(multiple: Double, centering: GramCentering) throws {
    for n in [20, 21] {
      let x = Activations64.normal(n: n, p: 30, seed: 8, scale: 1e5)
      let y = x.mixed(into: .normal(n: n, p: 10, seed: 9, scale: 1e5), weight: 0.5)
      let kernel = GramKernel.rbf(.medianMultiple(multiple))
      let cka = try Fixture.device().cka(
        [x.layer(), y.layer()], examples: Array(0..<n), kernel: kernel, centering: centering)
      let truth = Oracle.cka(
        x, y, kernel: .rbfMedian(multiple), unbiased: centering == .unbiased)
      #expect(abs(cka[0, 1] - truth) < 1e-5, "n = \(n)")
    }
  }

  @Test(arguments: [0.5, 3, 40])
  func rbfSigma(sigma: Double) throws {
    let n = 33
    let x = Activations64.normal(n: n, p: 4, seed: 10)
    let y = x.mixed(into: .normal(n: n, p: 6, seed: 11), weight: 0.5)
    let device = try Fixture.device()
    let kernel = GramKernel.rbf(.sigma(sigma))
    let cka = try device.cka(
      [x.layer(), y.layer()], examples: Array(0..<n), kernel: kernel, centering: .unbiased)
    let truth = Oracle.cka(x, y, kernel: .rbfSigma(sigma), unbiased: true)
    #expect(abs(cka[0, 1] - truth) < 1e-5)
  }

  @Test func rbfSummaries() throws {
    let n = 16
    let x = Activations64.normal(n: n, p: 12, seed: 12)
    // More than half of all distances are zero: so is their median.
    var mostlyEqual = Activations64(n: n, p: 2, values: Array(repeating: 1, count: 2 * n))
    mostlyEqual.values[0] = 2
    let constant = Activations64(n: n, p: 2, values: Array(repeating: 1, count: 2 * n))
    let stack = try Fixture.device().gramStack(
      of: Minibatch(
        layers: [x, mostlyEqual, constant].map { $0.layer() }, examples: Array(0..<n)),
      kernel: .rbf(.medianMultiple(0.5)), centering: .unbiased)
    var distances: [Double] = []
    for i in 0..<n {
      for j in 0..<n {
        distances.append((0..<12).reduce(0) { $0 + (x[i, $1] - x[j, $1]) * (x[i, $1] - x[j, $1]) })
      }
    }
    distances.sort()
    let median = (distances[n * n / 2 - 1] + distances[n * n / 2]) / 2
    // A squared distance is made of three float32 sums: relative error of some 2⁻²⁴.
    let sigma = try #require(stack.layers[0].sigma)
    #expect(abs(sigma - 0.5 * median.squareRoot()) < 1e-6 * sigma)
    #expect(!stack.layers[1].isFinite && !stack.layers[1].isConstant)
    #expect(stack.layers[1].sigma == 0)
    #expect(stack.layers[2].isFinite && stack.layers[2].isConstant)
  }
}
