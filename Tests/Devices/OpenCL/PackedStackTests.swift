import Activations
import Device
import TestSupport
import Testing

@testable import OpenCLDevice

/// Gram matrices that are taken out of a device and given back.
struct PackedStackTests {
  private let n = 61

  /// Numbers that do not move, in place of a mapped file's.
  private final class Numbers: Sendable {
    nonisolated(unsafe) let all: UnsafeMutableBufferPointer<Float>

    init(count: Int) {
      all = .allocate(capacity: count)
      all.initialize(repeating: .nan)
    }

    deinit { all.deallocate() }
  }

  private func roundTrip(_ device: OpenCLDevice, centering: GramCentering, isResident: Bool) throws
  {
    let first = Activations64.normal(n: n, p: 40, seed: 1)
    let layers = (0..<7).map { (layer: Int) -> LayerActivations in
      let other = Activations64.normal(n: n, p: 10 + 30 * layer, seed: UInt64(layer + 2))
      return first.mixed(into: other, weight: 0.4).layer()
    }
    let stack = try device.gramStack(
      of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: .linear, centering: centering)
    #expect(stack.isResident == isResident)
    let count = centering.packedCount(exampleCount: n)
    let numbers = Numbers(count: count * layers.count)
    for layer in layers.indices {
      try device.copyNumbers(
        ofLayer: layer, of: stack,
        to: UnsafeMutableBufferPointer(rebasing: numbers.all[(layer * count)...].prefix(count)))
    }
    let start = try #require(numbers.all.baseAddress)
    let packed = PackedGrams(
      exampleCount: n, centering: centering, layers: stack.layers,
      numbers: layers.indices.map { UnsafePointer(start + $0 * count) }, owner: numbers)
    let again = try device.gramStack(of: packed)
    #expect(again.isResident == isResident)
    #expect(again.layers == stack.layers)
    #expect(try device.squaredNorms(again) == device.squaredNorms(stack))
    let products = try device.innerProducts(stack, stack)
    #expect(try device.innerProducts(again, again) == products)
    // A wrong place of a layer would show here; one that is off in both would not above.
    let mixed = try device.innerProducts(again, stack)
    for i in layers.indices {
      for j in layers.indices { #expect(mixed[i, j] == products[i, j], "\(i), \(j)") }
    }
    let copy = Numbers(count: count)
    try device.copyNumbers(ofLayer: 3, of: again, to: copy.all)
    #expect(
      zip(copy.all, numbers.all[(3 * count)...]).allSatisfy { $0.bitPattern == $1.bitPattern })
    // The numbers themselves: ⟨K, L⟩ is the plain product of two packed rows.
    let plain = (0..<count).reduce(0.0) {
      $0 + Double(numbers.all[$1]) * Double(numbers.all[3 * count + $1])
    }
    // Some 200 float32 products of numbers whose norms are at most n.
    #expect(abs(plain - products[0, 3]) < 1e-5 * products[0, 0])
  }

  @Test(arguments: GramCentering.allCases) func onTheDevice(centering: GramCentering) throws {
    try roundTrip(Fixture.device(), centering: centering, isResident: true)
  }

  /// Buffers of some of the layers.
  @Test(arguments: GramCentering.allCases) func inSeveralBuffers(centering: GramCentering) throws {
    let limits = OpenCLLimits(
      memory: 1 << 20, largestAllocation: 21_504, group: 21_504, workspace: 16_384)
    try roundTrip(Fixture.device(limits: limits), centering: centering, isResident: true)
  }

  /// Other stacks have the memory.
  @Test(arguments: GramCentering.allCases) func onTheHost(centering: GramCentering) throws {
    let limits = OpenCLLimits(
      memory: 600_000, largestAllocation: 300_000, group: 21_504, workspace: 16_384)
    let device = try Fixture.device(limits: limits)
    let other = try device.runtime.buffer(byteCount: limits.residentBytes - 6000, isResident: true)
    try withExtendedLifetime(other) {
      try roundTrip(device, centering: centering, isResident: false)
    }
  }
}
