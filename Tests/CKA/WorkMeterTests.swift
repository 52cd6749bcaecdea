import Activations
import Analyses
import BLASDevice
import Device
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// What a run tells a meter: its stages, and in each all of the work that was foretold.
@Suite struct WorkMeterTests {
  private static let n = 320
  private static let x = Activations64.normal(n: n, p: 40, seed: 901)
  private static let y = x.mixed(into: .normal(n: n, p: 25, seed: 902), weight: 0.5)

  private func model(_ layers: [Activations64]) -> ActivationModel {
    ActivationModel(
      name: "model", layers: layers.enumerated().map { $1.layer("layer\($0)") })
  }

  /// The stages of a run, by name and the share of their work that was counted, nested ones after their outer.
  private func expectStages(
    _ meter: WorkMeter, _ names: [String?], within range: ClosedRange<Double> = 0.98...1.02,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let stages = meter.stages
    #expect(stages.map(\.name) == names, sourceLocation: sourceLocation)
    for stage in stages {
      #expect(!stage.isOpen, sourceLocation: sourceLocation)
      #expect(
        range.contains(stage.done / stage.total),
        "\(stage.name ?? "all"): \(stage.done) of \(stage.total)", sourceLocation: sourceLocation)
    }
  }

  @Test func aMeterCountsTheInnermostStage() {
    let meter = WorkMeter()
    meter.add(5)
    meter.begin(10)
    meter.add(4)
    meter.begin(2, as: "inner", isEven: false)
    meter.add(1)
    #expect(meter.stages.map(\.share) == [0.4, 0.5] && meter.stages.allSatisfy(\.isOpen))
    meter.end()
    meter.add(7)
    #expect(meter.stages.map(\.share) == [1, 0.5] && meter.stages.map(\.done) == [11, 1])
    meter.end()
    meter.add(1)
    #expect(meter.stages.map(\.done) == [11, 1] && !meter.stages.contains(where: \.isOpen))
    // Units: three, of which the second takes 100.
    meter.begin(3)
    meter.reach(1, next: 100)
    meter.add(50)
    #expect(meter.stages[2].done == 1.5)
    meter.add(500)
    #expect(meter.stages[2].done == 2)
    meter.reach(3)
    #expect(meter.stages[2].share == 1)
  }

  @Test func trustAndAPair() throws {
    for right in [nil, model([Self.y])] {
      let comparison = try Comparison(model([Self.x, Self.y]), right, estimator: .unbiased)
      let meter = WorkMeter()
      let outcome = try Uncertainty(comparison).run(on: DeviceTeam([BLASDevice()], meter: meter))
      let ofMap = ["Gram matrices", "standard errors", "groups of examples"]
      expectStages(meter, ofMap)
      _ = try outcome.pair(row: 0, column: 0, settings: .init(permutations: 19))
      expectStages(meter, ofMap + ["random pairings", "dropped examples"])
    }
  }

  @Test(arguments: [Estimator.unbiased, .biased]) func components(estimator: Estimator) throws {
    for right in [nil, model([Self.y])] {
      var analysis = try ComponentAnalysis(
        model([Self.x, Self.y]), right, components: 3, removed: [1, 2], estimator: estimator)
      let meter = WorkMeter()
      _ = try analysis.run(on: DeviceTeam([BLASDevice()], meter: meter))
      expectStages(meter, ["Gram matrices", "components", "maps"])
      let ofTiles = WorkMeter()
      analysis.meter = ofTiles
      _ = try analysis.runInTiles(
        on: BLASDevice(), of: DeviceTeam([], memory: 1 << 40), side: 96)
      expectStages(ofTiles, ["components", "maps"])
    }
  }

  /// The exact value and all orders are one stage.
  @Test func convergence() throws {
    let convergence = try Convergence(
      model([Self.x]), model([Self.y]), batchSizes: [64, 160], passes: [1, 2], repeats: 2)
    let meter = WorkMeter()
    _ = try convergence.run(on: DeviceTeam([BLASDevice()], meter: meter))
    expectStages(meter, [nil], within: 0.95...1.001)
  }

  @Test func probe() throws {
    let wide = Activations64.normal(n: Self.n, p: 400, seed: 903)
    let labels = ClassLabels((0..<Self.n).map { $0 % 3 })
    let probe = try Probe(
      model([Self.x, wide]), examples: Array(0..<Self.n), labels: labels,
      split: ProbeSplit(labels))
    let meter = WorkMeter()
    _ = try probe.run(on: DeviceTeam([BLASDevice()], meter: meter))
    expectStages(meter, [nil])
  }

  /// What is made again in float64 on the CPU is a stage of its own.
  @Test(arguments: [GramKernel.linear, .rbf(.medianMultiple(1)), .rbf(.sigma(10))])
  func float64(kernel: GramKernel) throws {
    var x = Self.x
    for feature in 0..<x.p { x.values[5 * x.p + feature] *= 0x1p40 }
    for estimator in [Estimator.unbiased, .minibatch(.init(size: 80))] {
      for right in [nil, model([Self.y])] {
        let comparison = try Comparison(
          model([x, Self.y]), right, estimator: estimator, kernel: kernel)
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
    var comparison = try Comparison(model([Self.x, Self.y]), estimator: .unbiased, kernel: kernel)
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
