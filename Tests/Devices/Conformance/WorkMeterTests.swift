import Activations
import Device
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CKA

/// Devices tell a meter of their multiplications and additions while they do them: runs of one step were silent
/// until their end.
@Suite struct WorkMeterTests {
  private static let n = 256
  private static let layers = [600, 90, 40].enumerated().map {
    Activations64.normal(n: n, p: $1, seed: UInt64(500 + $0))
  }

  /// What is counted of the whole, in the only stage of a run.
  private func countedShare(
    _ comparison: Comparison, _ plan: FullBatchPlan? = nil, on tested: TestedDevice
  ) throws -> Double {
    let meter = WorkMeter()
    _ = try comparison.run(on: DeviceTeam([tested.device], meter: meter), plan: plan)
    let stages = meter.stages
    #expect(stages.count == 1 && !stages[0].isOpen && stages[0].name == nil)
    return stages[0].done / stages[0].total
  }

  private func plan(_ comparison: Comparison, tiled: [Int]) -> FullBatchPlan {
    FullBatchPlan(
      FullBatchWork(comparison), tiledLeft: tiled, tiledRight: tiled,
      division: TileDivision(side: 96, memory: 64 << 20), sums: 16 << 20)
  }

  /// Of a matrix without its diagonal n(n − 1) products are made, n² are foretold.
  private let wanted = 0.98...1.001

  @Test(arguments: TestedDevice.all) func allWorkIsCounted(tested: TestedDevice) throws {
    let (left, right) = (
      ActivationModel(Self.layers), ActivationModel(Array(Self.layers.prefix(2)))
    )
    let estimators: [Estimator] = [
      .unbiased, .biased, .minibatch(.init(size: 64, passes: 2)),
    ]
    for estimator in estimators {
      for other in [nil, right] {
        let comparison = try Comparison(left, other, estimator: estimator)
        let share = try countedShare(comparison, on: tested)
        // Minibatches of 64: 64 · 61 products of 64².
        #expect(wanted.contains(share) || estimator.isMinibatch && share > 0.95, "\(share)")
      }
    }
    for tiled in [[], [0], [0, 1, 2]] {
      let comparison = try Comparison(left, estimator: .unbiased)
      let share = try countedShare(comparison, plan(comparison, tiled: tiled), on: tested)
      #expect(wanted.contains(share), "\(tiled): \(share)")
    }
    let comparison = try Comparison(left, estimator: .unbiased, kernel: .rbf(.medianMultiple(1)))
    let share = try countedShare(comparison, plan(comparison, tiled: [0, 1, 2]), on: tested)
    // The diagonals of so few examples are a pass of their own; a search may end one pass early.
    #expect((0.7...1.3).contains(share), "\(share)")
  }

  /// A layer that is not finite has no other work than to be read.
  @Test(arguments: TestedDevice.all) func whatIsLeftOutCounts(tested: TestedDevice) throws {
    var layers = Self.layers
    layers[0].values[3] = .nan
    let share = try countedShare(
      Comparison(ActivationModel(layers), estimator: .unbiased), on: tested)
    #expect(wanted.contains(share), "\(share)")
  }

  /// Three layers of 24 slabs each, or of several segments; an OpenCL device takes them as one group.
  @Test(
    arguments: TestedDevice.all.filter {
      $0.device.info.backend == "BLAS" && !$0.name.contains("openBLAS")
    })
  func oneStepIsSeenToGoOn(tested: TestedDevice) throws {
    let numbers = (0..<(Self.n * 12_288)).map { Float($0 &* 2_654_435_761 % 1009) }
    let layer = LayerActivations(
      name: "wide", values: numbers, scalarType: .float32, exampleCount: Self.n,
      featureAxes: [12_288])
    let comparison = try Comparison(
      ActivationModel(name: "m", layers: [layer, layer, layer]), estimator: .unbiased)
    let seen = Mutex<[Double]>([])
    let meter = WorkMeter { stage in seen.withLock { $0.append(stage.share) } }
    _ = try comparison.run(on: DeviceTeam([tested.device], meter: meter))
    let shares = seen.withLock { $0 }
    #expect(shares == shares.sorted() && shares.allSatisfy { (0...1).contains($0) })
    #expect(shares.count { $0 > 0.01 && $0 < 0.99 } >= 2, "\(shares)")
  }
}

extension Estimator {
  fileprivate var isMinibatch: Bool {
    if case .minibatch = self { true } else { false }
  }
}
