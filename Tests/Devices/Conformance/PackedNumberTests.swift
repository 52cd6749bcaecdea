import Activations
import Device
import TestSupport
import Testing

/// Matrices taken out of a device and brought back.
@Suite struct PackedNumberTests {
  private final class Numbers: Sendable {
    nonisolated(unsafe) let start: UnsafeMutableBufferPointer<Float>
    init(count: Int) { start = .allocate(capacity: count) }
    deinit { start.deallocate() }
  }

  @Test(arguments: TestedDevice.all) func keepTheirBits(tested: TestedDevice) throws {
    try Self.check(on: tested.device)
  }

  /// What a caller of the library can ask for without a meaning once ended the process.
  @Test(arguments: TestedDevice.all) func requestsWithoutMeaningAreRefused(tested: TestedDevice)
    throws
  {
    try Self.refuse(on: tested.device)
  }

  private static func refuse(on device: some PackedDevice) throws {
    let layer = Activations64.normal(n: 20, p: 3, seed: 1).layer()
    func minibatch(_ count: Int) -> Minibatch {
      Minibatch(layers: [layer], examples: Array(0..<count))
    }
    func expectRefusal(_ words: String, _ body: () throws -> Void) {
      let error = #expect(throws: DeviceError.self) { try body() }
      #expect(error?.kind == .unsupported && error?.context.contains(words) ?? false, "\(words)")
    }
    expectRefusal("3 examples, expected at least 4") {
      _ = try device.gramStack(of: minibatch(3), kernel: .linear, centering: .unbiased)
    }
    let (few, many) = (
      try device.gramStack(of: minibatch(8), kernel: .linear, centering: .unbiased),
      try device.gramStack(of: minibatch(20), kernel: .linear, centering: .unbiased)
    )
    expectRefusal("different examples") { _ = try device.innerProducts(few, many) }
    var numbers = [Float](repeating: 0, count: 28)
    numbers.withUnsafeMutableBufferPointer { room in
      expectRefusal("no layer 1") { try device.copyNumbers(ofLayer: 1, of: few, to: room) }
      expectRefusal("room for 28 numbers, expected 190") {
        try device.copyNumbers(ofLayer: 0, of: many, to: room)
      }
    }
  }

  private static func check(on device: some PackedDevice) throws {
    let n = 37
    let x = Activations64.normal(n: n, p: 20, seed: 1)
    let constant = Activations64(n: n, p: 2, values: [Double](repeating: 1, count: 2 * n))
    let layers = [
      x, x.mixed(into: .normal(n: n, p: 9, seed: 2), weight: 0.5), constant,
    ].map { $0.layer() }
    for centering in GramCentering.allCases {
      let stack = try device.gramStack(
        of: Minibatch(layers: layers, examples: Array(0..<n)), kernel: .linear,
        centering: centering)
      let count = centering.packedCount(exampleCount: n)
      // The second before the first, in memory with gaps.
      let numbers = Numbers(count: 3 * count + 7)
      let order = [1, 0, 2]
      var places: [UnsafePointer<Float>] = []
      for (place, layer) in order.enumerated() {
        let start = place * (count + 3)
        let room = UnsafeMutableBufferPointer(
          rebasing: numbers.start[start..<(start + count)])
        try device.copyNumbers(ofLayer: layer, of: stack, to: room)
        places.append(UnsafePointer(try #require(room.baseAddress)))
      }
      #expect((0..<count).allSatisfy { places[2][$0] == 0 })
      let back = try device.gramStack(
        of: PackedGrams(
          exampleCount: n, centering: centering, layers: order.map { stack.layers[$0] },
          numbers: places, owner: numbers))
      #expect(back.layers == order.map { stack.layers[$0] })
      let (own, found) = (
        try device.innerProducts(stack, stack), try device.innerProducts(back, stack)
      )
      let norms = try device.squaredNorms(back)
      for (place, layer) in order.enumerated() {
        #expect(norms[place] == (try device.squaredNorms(stack))[layer])
        for other in layers.indices where other != layer {
          #expect(abs(found[place, other] - own[layer, other]) <= 1e-6)
        }
      }
      var again = [Float](repeating: .nan, count: count)
      var first = again
      try again.withUnsafeMutableBufferPointer {
        try device.copyNumbers(ofLayer: 1, of: back, to: $0)
      }
      try first.withUnsafeMutableBufferPointer {
        try device.copyNumbers(ofLayer: 0, of: stack, to: $0)
      }
      #expect(again == first)
    }
  }
}
