import Activations
import BLASDevice
import Device
import TestSupport
import Testing

@testable import CKA

/// What is computed in float64 tells a meter all of the work that was foretold.
@Suite struct WorkMeterTests {
  private static let n = 320
  private static let x = Activations64.normal(n: n, p: 40, seed: 901)
  private static let y = x.mixed(into: .normal(n: n, p: 25, seed: 902), weight: 0.5)

  /// Expects stages of these names, nested ones after their outer, of whose work a share of `range` was counted.
  private func expectStages(
    _ meter: WorkMeter, _ names: [String?], within range: ClosedRange<Double> = 0.98...1.02,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(meter.stages.map(\.name) == names, sourceLocation: sourceLocation)
    #expect(meter.stagesAmiss(within: range) == [], sourceLocation: sourceLocation)
  }

  /// What is made again in float64 on the CPU is a stage of its own.
  @Test(arguments: [GramKernel.linear, .rbf(.medianMultiple(1)), .rbf(.sigma(10))])
  func float64(kernel: GramKernel) throws {
    var x = Self.x
    for feature in 0..<x.p { x.values[5 * x.p + feature] *= 0x1p40 }
    for estimator in [Estimator.unbiased, .minibatch(.init(size: 80))] {
      for right in [nil, ActivationModel([Self.y])] {
        let comparison = try Comparison(
          ActivationModel([x, Self.y]), right, estimator: estimator, kernel: kernel)
        let meter = WorkMeter()
        let outcome = try comparison.run(on: DeviceTeam([BLASDevice()], meter: meter))
        #expect(outcome.recomputed?.left == [0])
        expectStages(meter, [nil, "float64 recomputation"], within: 0.95...1.001)
      }
    }
  }

  /// Matrices that do not fit are made in tiles, more than once.
  @Test(arguments: [GramKernel.linear, .rbf(.medianMultiple(1))])
  func float64InTiles(kernel: GramKernel) throws {
    let meter = WorkMeter()
    var comparison = try Comparison(
      ActivationModel([Self.x, Self.y]), estimator: .unbiased, kernel: kernel)
    comparison.meter = meter
    let sums = Float64Sums(comparison: comparison, memory: 1 << 20, leastSide: 32, mostSide: 96)
    let block = Float64Sums.Block(rows: [0], columns: [0, 1])
    meter.begin(sums.flops(block, minibatches: 1))
    _ = try sums.sums(block, points: [1])
    meter.end()
    expectStages(meter, [nil])
    let batch = comparison.minibatches(Array(0..<Self.n)).left
    let grams = NarrowedGrams(of: batch, kernel: kernel, centering: .unbiased, side: 96)
    let numbers = UnsafeMutablePointer<Float>.allocate(capacity: Self.n * Self.n)
    defer { numbers.deallocate() }
    meter.begin(grams.flops(ofLayers: [0, 1]))
    for layer in 0...1 { _ = try grams.write(layer: layer, to: numbers) }
    meter.end()
    expectStages(meter, [nil, nil])
  }
}
