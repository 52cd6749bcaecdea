import Activations
import Analyses
import Device
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Layers of which float32 leaves too little are computed anew in float64, whatever device, estimator, kernel
/// and algorithm came before.
@Suite struct Float64Tests {
  static let cases = Float64Fixture.shared?.cases ?? []
  static let n = Float64Fixture.shared?.exampleCount ?? 0

  /// The CPU and an OpenCL device; other instruction sets round alike.
  static let devices =
    Array(TestedDevice.all.prefix(1))
    + TestedDevice.all.filter { $0.device.info.backend == "OpenCL" }.prefix(1)

  static let estimators: [Estimator] = [
    .minibatch(.init(size: 12, order: .stored)), .unbiased, .biased,
  ]

  private func layer(_ values: [Double], _ p: Int, _ type: String) -> LayerActivations {
    type == "float32"
      ? LayerActivations(
        name: "x", values: values.map { Float($0) }, scalarType: .float32, exampleCount: Self.n,
        featureAxes: [p])
      : LayerActivations(
        name: "x", values: values, scalarType: .float64, exampleCount: Self.n, featureAxes: [p])
  }

  private func comparison(
    _ item: Float64Fixture.Case, _ estimator: Estimator, _ kernel: GramKernel,
    isOneModel: Bool = false
  ) throws -> Comparison {
    let left = layer(item.left, item.features, item.type)
    let right = layer(item.right, item.right.count / Self.n, "float32")
    let first = ActivationModel(name: "a", layers: isOneModel ? [left, right] : [left])
    return try Comparison(
      first, isOneModel ? nil : ActivationModel(name: "b", layers: [right]), estimator: estimator,
      kernel: kernel)
  }

  private func kernels(_ item: Float64Fixture.Case) -> [GramKernel] {
    [.linear, .rbf(item.sigma.map { .sigma($0) } ?? .medianMultiple(1))]
  }

