import Activations
import Device
import TestSupport
import Testing

/// What no careful caller asks of a device: an error each, or a result, on every device.
@Suite(.serialized) struct HostileDeviceTests {
  static let numbers = [Int.min, -1, 0, 1, 3, 1 << 33, Int.max]
  static let multiples: [Double] = [
    0, -1, 5e-324, 1, 1e300, .greatestFiniteMagnitude, .infinity, -.infinity, .nan,
  ]

  static let kernels: [GramKernel] =
    multiples.flatMap { [.rbf(.sigma($0)), .rbf(.medianMultiple($0))] }
    + numbers.map { .rbf(.sampledMedianMultiple(1, examples: $0)) }

  private static func layers(n: Int = 6) -> [LayerActivations] {
    [
      Activations64.normal(n: n, p: 3, seed: 1).layer(),
      Activations64.normal(n: n, p: 9, seed: 2).layer(),
    ]
  }

  /// Calls `body`, which throws the device's error if any.
  private func survives(_ body: () throws -> Void) {
    do { try body() } catch { #expect(error is DeviceError, "\(error)") }
  }

  private func refuses(_ body: () throws -> Void) {
    let error = #expect(throws: DeviceError.self) { try body() }
    #expect(error?.kind == .unsupported || error?.kind == .input, "\(String(describing: error))")
  }

  @Test(arguments: TestedDevice.all)
  func kernelsOfAnyBandwidth(tested: TestedDevice) {
    for kernel in Self.kernels {
      for centering in GramCentering.allCases {
        survives { try useStack(on: tested.device, kernel, centering) }
      }
    }
    for examples in [Int.min, -1, 0, 1] {
      refuses {
        try useStack(
          on: tested.device, .rbf(.sampledMedianMultiple(1, examples: examples)), .biased)
      }
    }
  }

  private func useStack(
    on device: some Device, _ kernel: GramKernel, _ centering: GramCentering
  ) throws {
    let stack = try device.gramStack(
      of: Minibatch(layers: Self.layers(), examples: Array(0..<6)), kernel: kernel,
      centering: centering)
    _ = try device.innerProducts(stack, stack)
    _ = try device.squaredNorms(stack)
  }

  @Test(arguments: TestedDevice.all)
  func examplesThatAreNotThere(tested: TestedDevice) {
    func stack(_ device: some Device, _ examples: [Int], _ layers: [LayerActivations]) throws {
      let stack = try device.gramStack(
        of: Minibatch(layers: layers, examples: examples), kernel: .linear, centering: .unbiased)
      _ = try device.innerProducts(stack, stack)
      _ = try device.squaredNorms(stack)
    }
    let device = tested.device
    for examples in [[], [0], [0, 1, 2, -1], [0, 1, 2, 6], [0, 1, 2, .max], [.min, 0, 1, 2]] {
      refuses { try stack(device, examples, Self.layers()) }
    }
    refuses { try stack(device, [0, 1, 2, 3], []) }
    survives { try stack(device, [5, 5, 5, 5], Self.layers()) }
    refuses { try stack(device, [0, 1, 2, 5], Self.layers() + Self.layers(n: 4)) }
  }

  @Test(arguments: TestedDevice.all)
  func tilesThatAreNone(tested: TestedDevice) throws { try useTiles(on: tested.device) }

  private func useTiles(on device: some CrossCovarianceDevice) throws {
    let minibatch = Minibatch(layers: Self.layers(), examples: Array(0..<6))
    for kernel in [GramKernel.linear, .rbf(.medianMultiple(1))] {
      for side in Self.numbers where side <= 3 {
        for memory in [Int.min, 0, .max] {
          survives {
            _ = try device.prepareTiles(
              of: minibatch, kernel: kernel, centering: .unbiased,
              division: TileDivision(side: side, memory: memory), observe: {})
          }
        }
      }
    }
    for kernel in Self.kernels {
      survives {
        _ = try device.prepareTiles(
          of: minibatch, kernel: kernel, centering: .biased,
          division: TileDivision(side: 4, memory: 1 << 20), observe: {})
      }
    }
    let tiles = try device.prepareTiles(
      of: minibatch, kernel: .linear, centering: .unbiased,
      division: TileDivision(side: 4, memory: 1 << 20), observe: {})
    func tile(_ layers: [Int], _ rows: Range<Int>, _ columns: Range<Int>) throws {
      _ = try device.gramStack(of: tiles, layers: layers, rows: rows, columns: columns)
    }
    try tile([0, 1], 4..<6, 0..<4)
    refuses { try tile([], 4..<6, 0..<4) }
    refuses { try tile([0], 0..<2, 2..<4) }
    refuses { try tile([0], 4..<7, 0..<4) }
    refuses { try tile([0], -1..<2, -1..<2) }
    refuses { try tile([0], 3..<3, 3..<3) }
    refuses { try tile([0], Int.max - 1..<Int.max, 0..<4) }
    refuses { try tile([2], 4..<6, 0..<4) }
    refuses { try tile([-1], 4..<6, 0..<4) }
    #expect(try device.crossCovarianceNorms(tiles, tiles, pairs: []) == [])
    for pair in [LayerPair(0, 2), LayerPair(-1, 0), LayerPair(.max, 0), LayerPair(0, .min)] {
      refuses { _ = try device.crossCovarianceNorms(tiles, tiles, pairs: [pair]) }
    }
    let others = try device.prepareTiles(
      of: Minibatch(layers: Self.layers(), examples: Array(0..<5)), kernel: .linear,
      centering: .unbiased, division: TileDivision(side: 4, memory: 1 << 20), observe: {})
    refuses { _ = try device.crossCovarianceNorms(tiles, others, pairs: [LayerPair(0, 0)]) }
  }

  @Test func countsOfAnySize() {
    for n in Self.numbers {
      for centering in GramCentering.allCases {
        #expect(centering.packedCount(exampleCount: n) >= 0)
        _ = centering.rowMeans(sums: Array(repeating: .nan, count: min(max(n, 0), 3)))
      }
      for count in [Int.min, -1, 0, 1, 3] {
        let sample = GramKernel.Bandwidth.sample(of: n, count: count)
        #expect(sample.count == max(min(n, count), 0))
        #expect(sample.allSatisfy { (0..<max(n, 1)).contains($0) })
      }
    }
  }
}
