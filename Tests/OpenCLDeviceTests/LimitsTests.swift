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

  private func results(_ limits: OpenCLLimits?, _ kernel: GramKernel, tuning: Tuning? = nil) throws
    -> (Matrix<Double>, [GramSummary], Bool)
  {
    let description = try Fixture.description()
    var slices = Fixture.tuning(float64: description.hasFloat64)
    slices.slice = 128
    let device = try OpenCLDevice(
      description, limits: limits ?? OpenCLLimits(description), tuning: slices)
    let stack = try device.gramStack(
      of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: kernel, centering: .unbiased)
    return (try device.innerProducts(stack, stack), stack.layers, stack.isResident)
  }

  @Test(
    arguments: [
      // Groups of a few slices; a workspace of one tile; buffers of two matrices.
      (1 << 21, 1 << 20, 128 * 40 * 4, 64 * 64 * 4, true),
      (1 << 21, 7000, 128 * 40 * 4, 1 << 14, false),
      // Little memory: the stack goes to the host, chunk by chunk.
      (46_000 * 8, 40_000, 128 * 40 * 4, 64 * 64 * 4, nil),
    ] as [(Int, Int, Int, Int, Bool?)])
  func splittingKeepsTheBits(
    memory: Int, largest: Int, group: Int, workspace: Int, isResident: Bool?
  ) throws {
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(0.5))] {
      let (whole, summaries, _) = try results(nil, kernel)
      let limits = OpenCLLimits(
        memory: memory, largestAllocation: max(largest, 21_000), group: group,
        workspace: workspace)
      let (split, splitSummaries, _) = try results(limits, kernel)
      #expect(split == whole)
      #expect(splitSummaries == summaries)
    }
  }

  @Test func hostStacks() throws {
    let description = try Fixture.description()
    let limits = OpenCLLimits(
      memory: 300_000, largestAllocation: 30_000, group: 20_480, workspace: 16_384)
    var slices = Fixture.tuning(float64: description.hasFloat64)
    slices.slice = 128
    let device = try OpenCLDevice(description, limits: limits, tuning: slices)
    let minibatch = Minibatch(
      layers: Array((0..<60).map { _ in layers[2] }) + layers, examples: Array(0..<n))
    let stack = try device.gramStack(of: minibatch, kernel: .linear, centering: .unbiased)
    #expect(!stack.isResident)
    let (whole, _, _) = try results(nil, .linear)
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
      let (first, summaries, _) = try results(nil, kernel)
      let (second, again, _) = try results(nil, kernel)
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
}