  @Test func theFixtureIsThere() { #expect(Self.cases.count > 15 && Self.n == 24) }

  @Test(arguments: devices, cases)
  func valuesThatFloat64Knows(tested: TestedDevice, item: Float64Fixture.Case) throws {
    for estimator in Self.estimators {
      for kernel in kernels(item) {
        let comparison = try comparison(item, estimator, kernel)
        var plans: [FullBatchPlan?] = [nil]
        if case .minibatch = estimator {
        } else {
          let work = FullBatchWork(comparison)
          plans = [FullBatchPlan(atOnce: work, cost: FullBatchCost())]
          for tiled in kernel == .linear ? [[0], []] : [[0]] {
            plans.append(
              FullBatchPlan(
                work, tiledLeft: tiled, tiledRight: tiled,
                division: TileDivision(side: 10, memory: 64 << 20), sums: 16 << 20))
          }
        }
        for plan in plans {
          let result = try comparison.run(on: [tested.device], plan: plan)
          let label = "\(estimator.name) \(kernel) \(plan?.algorithm(0, 0).rawValue ?? "")"
          guard let expected = item.expected(estimator, kernel) else {
            #expect(result.similarity.statuses[0, 0] == .nonFinite, "\(label)")
            continue
          }
          #expect(result.similarity.statuses[0, 0] == .ok, "\(label)")
          #expect(abs(result.similarity.cka[0, 0] - expected) < item.tolerance, "\(label)")
        }
      }
    }
  }

  /// The float64 sums themselves, at once and in tiles of unequal sides, hold far more digits.
  @Test(arguments: cases) func float64AtOnceAndInTiles(item: Float64Fixture.Case) throws {
    for estimator in Self.estimators {
      for kernel in kernels(item) {
        guard let expected = item.expected(estimator, kernel) else { continue }
        for isTiled in [false, true] {
          let comparison = try comparison(item, estimator, kernel)
          var sums = Float64Sums(comparison: comparison, memory: isTiled ? 0 : 1 << 30)
          if isTiled { (sums.leastSide, sums.mostSide) = (5, 5) }
          let result = Similarity(
            try sums.sums(
              .init(rows: [0], columns: [0]), points: [comparison.plan.batches.count])[0],
            centering: estimator.centering)
          #expect(result.statuses[0, 0] == .ok)
          #expect(abs(result.cka[0, 0] - expected) < 1e-8, "\(estimator.name) \(kernel) \(isTiled)")
        }
      }
    }
  }

  /// Only the row and the column of the doubtful layer change, and they are symmetric; what is not doubtful
  /// keeps its bits. Blocks of as few layers as there is memory for give the same.
  @Test(arguments: estimators) func onlyDoubtfulLayersAreComputedAnew(estimator: Estimator) throws {
    let item = try #require(Self.cases.first { $0.name == "outlier of 1e6" })
    let device = TestedDevice.all[0].device
    let outlier = layer(item.left, item.features, item.type)
    let others = (0..<3).map {
      Activations64.normal(n: Self.n, p: 3 + $0, seed: UInt64($0)).layer("layer\($0)")
    }
    let constant = Activations64(n: Self.n, p: 2, values: [Double](repeating: 3, count: 2 * Self.n))
      .layer("constant")
    func run(_ layers: [LayerActivations], memory: Int) throws -> Comparison.Outcome {
      // The plan is that of much memory: only what is made anew gets little.
      let comparison = try Comparison(
        ActivationModel(name: "m", layers: layers), estimator: estimator)
      let plan = try comparison.fullBatchPlan(on: DeviceTeam([device], memory: 1 << 40))
      return try comparison.run(on: DeviceTeam([device], memory: memory), plan: plan)
    }
    let good = try run(others + [constant], memory: 1 << 40)
    #expect(good.recomputed == nil)
    let all = try run([outlier] + others + [constant, outlier], memory: 1 << 40)
    let little = try run([outlier] + others + [constant, outlier], memory: 0)
    // The biased estimator keeps the diagonal, of which float32 knows enough.
    guard estimator != .biased else { return #expect(all.recomputed == nil) }
    #expect(all.recomputed == .init(left: [0, 5], right: [0, 5], cells: 16))
    #expect(little.recomputed == all.recomputed)
    #expect(all.similarity.statuses[0, 4] == .constant && all.similarity.cka[0, 4].isNaN)
    #expect(all.similarity.cka[0, 5] == 1 && all.similarity.cka[5, 5] == 1)
    for i in 0..<6 {
      for j in 0..<6 {
        let (value, other) = (all.similarity.cka[i, j], all.similarity.cka[j, i])
        #expect(value == other || value.isNaN && other.isNaN)
        #expect(value == little.similarity.cka[i, j] || value.isNaN)
        #expect(all.similarity.z?[i, j].isNaN == value.isNaN)
        if (1...4).contains(i), (1...4).contains(j) {
          let before = good.similarity.cka[i - 1, j - 1]
          #expect(value == before || value.isNaN && before.isNaN)
        }
      }
    }
  }

  /// A model on either side; a doubtful layer without any partner that has values still has a status.
  @Test func doubtfulLayersOfTheSecondModel() throws {
    let item = try #require(Self.cases.first { $0.name == "outlier of 1e6" })
    let outlier = ActivationModel(name: "a", layers: [layer(item.left, item.features, item.type)])
    let plain = ActivationModel(
      name: "b", layers: [layer(item.right, item.right.count / Self.n, "float32")])
    let constant = ActivationModel(
      name: "c",
      layers: [layer([Double](repeating: 3, count: 2 * Self.n), 2, "float32")])
    func run(_ a: ActivationModel, _ b: ActivationModel) throws -> Comparison.Outcome {
      try Comparison(a, b, estimator: .unbiased).run(on: [TestedDevice.all[0].device])
    }
    let (there, back) = (try run(outlier, plain), try run(plain, outlier))
    #expect(there.recomputed == .init(left: [0], right: [], cells: 1))
    #expect(back.recomputed == .init(left: [], right: [0], cells: 1))
    #expect(there.similarity.cka[0, 0] == back.similarity.cka[0, 0])
    #expect(back.similarity.rightStatuses == [.ok] && back.similarity.statuses[0, 0] == .ok)
    let alone = try run(outlier, constant).similarity
    #expect(alone.leftStatuses == [.ok] && alone.statuses[0, 0] == .constant)
  }

  /// What float64 cannot tell either has no value: one example 1e18 times larger, whose products round away
  /// all that the others have of their own; 0/0; RBF values that vanish in float64.
  @Test(arguments: [Estimator.unbiased, .minibatch(.init(size: 12, order: .stored))])
  func whatFloat64CannotTell(estimator: Estimator) throws {
    let n = Self.n
    // Beside this example alone, all products of the others with it are one number.
    var near = Activations64.normal(n: n, p: 3, seed: 5, scale: 1e-3)
    for k in 0..<3 { near.values[7 * 3 + k] = 1e15 }
    let identity = Activations64(
      n: n, p: n, values: (0..<(n * n)).map { $0 % (n + 1) == 0 ? 1.0 : 0.0 })
    let partner = Activations64.normal(n: n, p: 4, seed: 6)
    func statuses(_ layers: [Activations64], _ kernel: GramKernel) throws -> [Status] {
      let model = ActivationModel(
        name: "m", layers: (layers + [partner]).enumerated().map { $1.layer("\($0)") })
      return try Comparison(model, estimator: estimator, kernel: kernel)
        .run(on: [TestedDevice.all[0].device]).similarity.leftStatuses
    }
    #expect(
      try statuses([near, identity], .linear)
        == [.lowPrecision, .lowPrecision, .ok])
    #expect(try statuses([partner], .rbf(.sigma(1e-2))) == [.lowPrecision, .lowPrecision])
  }

  /// Without its first component a layer is X̃ − X̃vvᵀ, with the direction v of the largest variance: here by
  /// power iteration. The first component holds up to 1 − 1e-9 of the variance. At once, and in tiles for
  /// which the memory is pretended to be too small; with LAPACK's pairs and with those of Krylov subspaces
  /// (more than 256 examples).
  @Test(arguments: devices, [(1e2, 40), (1e3, 40), (1e4, 40), (1e4, 300)])
  func layersWithoutADominantComponent(
    tested: TestedDevice, dominance: (size: Double, examples: Int)
  ) throws {
    let (size, n) = dominance
    let weights = Activations64.normal(n: n, p: 1, seed: 31)
    var x = Activations64.normal(n: n, p: 6, seed: 32)
    var y = x.mixed(into: .normal(n: n, p: 4, seed: 33), weight: 1)
    for i in 0..<n {
      for k in 0..<6 { x.values[i * 6 + k] += size * weights[i, 0] * Double(k + 1) }
      y.values[i * 4] *= 8
    }
    let layers = [x, y].map { layer in
      Activations64(n: n, p: layer.p, values: layer.values.map { Double(Float($0)) })
    }
    let sources = layers.enumerated().map {
      ActivationModel(name: "m\($0)", layers: [$1.layer("\($0)")])
    }
    let model = ActivationModel(name: "m", layers: sources.flatMap(\.layers))
    let rest = layers.map { Self.withoutFirstComponent($0) }
    for estimator in [Estimator.unbiased, .biased] {
      let expected = Oracle.cka(rest[0], rest[1], unbiased: estimator == .unbiased)
      for (left, right) in [(model, nil), (sources[1], sources[0])] {
        let analysis = try ComponentAnalysis(
          left, right, components: 2, removed: [1], estimator: estimator, removal: nil)
        for isTiled in [false, true] {
          let outcome =
            isTiled
            ? try analysis.runInTiles(on: tested.device, of: [], side: 32)
            : try analysis.run(on: [tested.device])
          let reduced = outcome.reduced[0]
          let label = "\(estimator) \(right == nil ? 1 : 2) models, tiled: \(isTiled)"
          #expect(reduced.statuses.elements.allSatisfy { $0 == .ok }, "\(label)")
          #expect(
            abs(reduced.cka[0, right == nil ? 1 : 0] - expected) < 1e-5, "\(label)")
        }
      }
    }
  }

