import Activations
import Device
import Foundation
import TestSupport
import Testing

@testable import CKA

/// Exact plans as they run, on a device that does everything by the definitions.
@Suite struct FullBatchRunTests {
  static let n = 150
  static let x = Activations64.normal(n: n, p: 31, seed: 71)
  static let y = x.mixed(into: .normal(n: n, p: 60, seed: 72), weight: 0.6)
  static let z = x.mixed(into: .normal(n: n, p: 3, seed: 73), weight: 0.1)
  static let w = y.mixed(into: .normal(n: n, p: 12, seed: 74), weight: 0.4)

  private func plan(
    _ comparison: Comparison, left: [Int], right: [Int]? = nil, side: Int = 64, sums: Int = 1 << 30
  ) -> FullBatchPlan {
    FullBatchPlan(
      FullBatchWork(comparison), tiledLeft: left, tiledRight: right ?? left,
      division: TileDivision(side: side, memory: 1 << 20), sums: sums)
  }

  private func expectCounts(_ plan: FullBatchPlan, _ device: NaiveDevice) {
    let counts = device.log.counts
    #expect(counts.gramFlops == plan.cost.gramFlops)
    #expect(counts.pairFlops == plan.cost.pairFlops)
    #expect(counts.featureFlops == plan.cost.featureFlops)
    #expect(counts.bytesRead == plan.cost.bytesRead)
    #expect(counts.largestSide <= plan.division.side)
  }

  /// What float32 row norms bring, and nothing else here is float32: of the correction,
  /// n/(n−2)·Σ‖x‖²‖y‖² ≈ n·p·q, 2⁻²⁴/√n; of ⟨K̃, K̃⟩ ≈ n²·p that is u·p/n/√n < 1e-8.
  private static let tolerance = 1e-7

  @Test(arguments: [Estimator.unbiased, .biased], [[], [0, 1], [1, 3], [0, 1, 2, 3]])
  func oneModelByAnyRoads(estimator: Estimator, tiled: [Int]) throws {
    let layers = [Self.x, Self.y, Self.z, Self.w]
    let comparison = try Comparison(ActivationModel(layers), estimator: estimator)
    let device = NaiveDevice()
    // Sums of 1 MiB hold all these pairs: one group.
    let plan = plan(comparison, left: tiled)
    let result = try comparison.run(on: [device], plan: plan).similarity
    expectCounts(plan, device)
    for i in layers.indices {
      #expect(result.cka[i, i] == 1)
      for j in layers.indices {
        let expected = Oracle.cka(layers[i], layers[j], unbiased: estimator == .unbiased)
        #expect(abs(result.cka[i, j] - expected) < Self.tolerance, "\(i) \(j)")
        #expect(result.cka[i, j] == result.cka[j, i])
      }
    }
    let whole = try comparison.run(on: [NaiveDevice()]).similarity
    for (a, b) in zip(result.z?.elements ?? [], whole.z?.elements ?? []) {
      #expect(abs(a - b) < 1e-4 * max(abs(b), 1))
    }
    #expect((result.z == nil) == (estimator == .biased))
  }

  @Test(arguments: [([], []), ([0], []), ([0, 1], [1]), ([0, 1, 2], [0, 1])])
  func twoModelsByAnyRoads(left: [Int], right: [Int]) throws {
    let (rows, columns) = ([Self.x, Self.y, Self.z], [Self.w, Self.y])
    let comparison = try Comparison(
      ActivationModel(rows), ActivationModel(columns), estimator: .unbiased)
    let device = NaiveDevice()
    let plan = plan(comparison, left: left, right: right, side: 40)
    let result = try comparison.run(on: [device], plan: plan).similarity
    expectCounts(plan, device)
    for i in rows.indices {
      for j in columns.indices {
        let expected = Oracle.cka(rows[i], columns[j], unbiased: true)
        #expect(abs(result.cka[i, j] - expected) < Self.tolerance, "\(i) \(j)")
      }
    }
  }

  @Test(arguments: [GramKernel.rbf(.medianMultiple(0.5)), .rbf(.sigma(6))])
  func rbfInTiles(kernel: GramKernel) throws {
    let layers = [Self.x, Self.y, Self.w]
    let comparison = try Comparison(ActivationModel(layers), estimator: .unbiased, kernel: kernel)
    let device = NaiveDevice()
    let plan = plan(comparison, left: [0, 1, 2], side: 70)
    var steps: [Int] = []
    let team = DeviceTeam([device]) { event in
      if case .finished(let done) = event { steps.append(done) }
    }
    let result = try comparison.run(on: team, plan: plan).similarity
    expectCounts(plan, device)
    #expect(steps == Array(1...plan.stepCount))
    let oracle: OracleKernel =
      kernel == .rbf(.sigma(6)) ? .rbfSigma(6) : .rbfMedian(0.5)
    for i in layers.indices {
      for j in layers.indices {
        let expected = Oracle.cka(layers[i], layers[j], kernel: oracle, unbiased: true)
        #expect(abs(result.cka[i, j] - expected) < Self.tolerance, "\(i) \(j)")
      }
    }
    if kernel == .rbf(.sigma(6)) {
      #expect(result.leftSigmas.allSatisfy { abs(($0 ?? 0) - 6) < 1e-12 })
    }
  }

