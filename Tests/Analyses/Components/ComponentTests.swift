import Activations
import Analyses
import BLASDevice
import Device
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

@Suite struct ComponentTests {
  private let expected: ComponentFixture

  init() throws { expected = try fixture("components") }

  /// Entries of K are off by some 2⁻²³ of their size after centering, each at random, and sums over
  /// n² = 3,600 of them by a sixtieth of that. What is left without components is no less than a
  /// twentieth of the matrix here: 20 · 2⁻²³ < 3e-6.
  private let tolerance = 3e-6

  private func expect(_ map: Matrix<Double>, is rows: [[Double]], within tolerance: Double) {
    #expect(map.rows == rows.count && map.columns == rows[0].count)
    for (found, value) in zip(map.elements, rows.joined()) {
      #expect(abs(found - value) < tolerance)
    }
  }

  @Test(arguments: [Estimator.unbiased, .biased])
  func twoModelsAreAsNumPyHasThem(estimator: Estimator) throws {
    let analysis = try ComponentAnalysis(
      expected.model("a."), expected.model("b."), components: 3, removed: expected.removed,
      estimator: estimator, removal: .init(fractions: expected.fractions))
    let outcome = try analysis.run(on: [BLASDevice()])
    expect(outcome.similarity.cka, is: expected.maps.of(estimator), within: tolerance)
    expect(outcome.biased.cka, is: expected.maps.biased, within: tolerance)
    #expect(outcome.reduced.count == expected.removed.count)
    for (map, values) in zip(outcome.reduced, expected.reduced) {
      expect(map.cka, is: values.of(estimator), within: tolerance)
    }
    expect(outcome.alignment, is: expected.alignment, within: tolerance)
    for (layer, values) in zip(outcome.left + outcome.right, expected.layers) {
      #expect(layer.status == .ok)
      #expect(abs(layer.trace / values.trace - 1) < tolerance)
      let fractions = values.values.prefix(3).map { $0 / values.trace }
      for (found, value) in zip(layer.varianceFractions, fractions) {
        #expect(abs(found - value) < tolerance)
      }
      // Vectors turn by ‖E‖ over the gap to the next value: less than ten times as much.
      let scale = values.values[0].squareRoot()
      for (found, value) in try zip(layer.projections(on: 0), values.projections) {
        #expect(abs(found - value) < 10 * tolerance * scale)
      }
      #expect(
        try abs(bimodalityCoefficient(layer.projections(on: 0)) - values.bimodality)
          < 10 * tolerance)
    }
    for (i, row) in expected.contributions.enumerated() {
      for (j, values) in row.enumerated() {
        let contributions = try #require(try outcome.contributions(i, j))
        let found = contributions.parts
        expect(found, is: values.parts, within: tolerance)
        #expect(abs(contributions.remainder - values.rest) < tolerance)
      }
    }
    check(outcome, expected.removal, estimator, meanOf: { _, _ in true })
  }

  private func check(
    _ outcome: ComponentAnalysis.Outcome, _ values: ComponentFixture.Removal,
    _ estimator: Estimator,
    meanOf isCounted: (Int, Int) -> Bool
  ) {
    for (found, value) in zip(outcome.shares, values.shares) {
      #expect(abs(found - value) < 10 * tolerance)
    }
    #expect(outcome.removal.map(\.dropped) == values.points.map(\.dropped))
    for (point, value) in zip(outcome.removal, values.points) {
      let map = value.maps.of(estimator)
      expect(point.cka, is: map, within: tolerance)
      let counted = map.enumerated().flatMap { i, row in
        row.enumerated().filter { isCounted(i, $0.offset) }.map(\.element)
      }
      #expect(abs(point.mean - counted.reduce(0, +) / Double(counted.count)) < tolerance)
      #expect(point.controlMeans.count == 3)
    }
  }

  @Test func oneModelIsAsNumPyHasIt() throws {
    let analysis = try ComponentAnalysis(
      expected.model("a."), components: 3, removal: .init(fractions: expected.fractions))
    let outcome = try analysis.run(on: [BLASDevice()])
    expect(outcome.similarity.cka, is: expected.oneModel.maps.unbiased, within: tolerance)
    check(outcome, expected.oneModel.removal, .unbiased) { $0 > $1 }
    for layer in 0..<3 {
      #expect(abs(outcome.alignment[layer, layer] - 1) < 1e-12)
      #expect(outcome.similarity.cka[layer, layer] == 1)
    }
  }

  @Test func controlsDropAsManyExamplesAtRandom() throws {
    let model = expected.model("a.")
    let analysis = try ComponentAnalysis(
      model, components: 1, removal: .init(fractions: [0, 0.1], controls: 2, seed: 4, layer: 2))
    let outcome = try analysis.run(on: [BLASDevice()])
    let whole = outcome.removal[0]
    #expect(whole.dropped.isEmpty && whole.controlMeans == [whole.mean, whole.mean])
    // By the projections of the third layer alone.
    let squares = expected.layers[2].projections.enumerated().sorted {
      abs($0.element) > abs($1.element)
    }
    #expect(outcome.removal[1].dropped == squares.prefix(6).map(\.offset))
    for control in 0..<2 {
      let dropped = MinibatchPlan.permutation(of: 60, seed: 4, pass: -2 - control).prefix(6)
      let kept = (0..<60).filter { !dropped.contains($0) }
      let parts = expected.layers.prefix(3).map { layer in
        Activations64(
          n: 60, p: layer.features, values: layer.stored.map { Double($0) / 100 }
        ).rows(kept)
      }
      let mean =
        [(1, 0), (2, 0), (2, 1)].reduce(0.0) {
          $0 + Oracle.cka(parts[$1.0], parts[$1.1], unbiased: true)
        } / 3
      #expect(abs(outcome.removal[1].controlMeans[control] - mean) < tolerance)
    }
  }

  /// A layer without values is in no pair, and a layer alone has none.
  @Test func controlsLeaveOutWhatHasNoValue() throws {
    let layers = expected.model("a.").layers
    let constant = LayerActivations(
      name: "constant", values: [Float](repeating: 1, count: 60), scalarType: .float32,
      exampleCount: 60, featureAxes: [1])
    func controls(_ layers: [LayerActivations], _ right: [LayerActivations]?) throws -> [Double] {
      let other = right.map { ActivationModel(name: "other", layers: $0) }
      let analysis = try ComponentAnalysis(
        ActivationModel(name: "model", layers: layers), other, components: 1,
        removal: .init(fractions: [0.1], controls: 2, layer: 0))
      return try analysis.run(on: [BLASDevice()]).removal[0].controlMeans
    }
    #expect(try controls(layers + [constant], nil) == controls(layers, nil))
    #expect(try controls(layers, [constant] + layers) == controls(layers, layers))
    for found in [
      try controls([layers[0]], nil), try controls([layers[0], constant], nil),
      try controls(layers, [constant]),
    ] {
      #expect(found.count == 2 && found.allSatisfy { $0.isNaN })
    }
  }

  @Test func allContributionsAddUpToCKA() throws {
    let analysis = try ComponentAnalysis(
      expected.model("a."), expected.model("b."), components: 1000, removal: nil)
    #expect(analysis.components == 59)
    let outcome = try analysis.run(on: [BLASDevice()])
    for i in 0..<3 {
      for j in 0..<3 {
        let contributions = try #require(try outcome.contributions(i, j))
        let sum = contributions.parts.elements.reduce(0, +)
        #expect(abs(sum - expected.maps.biased[i][j]) < 1e-6)
        #expect(abs(contributions.remainder) < 1e-6)
      }
    }
  }

  @Test(arguments: [Estimator.unbiased, .biased])
  func nothingIsLeftWithoutAllComponents(estimator: Estimator) throws {
    // 9, 14 and 20 features: components beyond them are noise.
    let analysis = try ComponentAnalysis(
      expected.model("a."), components: 59, removed: [20, 8, 9, 14, 59], estimator: estimator,
      removal: nil)
    #expect(analysis.removed == [8, 9, 14, 20, 59])
    let outcome = try analysis.run(on: [BLASDevice()])
    #expect(outcome.reduced[0].leftStatuses == [.ok, .ok, .ok])
    #expect(outcome.reduced[1].leftStatuses == [.lowPrecision, .ok, .ok])
    #expect(outcome.reduced[2].leftStatuses == [.lowPrecision, .lowPrecision, .ok])
    for map in outcome.reduced[3...] {
      #expect(map.cka.elements.allSatisfy { $0.isNaN })
      #expect(map.statuses.elements.allSatisfy { $0 == .lowPrecision })
    }
  }

  @Test func layersWithoutComponentsLeaveTheOthersAlone() throws {
    let n = expected.examples
    let good = expected.model("a.").layers
    let constant = LayerActivations(
      name: "constant", values: [Float](repeating: 3, count: 2 * n), scalarType: .float32,
      exampleCount: n, featureAxes: [2])
    var numbers = [Float](repeating: 1, count: 2 * n)
    numbers[7] = .nan
    let broken = LayerActivations(
      name: "broken", values: numbers, scalarType: .float32, exampleCount: n, featureAxes: [2])
    let model = ActivationModel(
      name: "model", layers: [good[0], constant, good[1], broken, good[2]])
    let outcome = try ComponentAnalysis(model, components: 3).run(on: [BLASDevice()])
    let alone = try ComponentAnalysis(expected.model("a."), components: 3).run(on: [BLASDevice()])
    #expect(outcome.left.map(\.status) == [.ok, .constant, .ok, .nonFinite, .ok])
    #expect(outcome.left[1].values.isEmpty)
    #expect(try outcome.contributions(1, 0) == nil)
    #expect(outcome.alignment[1, 0].isNaN && outcome.alignment[0, 3].isNaN)
    #expect(outcome.shares == alone.shares)
    #expect(outcome.removal.map(\.mean) == alone.removal.map(\.mean))
    for (i, row) in [0, 2, 4].enumerated() {
      for (j, column) in [0, 2, 4].enumerated() {
        #expect(outcome.reduced[0].cka[row, column] == alone.reduced[0].cka[i, j])
      }
    }
  }

  /// λ of activations of 1e200 are beyond float64; all that has no unit is as ever.
  @Test(arguments: [664, -664])
  func activationsFarFromOneHaveComponents(exponent: Int) throws {
    let x = Activations64.normal(n: 30, p: 5, seed: 6)
    let scale = Double(sign: .plus, exponent: exponent, significand: 1)
    let far = LayerActivations(
      name: "far", values: x.values.map { $0 * scale }, scalarType: .float64, exampleCount: 30,
      featureAxes: [5])
    let near = LayerActivations(
      name: "near", values: x.values, scalarType: .float64, exampleCount: 30, featureAxes: [5])
    func outcome(_ layer: LayerActivations) throws -> ComponentAnalysis.Outcome {
      try components(ActivationModel(name: "model", layers: [layer])).run(on: [BLASDevice()])
    }
    let (found, expected) = (try outcome(far), try outcome(near))
    #expect(found.left[0].status == .ok && found.left[0].trace.isNaN)
    #expect(found.left[0].values.allSatisfy { $0.isNaN })
    // Numbers are rounded to float32 at other places.
    for (one, other) in zip(found.left[0].varianceFractions, expected.left[0].varianceFractions) {
      #expect(abs(one - other) < tolerance)
    }
    let parts = (
      try #require(try found.contributions(0, 0)).parts,
      try #require(try expected.contributions(0, 0)).parts
    )
    for (one, other) in zip(parts.0.elements, parts.1.elements) {
      #expect(abs(one - other) < tolerance)
    }
    let length = expected.left[0].values[0].squareRoot()
    let projections = (
      try found.left[0].projections(on: 0), try expected.left[0].projections(on: 0)
    )
    for (one, other) in zip(projections.0, projections.1) {
      #expect(abs(one / scale - other) < 10 * tolerance * length)
    }
    let traits = try ActivationTraits.traits(of: [far, near], examples: Array(0..<30))
    for (one, other) in zip(traits[0].norms, traits[1].norms) {
      #expect(abs(one / scale / other - 1) < 1e-15)
    }
  }

  @Test func zerosAndNormsAreCounted() throws {
    for prefix in ["a.", "b."] {
      let layers = expected.layers.filter { $0.name.hasPrefix(prefix) }
      let traits = try ActivationTraits.traits(
        of: expected.model(prefix).layers, examples: Array(0..<expected.examples))
      for (found, values) in zip(traits, layers) {
        #expect(found.zeroFraction == values.zeros)
        // The activations are float32 here.
        for (norm, value) in zip(found.norms, values.norms) {
          #expect(abs(norm - value) < 0x1p-24 * value)
        }
      }
    }
  }
}
