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

  /// Expects stages of these names, nested ones after their outer, of whose work a share of `range` was counted.
  private func expectStages(
    _ meter: WorkMeter, _ names: [String?], within range: ClosedRange<Double> = 0.98...1.02,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(meter.stages.map(\.name) == names, sourceLocation: sourceLocation)
    // Of two stages of one name the share would seem to fall.
    #expect(Set(names).count == names.count, sourceLocation: sourceLocation)
    #expect(meter.stagesAmiss(within: range) == [], sourceLocation: sourceLocation)
  }

  @Test func trustAndAPair() throws {
    for right in [nil, ActivationModel([Self.y])] {
      let comparison = try Comparison(
        ActivationModel([Self.x, Self.y]), right, estimator: .unbiased)
      let meter = WorkMeter()
      let outcome = try Uncertainty(comparison).run(on: DeviceTeam([BLASDevice()], meter: meter))
      let ofMap = [
        "Gram matrices", "random pairings of the map", "chance", "standard errors",
        "groups of examples",
      ]
      expectStages(meter, ofMap)
      _ = try outcome.pair(row: 0, column: 0, settings: .init(permutations: 19))
      expectStages(meter, ofMap + ["random pairings of the cell", "dropped examples"])
    }
  }

  @Test(arguments: [Estimator.unbiased, .biased]) func components(estimator: Estimator) throws {
    for right in [nil, ActivationModel([Self.y])] {
      var analysis = try ComponentAnalysis(
        ActivationModel([Self.x, Self.y]), right, components: 3, removed: [1, 2],
        estimator: estimator)
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
      ActivationModel([Self.x]), ActivationModel([Self.y]), batchSizes: [64, 160], passes: [1, 2],
      repeats: 2)
    let meter = WorkMeter()
    _ = try convergence.run(on: DeviceTeam([BLASDevice()], meter: meter))
    expectStages(meter, [nil], within: 0.95...1.001)
  }

  @Test func probe() throws {
    let wide = Activations64.normal(n: Self.n, p: 400, seed: 903)
    let labels = ClassLabels((0..<Self.n).map { $0 % 3 })
    let probe = try Probe(
      ActivationModel([Self.x, wide]), examples: Array(0..<Self.n), labels: labels,
      split: ProbeSplit(labels))
    let meter = WorkMeter()
    _ = try probe.run(on: DeviceTeam([BLASDevice()], meter: meter))
    expectStages(meter, [nil])
  }
}