  /// σ from the median over 40 of the 150 examples, in tiles.
  @Test func rbfOfASampledMedian() throws {
    func sigma(_ x: Activations64) -> Double {
      let sample = (0..<40).map { $0 * Self.n / 40 }
      let distances = sample.flatMap { i in
        sample.map { j in
          (0..<x.p).reduce(0.0) { $0 + (x[i, $1] - x[j, $1]) * (x[i, $1] - x[j, $1]) }
        }
      }.sorted()
      return ((distances[799] + distances[800]) / 2).squareRoot()
    }
    let layers = [Self.x, Self.w]
    let comparison = try Comparison(
      ActivationModel(layers), estimator: .unbiased,
      kernel: .rbf(.sampledMedianMultiple(1, examples: 40)))
    let device = NaiveDevice()
    let plan = plan(comparison, left: [0, 1], side: 70)
    let result = try comparison.run(on: [device], plan: plan).similarity
    expectCounts(plan, device)
    for (layer, found) in zip(layers, result.leftSigmas) {
      #expect(abs((found ?? 0) - sigma(layer)) < 1e-9)
    }
    let (k, l) = (
      Oracle.gram(layers[0], .rbfSigma(sigma(layers[0]))),
      Oracle.gram(layers[1], .rbfSigma(sigma(layers[1])))
    )
    func hsic(_ a: [Double], _ b: [Double]) -> Double { Oracle.unbiasedHSIC(a, b, n: Self.n) }
    let expected = hsic(k, l) / (hsic(k, k) * hsic(l, l)).squareRoot()
    #expect(abs(result.cka[0, 1] - expected) < Self.tolerance)
  }

  @Test func layersWithoutValuesLeaveTheOthersAlone() throws {
    var broken = Self.z
    broken.values[7] = .nan
    let constant = Activations64(n: Self.n, p: 5, values: Array(repeating: 3, count: Self.n * 5))
    // Its debiased HSIC is 0/0: what is left is rounding.
    let identity = Activations64(
      n: Self.n, p: Self.n,
      values: (0..<(Self.n * Self.n)).map { $0 % (Self.n + 1) == 0 ? 1 : 0 })
    let layers = [Self.x, broken, constant, identity, Self.w]
    let comparison = try Comparison(ActivationModel(layers), estimator: .unbiased)
    let expected = Oracle.cka(Self.x, Self.w, unbiased: true)
    for tiled in [[], [0, 1, 2, 3, 4], [1, 2, 3]] {
      let result = try comparison.run(
        on: [NaiveDevice()], plan: plan(comparison, left: tiled)
      ).similarity
      #expect(result.leftStatuses == [.ok, .nonFinite, .constant, .lowPrecision, .ok], "\(tiled)")
      #expect(abs(result.cka[0, 4] - expected) < Self.tolerance)
      #expect(result.cka[0, 1].isNaN && result.cka[2, 4].isNaN && result.cka[3, 3].isNaN)
    }
  }

  @Test func devicesShareTilesAndHandThemOver() throws {
    let comparison = try Comparison(
      ActivationModel([Self.x, Self.y, Self.z]), ActivationModel([Self.w]), estimator: .unbiased)
    let plan = plan(comparison, left: [0, 1], right: [0], side: 32)
    let alone = try comparison.run(on: [NaiveDevice()], plan: plan)
    #expect(alone.work.map(\.minibatches) == [plan.partCount])
    let shared = try comparison.run(
      on: DeviceTeam([NaiveDevice("a"), NaiveDevice("b"), NaiveDevice("c")], sharing: 3), plan: plan
    )
    #expect(shared.similarity.cka == alone.similarity.cka)
    #expect(shared.similarity.z == alone.similarity.z)
    #expect(shared.work.reduce(0) { $0 + $1.minibatches } == plan.partCount)

    // Lost in the middle: the next goes on from the sums so far.
    let lost = NaiveDevice("lost") { (calls) throws(DeviceError) in
      guard calls < 20 else {
        throw DeviceError(kind: .failed, call: "clFinish", context: "lost")
      }
    }
    var events: [String] = []
    let next = NaiveDevice("next")
    let team = DeviceTeam([lost, next]) { event in
      if case .fellBack(let from, let to, _) = event { events.append("\(from.id) \(to.id)") }
    }
    let outcome = try comparison.run(on: team, plan: plan)
    #expect(events == ["lost next"])
    #expect(outcome.similarity.cka == alone.similarity.cka)
    #expect(outcome.work.map(\.hasFailed) == [true, false])
    #expect(outcome.work.allSatisfy { $0.minibatches > 0 })
    #expect(outcome.work.reduce(0) { $0 + $1.minibatches } == plan.partCount)
  }

  /// Features in groups, one call each, add up to the same.
  @Test func groupsOfPairs() throws {
    // 600 × 600 sums are 1.4 MB, more than the least of a group.
    let wide = Activations64.normal(n: 20, p: 600, seed: 9)
    let comparison = try Comparison(
      ActivationModel([wide, wide, Self.x.rows(Array(0..<20))]), estimator: .biased)
    let plan = plan(comparison, left: [], sums: 0)
    #expect(plan.featureGroupCount == 4)
    let result = try comparison.run(on: [NaiveDevice()], plan: plan).similarity
    #expect(abs(result.cka[0, 1] - 1) < 1e-12 && result.cka[0, 2] < 0.9)
  }
}