  /// Estimates from minibatches and the exact value, of a layer with an outlier: the errors of `converge` are
  /// those of float64.
  @Test(arguments: devices) func convergenceOfAnOutlier(tested: TestedDevice) throws {
    let n = 64
    var x = Activations64.normal(n: n, p: 5, seed: 41)
    let y = x.mixed(into: .normal(n: n, p: 4, seed: 42), weight: 1)
    for k in 0..<5 { x.values[7 * 5 + k] = Double(Float(x.values[7 * 5 + k] * 1e5)) }
    let left = ActivationModel(name: "a", layers: [x.layer("x")])
    let right = ActivationModel(name: "b", layers: [y.layer("y")])
    let convergence = try Convergence(
      left, right, batchSizes: [16], passes: [1, 3], repeats: 2, seed: 5)
    let outcome = try convergence.run(on: [tested.device])
    let exact = Oracle.cka(x, y, unbiased: true)
    #expect(abs(outcome.exact.cka[0, 0] - exact) < 1e-5)
    for point in outcome.points {
      #expect(point.pairs == 1 && point.undefinedPairs == 0 && point.pairsWithoutExact == 0)
      let errors = try (0..<2).map { number in
        let batches = try convergence.comparison(batchSize: 16, repeat: number).plan.batches
        return Oracle.cka(
          x, y, unbiased: true, batches: batches.prefix(point.minibatches)) - exact
      }
      for (found, expected) in zip(point.meanDeviations, errors) {
        #expect(abs(found - expected) < 2e-5)
      }
    }
  }

