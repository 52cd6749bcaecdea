import ActivationFiles
import Activations
import Device
import Foundation
import TestSupport
import Testing

@testable import CKA

/// Estimates over all examples by tiles and by features, on every device, against those at once and
/// against float64.
@Suite struct FullBatchTests {
  private static let kernels: [GramKernel] = [
    .linear, .rbf(.medianMultiple(1)), .rbf(.sigma(8)),
  ]

  private func plan(
    _ comparison: Comparison, left: [Int], right: [Int]? = nil, side: Int
  ) -> FullBatchPlan {
    FullBatchPlan(
      FullBatchWork(comparison), tiledLeft: left, tiledRight: right ?? left,
      division: TileDivision(side: side, memory: 64 << 20), sums: 16 << 20)
  }

  /// The layers of the example networks: 256 digits, 10 to 4,096 features, float16.
  private func example(_ name: String) throws -> ModelFiles {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try ModelFiles(path: root.path + "/Examples/digits/activations/" + name)
  }

  /// Tiles of 96 divide 256 into unequal parts. Beside the matrices' rounding, which both have, float32
  /// sums over a tile's 96² numbers have other runs than those over a triangle's.
  @Test(arguments: TestedDevice.all, kernels)
  func theExampleNetworkInTiles(tested: TestedDevice, kernel: GramKernel) throws {
    let network = try example("depth8-width4-seed0")
    let comparison = try Comparison(network, estimator: .unbiased, kernel: kernel)
    let atOnce = FullBatchPlan(atOnce: FullBatchWork(comparison), cost: FullBatchCost())
    let whole = try comparison.run(on: [tested.device], plan: atOnce).similarity
    let all = Array(network.layers.indices)
    let tiles = plan(comparison, left: all, side: 96)
    let result = try comparison.run(on: [tested.device], plan: tiles).similarity
    #expect(result.leftStatuses == whole.leftStatuses)
    for (a, b) in zip(result.cka.elements, whole.cka.elements) { #expect(abs(a - b) < 1e-6) }
    for (a, b) in zip(result.leftSigmas, whole.leftSigmas) {
      #expect((a == nil) == (b == nil) && abs((a ?? 0) - (b ?? 0)) < 1e-5 * (b ?? 1))
    }
    let again = try comparison.run(on: [tested.device], plan: tiles).similarity
    #expect(again.cka == result.cka)
  }

  /// All pairs of two networks by their features, though these are more than the examples.
  @Test(arguments: TestedDevice.all)
  func theExampleNetworksByFeatures(tested: TestedDevice) throws {
    let (wide, narrow) = (try example("depth8-width4-seed0"), try example("depth20-width1-seed0"))
    let few = ActivationModel(
      name: "few", layers: narrow.layers.filter { $0.featureCount <= 256 }, exampleIDs: nil)
    let comparison = try Comparison(wide, few, estimator: .unbiased)
    let atOnce = FullBatchPlan(atOnce: FullBatchWork(comparison), cost: FullBatchCost())
    let whole = try comparison.run(on: [tested.device], plan: atOnce).similarity
    let features = plan(comparison, left: [], right: [], side: 96)
    let result = try comparison.run(on: [tested.device], plan: features).similarity
    #expect(result.rightStatuses == whole.rightStatuses)
    for (a, b) in zip(result.cka.elements, whole.cka.elements) { #expect(abs(a - b) < 1e-6) }
    for (a, b) in zip(result.z?.elements ?? [], whole.z?.elements ?? []) {
      #expect(abs(a - b) < 1e-4)
    }
  }

  /// Mixed widths: wide layers in tiles, narrow ones by features, and pairs of both.
  ///
  /// Float32 throughout, as at once: `Numerics.md` promises 1e-5, and sees 1e-7.
  @Test(arguments: TestedDevice.all, [Estimator.unbiased, .biased])
  func mixedRoads(tested: TestedDevice, estimator: Estimator) throws {
    let n = 210
    let x = Activations64.normal(n: n, p: 300, seed: 1)
    let layers = [3, 12, 60, 400].enumerated().map { index, p in
      x.mixed(into: .normal(n: n, p: p, seed: UInt64(index + 2)), weight: 0.5)
    }
    let rows = [x, layers[0], layers[1]]
    let columns = [layers[2], layers[3], x]
    let comparison = try Comparison(
      ActivationModel(rows), ActivationModel(columns), estimator: estimator)
    let mixed = plan(comparison, left: [0], right: [1, 2], side: 64)
    let result = try comparison.run(on: [tested.device], plan: mixed).similarity
    let isUnbiased = estimator == .unbiased
    for i in rows.indices {
      for j in columns.indices {
        let expected = Oracle.cka(rows[i], columns[j], unbiased: isUnbiased)
        #expect(abs(result.cka[i, j] - expected) < 1e-6, "\(i) \(j)")
      }
    }
    // Equal layers of two models, both in tiles. OpenBLAS adds in an order that depends on how many
    // layers there are.
    #expect(abs(result.cka[0, 2] - 1) <= (tested.name.hasSuffix("openBLAS") ? 1e-6 : 0))
    let own = try Comparison(ActivationModel(rows + columns), estimator: estimator)
    let together = try own.run(
      on: [tested.device], plan: plan(own, left: [0, 4, 5], side: 100)
    ).similarity
    for i in rows.indices {
      #expect(together.cka[i, i] == 1)
      for j in columns.indices {
        #expect(abs(together.cka[i, rows.count + j] - result.cka[i, j]) < 1e-6)
      }
    }
  }

  /// The planner's own choice, calibrated on the device.
  @Test(arguments: TestedDevice.all)
  func measuredRatesMakeAPlan(tested: TestedDevice) throws {
    let layers = [5, 40].map { Activations64.normal(n: 300, p: $0, seed: UInt64($0)) }
    let comparison = try Comparison(ActivationModel(layers), estimator: .unbiased)
    let plan = try #require(
      try comparison.fullBatchPlan(
        on: DeviceTeam([tested.device], memory: 1 << 40), isMeasured: true))
    #expect((plan.cost.seconds ?? 0) > 0 && plan.cost.peakMemory > 0)
    let rates = try DeviceRates(
      measuring: tested.device, FullBatchWork(comparison), layers: comparison.left.layers,
      examples: comparison.pairing.left)
    for rate in [rates.gram, rates.pairs, rates.features, rates.bytes] {
      #expect(rate > 1e5 && rate < 1e16)
    }
  }
}
