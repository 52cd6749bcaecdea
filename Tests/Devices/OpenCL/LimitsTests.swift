import Activations
import Device
import TestSupport
import Testing

@testable import OpenCLDevice

struct LimitsTests {
  private let n = 40

  private var layers: [LayerActivations] {
    let first = Activations64.normal(n: n, p: 700, seed: 1)
    var layers = [first.layer()]
    for (index, p) in [1, 40, 33, 1200, 90, 64].enumerated() {
      layers.append(
        first.mixed(into: .normal(n: n, p: p, seed: UInt64(index + 2)), weight: 0.5).layer())
    }
    let (_, half) = first.stored(as: .float16)
    return layers + [half, first.layer64()]
  }

  private func device(_ limits: OpenCLLimits?) throws -> OpenCLDevice {
    let description = try Fixture.description()
    var tuning = Fixture.tuning(float64: description.hasFloat64)
    tuning.slice = 128
    return try OpenCLDevice(
      description, limits: limits ?? OpenCLLimits(description), tuning: tuning)
  }

  private func results(_ limits: OpenCLLimits?, _ kernel: GramKernel) throws
    -> (Matrix<Double>, [GramSummary])
  {
    let device = try device(limits)
    let stack = try device.gramStack(
      of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: kernel, centering: .unbiased)
    return (try device.innerProducts(stack, stack), stack.layers)
  }

  /// Bytes of a group of one slice of the layers here.
  private static let slice = 128 * 40 * 4
  /// Bytes of one tile.
  private static let tile = 64 * 64 * 4

  @Test(
    arguments: [
      // Groups of one slice, a workspace of one tile.
      (1 << 21, 1 << 20, slice, tile),
      // Buffers of few matrices: a stack of several.
      (1 << 21, 21_000, 2 * slice, 1 << 18),
      (16 * slice + 4096, 21_000, slice, tile),
    ])
  func splittingKeepsTheBits(memory: Int, largest: Int, group: Int, workspace: Int) throws {
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(0.5))] {
      let (whole, summaries) = try results(nil, kernel)
      let limits = OpenCLLimits(
        memory: memory, largestAllocation: largest, group: group, workspace: workspace)
      let (split, splitSummaries) = try results(limits, kernel)
      #expect(split == whole)
      #expect(splitSummaries == summaries)
    }
  }

  /// Even groups smaller than a slice work; then the sums have another order.
  @Test func smallestGroups() throws {
    let (whole, _) = try results(nil, .linear)
    let limits = OpenCLLimits(
      memory: 1 << 21, largestAllocation: 1 << 20, group: 32 * n * 4, workspace: Self.tile)
    let (split, _) = try results(limits, .linear)
    // Sums of up to 1,200 products in another order.
    for (a, b) in zip(split.elements, whole.elements) {
      #expect(abs(a - b) < 1e-5 * max(1, abs(b)))
    }
  }

  /// Feature ranges of one layer that need different scales.
  @Test(arguments: [[1, 1e18], [1e18, 1], [0, 1e-18], [1e-18, 0], [1e9, 1e12], [1e-30, 1e30]])
  func rangesOfDifferentScales(scales: [Double]) throws {
    let p = 300
    var x = Activations64.normal(n: n, p: 2 * p, seed: 1)
    for index in x.values.indices {
      x.values[index] = Double(Float(x.values[index] * scales[index % (2 * p) / p] + 1e-20))
    }
    let y = Activations64.normal(n: n, p: 20, seed: 2)
    let mixed = x.mixed(into: y, weight: 1 / (scales.max() ?? 1))
    let limits = OpenCLLimits(
      memory: 1 << 21, largestAllocation: 1 << 20, group: Self.slice, workspace: Self.tile)
    for layer in [x.layer(), x.layer64()] {
      let cka = try device(limits).cka(
        [layer, mixed.layer()], examples: Array(0..<n), centering: .unbiased)
      #expect(abs(cka[0, 1] - Oracle.cka(x, mixed, unbiased: true)) < 1e-5)
    }
  }

  @Test func hostStacks() throws {
    let limits = OpenCLLimits(
      memory: 400_000, largestAllocation: 30_000, group: Self.slice, workspace: Self.tile)
    let device = try device(limits)
    let minibatch = Minibatch(
      layers: Array((0..<60).map { _ in layers[2] }) + layers, examples: Array(0..<n))
    let stack = try device.gramStack(of: minibatch, kernel: .linear, centering: .unbiased)
    #expect(!stack.isResident)
    let (whole, _) = try results(nil, .linear)
    let products = try device.innerProducts(stack, stack)
    let norms = try device.squaredNorms(stack)
    for i in 0..<9 {
      #expect(norms[60 + i] == whole[i, i])
      for j in 0..<9 { #expect(products[60 + i, 60 + j] == whole[i, j]) }
    }
  }

  @Test func refusesOnlyWhatCannotBeSplit() throws {
    let limits = OpenCLLimits(
      memory: 1000, largestAllocation: 1000, group: 1000, workspace: 1000)
    do {
      _ = try results(limits, .linear)
      Issue.record("1,000 bytes are not enough")
    } catch let error as DeviceError {
      #expect(error.kind == .outOfMemory)
    }
  }

  @Test func twoRunsGiveTheSameBits() throws {
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(1))] {
      let (first, summaries) = try results(nil, kernel)
      let (second, again) = try results(nil, kernel)
      #expect(first == second)
      #expect(summaries == again)
    }
  }

  @Test func memoryIsGivenBack() throws {
    let device = try Fixture.device()
    func use() throws {
      let stack = try device.gramStack(
        of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: .linear,
        centering: .biased)
      _ = try device.innerProducts(stack, stack)
    }
    try use()
    let before = device.runtime.ledger.bytesInUse
    let programs = device.runtime.compiledPrograms
    try use()
    #expect(device.runtime.ledger.bytesInUse == before)
    #expect(device.runtime.compiledPrograms == programs)
  }

  /// Counts of n(n − 1)/2 distances wrapped in 32 bits, and σ was wrong without a word. The limit is
  /// pretended to be as small as the data.
  @Test func moreExamplesThanTheMedianCountsHoldAreRefused() throws {
    var limits = OpenCLLimits(try Fixture.description())
    // (n choose 2) < 2³².
    #expect(limits.medianExamples * (limits.medianExamples - 1) / 2 < 1 << 32)
    #expect((limits.medianExamples + 1) * limits.medianExamples / 2 >= 1 << 32)
    limits.medianExamples = n - 1
    #expect {
      try self.results(limits, .rbf(.medianMultiple(0.5)))
    } throws: { error in
      (error as? DeviceError)?.kind == .unsupported
    }
    // Neither a given σ nor a linear kernel counts anything.
    for kernel in [GramKernel.linear, .rbf(.sigma(2))] {
      #expect(try results(limits, kernel).0 == results(nil, kernel).0)
    }
    limits.medianExamples = n
    #expect(
      try results(limits, .rbf(.medianMultiple(0.5))).0
        == results(nil, .rbf(.medianMultiple(0.5))).0)
  }
}
