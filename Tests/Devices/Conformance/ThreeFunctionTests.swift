import Activations
import Analyses
import BLASDevice
import Device
import SweepStore
import TestSupport
import Testing

@testable import CKA

/// What a device of three functions can do without any of the protocols that refine it.
@Suite struct ThreeFunctionTests {
  private static let n = 48
  private static let x = Activations64.normal(n: n, p: 20, seed: 61, offset: 3)
  private static let layers = [
    x, x.mixed(into: .normal(n: n, p: 13, seed: 62), weight: 1),
    .normal(n: n, p: 60, seed: 63),
  ]
  private static let model = ActivationModel(layers)

  /// Each entry of a centered matrix is rounded to float32, u = 2⁻²⁴ of itself, so that ‖δK‖ ≤ u‖K‖. To first
  /// order ⟨K, L⟩ moves by 2u‖K‖‖L‖ and each of the roots by u of itself: CKA moves by 4u at most, and so does
  /// the ratio of sums over minibatches. All else is float64; 1e-9 is for that and the second order.
  private static let tolerance = 4 * 0x1p-24 + 1e-9

  private func expectOracle(
    _ found: Matrix<Double>, unbiased: Bool, batches: [[Int]]? = nil,
    kernel: OracleKernel = .linear, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for i in Self.layers.indices {
      for j in Self.layers.indices {
        let expected = Oracle.cka(
          Self.layers[i], Self.layers[j], kernel: kernel, unbiased: unbiased, batches: batches)
        #expect(
          abs(found[i, j] - expected) < Self.tolerance, "\(i) \(j)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test(arguments: [Estimator.unbiased, .biased, .minibatch(.init(size: 16, passes: 2))])
  func compares(estimator: Estimator) throws {
    for (kernel, oracle) in [
      (GramKernel.linear, OracleKernel.linear), (.rbf(.medianMultiple(1)), .rbfMedian(1)),
    ] {
      let comparison = try Comparison(Self.model, estimator: estimator, kernel: kernel)
      let outcome = try comparison.run(on: [ThreeFunctionDevice()])
      #expect(outcome.recomputed == nil && outcome.work.map(\.device.id) == ["three"])
      expectOracle(
        outcome.similarity.cka, unbiased: estimator != .biased,
        batches: comparison.plan.batches.map { $0 }, kernel: oracle)
    }
  }

  /// Without the first component a layer is X̃ − uuᵀX̃. More than a third of ‖K‖ is left, whose rounding is that
  /// of K and its own: four times the tolerance.
  @Test func findsComponents() throws {
    let analysis = try ComponentAnalysis(Self.model, components: 2, removed: [1])
    let outcome = try analysis.run(on: [ThreeFunctionDevice()])
    #expect(outcome.device.id == "three")
    expectOracle(outcome.similarity.cka, unbiased: true)
    expectOracle(outcome.biased.cka, unbiased: false)
    let rest = zip(Self.layers, outcome.left).map { layer, found in
      let u = Array(found.vectors.elements.prefix(Self.n))
      var rest = layer
      for k in 0..<layer.p {
        let mean = (0..<Self.n).reduce(0) { $0 + layer[$1, k] } / Double(Self.n)
        let weight = (0..<Self.n).reduce(0) { $0 + u[$1] * (layer[$1, k] - mean) }
        for i in 0..<Self.n { rest.values[i * layer.p + k] = layer[i, k] - mean - u[i] * weight }
      }
      return rest
    }
    for i in rest.indices {
      for j in rest.indices where i != j {
        let expected = Oracle.cka(rest[i], rest[j], unbiased: true)
        #expect(abs(outcome.reduced[0].cka[i, j] - expected) < 4 * Self.tolerance, "\(i) \(j)")
      }
    }
  }

  @Test func sweeps() throws {
    let folder = try TemporaryFolder()
    var settings = SweepSettings()
    settings.batchSize = 16
    var batches: [[Int]] = []
    for name in ["a", "b"] {
      for (index, layer) in Self.layers.enumerated() {
        try folder.write(
          NPYFile.bytes(layer.values, shape: [Self.n, layer.p]), to: "\(name)/layer\(index).npy")
      }
    }
    let paths = ["a", "b"].map { "\(folder.path)/\($0)" }
    let sweep = try Sweep(
      store: "\(folder.path)/store", settings: settings, devices: [ThreeFunctionDevice()],
      models: paths,
      openModel: { path in
        // Twice the numbers have the same CKA; a store takes equal ones for one model.
        let (name, factor) = path.hasSuffix("a") ? ("a", 1.0) : ("b", 2.0)
        let layers = Self.layers.enumerated().map { index, layer in
          var layer = layer
          layer.values = layer.values.map { factor * $0 }
          return layer.layer("layer\(index)")
        }
        return ActivationModel(name: name, layers: layers)
      })
    _ = try sweep.run(models: paths)
    batches = sweep.plan.batches.map { $0 }
    let results = try sweep.results()
    #expect(results.models.count == 2 && batches.count == 3)
    expectOracle(try results.similarity(0, 1).cka, unbiased: true, batches: batches)
    expectOracle(try results.similarity(1, 1).cka, unbiased: true, batches: batches)
  }

  /// The planner asks no device for what it has not, and the next device of a team takes what one cannot do.
  @Test func whatItLacksOthersDo() throws {
    let comparison = try Comparison(Self.model, estimator: .unbiased)
    let device = ThreeFunctionDevice()
    let atOnce = try #require(try comparison.fullBatchPlan(on: [device]))
    #expect(atOnce.isAtOnce)
    // One MiB less, and there is nothing that a device without tiles could do.
    let team = DeviceTeam([device], memory: atOnce.cost.peakMemory - 1 << 20)
    #expect {
      try comparison.fullBatchPlan(on: team)
    } throws: {
      guard case .tooLittleMemory? = $0 as? FullBatchPlanError else { return false }
      return true
    }
    let tiles = FullBatchPlan(
      FullBatchWork(comparison), tiledLeft: [0, 1, 2], tiledRight: [0, 1, 2],
      division: TileDivision(side: 20, memory: 64 << 20), sums: 1 << 20)
    var changes: [String] = []
    let both = DeviceTeam([device, BLASDevice()]) {
      if case .fellBack(let from, let to, let error) = $0 {
        changes.append("\(from.id) \(to.id) \(error.kind)")
      }
    }
    let outcome = try comparison.run(on: both, plan: tiles)
    #expect(changes == ["three cpu unsupported"] && outcome.work.map(\.device.id) == ["cpu"])
  }
}