  private static func withoutFirstComponent(_ x: Activations64) -> Activations64 {
    let (n, p) = (x.n, x.p)
    var rows = x.values
    for k in 0..<p {
      let mean = (0..<n).reduce(0) { $0 + x[$1, k] } / Double(n)
      for i in 0..<n { rows[i * p + k] -= mean }
    }
    var v = [Double](repeating: 1, count: p)
    var scores = [Double](repeating: 0, count: n)
    for _ in 0..<500 {
      for i in 0..<n { scores[i] = (0..<p).reduce(0) { $0 + rows[i * p + $1] * v[$1] } }
      v = (0..<p).map { k in (0..<n).reduce(0) { $0 + rows[$1 * p + k] * scores[$1] } }
      let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
      v = v.map { $0 / length }
    }
    for i in 0..<n {
      let score = (0..<p).reduce(0) { $0 + rows[i * p + $1] * v[$1] }
      for k in 0..<p { rows[i * p + k] -= score * v[k] }
    }
    return Activations64(n: n, p: p, values: rows)
  }

  /// The map of `trust`, and all that is computed from its matrices.
  @Test(arguments: devices) func trustOfAnOutlier(tested: TestedDevice) throws {
    for item in Self.cases where item.name.hasPrefix("outlier of 1e6") {
      for kernel in kernels(item) {
        let outcome = try Uncertainty(try comparison(item, .unbiased, kernel)).run(on: [
          tested.device
        ])
        let expected = try #require(item.expected(.unbiased, kernel))
        #expect(abs(outcome.similarity.cka[0, 0] - expected) < 1e-5)
        let pair = try #require(
          try outcome.pair(row: 0, column: 0, settings: .init(permutations: 9, randomDrops: 2)))
        #expect(abs(pair.contributions.reduce(0, +) - expected) < 1e-5)
      }
    }
  }

  /// A minibatch whose matrix vanishes when it is centered has rounding errors all the same: they count
  /// against the layer's other minibatches.
  @Test func aVanishedMinibatchKeepsItsRoundingErrors() {
    func sums(exponent: Int, square: Double) -> HSICSums {
      let summary = GramSummary(
        exponent: exponent, isFinite: true, isConstant: false, roundingNorm: 1e-7)
      return HSICSums(
        exampleCount: 12, centering: .unbiased, left: [summary], right: [summary],
        products: Matrix(rows: 1, columns: 1, repeating: square), leftSquares: [square],
        rightSquares: [square])
    }
    let (vanished, tiny) = (sums(exponent: 0, square: 0), sums(exponent: -50, square: 1))
    var (before, after) = (vanished, tiny)
    before.merge(tiny)
    after.merge(vanished)
    for sums in [before, after] {
      let status = Similarity(sums, centering: .unbiased).leftStatuses[0]
      #expect(status == .lowPrecision)
    }
  }
}

extension Float64Fixture.Case {
  fileprivate func expected(_ estimator: Estimator, _ kernel: GramKernel) -> Double? {
    (cka["\(estimator.name) \(kernel == .linear ? "linear" : "rbf")"] ?? nil) ?? nil
  }
}
