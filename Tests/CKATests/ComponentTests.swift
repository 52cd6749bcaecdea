import Activations
import BLASDevice
import Device
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import CKA

@Suite struct ComponentTests {
  /// `Tests/Fixtures/components.py`: NumPy's singular values, Song's formula, activations without
  /// components.
  private struct Fixture: Decodable {
    struct Layer: Decodable {
      var name: String
      var features: Int
      /// Hundredths.
      var stored: [Int]
      var values: [Double]
      var trace: Double
      var projections: [Double]
      var bimodality: Double
      var zeros: Double
      var norms: [Double]
    }
    struct Maps: Decodable {
      var biased: [[Double]]
      var unbiased: [[Double]]
      func of(_ estimator: Estimator) -> [[Double]] { estimator == .biased ? biased : unbiased }
    }
    struct Contributions: Decodable {
      var parts: [[Double]]
      var rest: Double
    }
    struct Removal: Decodable {
      struct Point: Decodable {
        var dropped: [Int]
        var maps: Maps
      }
      var shares: [Double]
      var points: [Point]
    }
    struct OneModel: Decodable {
      var maps: Maps
      var removal: Removal
    }
    var examples: Int
    var removed: [Int]
    var fractions: [Double]
    var layers: [Layer]
    var maps: Maps
    var alignment: [[Double]]
    var reduced: [Maps]
    var contributions: [[Contributions]]
    var removal: Removal
    var oneModel: OneModel

    func model(_ prefix: String) -> ActivationModel {
      let chosen = layers.filter { $0.name.hasPrefix(prefix) }
      return ActivationModel(
        name: prefix,
        layers: chosen.map { layer in
          LayerActivations(
            name: layer.name, values: layer.stored.map { Float($0) / 100 }, scalarType: .float32,
            exampleCount: examples, featureAxes: [layer.features])
        })
    }
  }

  private let expected: Fixture

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
      for (found, value) in zip(layer.projections(on: 0), values.projections) {
        #expect(abs(found - value) < 10 * tolerance * scale)
      }
      #expect(
        abs(bimodalityCoefficient(layer.projections(on: 0)) - values.bimodality)
          < 10 * tolerance)
    }
    for (i, row) in expected.contributions.enumerated() {
      for (j, values) in row.enumerated() {
        let found = try #require(outcome.contributions(i, j))
        expect(found, is: values.parts, within: tolerance)
        #expect(abs(try #require(outcome.remainder(i, j)) - values.rest) < tolerance)
      }
    }
    check(outcome, expected.removal, estimator, meanOf: { _, _ in true })
  }

  private func check(
    _ outcome: ComponentAnalysis.Outcome, _ values: Fixture.Removal, _ estimator: Estimator,
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

  @Test func allContributionsAddUpToCKA() throws {
    let analysis = try ComponentAnalysis(
      expected.model("a."), expected.model("b."), components: 1000, removal: nil)
    #expect(analysis.components == 59)
    let outcome = try analysis.run(on: [BLASDevice()])
    for i in 0..<3 {
      for j in 0..<3 {
        let sum = try #require(outcome.contributions(i, j)).elements.reduce(0, +)
        #expect(abs(sum - expected.maps.biased[i][j]) < 1e-6)
        #expect(abs(try #require(outcome.remainder(i, j))) < 1e-6)
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
    #expect(outcome.left[1].values.isEmpty && outcome.contributions(1, 0) == nil)
    #expect(outcome.alignment[1, 0].isNaN && outcome.alignment[0, 3].isNaN)
    #expect(outcome.shares == alone.shares)
    #expect(outcome.removal.map(\.mean) == alone.removal.map(\.mean))
    for (i, row) in [0, 2, 4].enumerated() {
      for (j, column) in [0, 2, 4].enumerated() {
        #expect(outcome.reduced[0].cka[row, column] == alone.reduced[0].cka[i, j])
      }
    }
  }

  @Test(arguments: [Estimator.unbiased, .biased], [32, 64])
  func tilesGiveTheSame(estimator: Estimator, side: Int) throws {
    // Tiles of 32 and 28 examples, or one of all.
    for right in [nil, expected.model("b.")] {
      let analysis = try ComponentAnalysis(
        expected.model("a."), right, components: 3, removed: expected.removed,
        estimator: estimator)
      let whole = try analysis.run(on: [BLASDevice()])
      var steps = 0
      let outcome = try analysis.runInTiles(on: BLASDevice(), side: side, memory: 1 << 40) {
        steps += $0
      }
      #expect(steps == analysis.stepCount)
      let maps = [(outcome.similarity, whole.similarity), (outcome.biased, whole.biased)]
      for (map, values) in maps + Array(zip(outcome.reduced, whole.reduced)) {
        #expect(map.statuses == values.statuses)
        for (found, value) in zip(map.cka.elements, values.cka.elements) {
          #expect(abs(found - value) < tolerance)
        }
      }
      #expect(outcome.reduced.count == 2 && outcome.removal.count == 5)
      for (point, value) in zip(outcome.removal, whole.removal) {
        #expect(point.dropped == value.dropped)
        let (means, expected) = (
          [point.mean] + point.controlMeans, [value.mean] + value.controlMeans
        )
        #expect(means.count == expected.count)
        for (found, value) in zip(means + point.cka.elements, expected + value.cka.elements) {
          #expect(abs(found - value) < tolerance || (found.isNaN && value.isNaN))
        }
      }
      for (found, value) in zip(outcome.left + outcome.right, whole.left + whole.right) {
        #expect(abs(found.values[0] / value.values[0] - 1) < tolerance)
        #expect(abs(found.trace / value.trace - 1) < tolerance)
      }
    }
  }

  @Test func tilesLeaveNothingWithoutAllComponents() throws {
    let analysis = try ComponentAnalysis(
      expected.model("a."), components: 59, removed: [8, 9, 59])
    let outcome = try analysis.runInTiles(on: BLASDevice(), side: 32, memory: 1 << 40) { _ in }
    #expect(outcome.reduced[0].leftStatuses == [.ok, .ok, .ok])
    #expect(outcome.reduced[1].leftStatuses == [.lowPrecision, .ok, .ok])
    #expect(outcome.reduced[2].statuses.elements.allSatisfy { $0 == .lowPrecision })
  }

  private func components(
    _ model: ActivationModel, _ other: ActivationModel? = nil, components: Int = 3,
    removed: [Int] = [1], estimator: Estimator = .unbiased,
    removal: ComponentAnalysis.Removal? = nil, pairing: ExamplePairing? = nil
  ) throws -> ComponentAnalysis {
    try ComponentAnalysis(
      model, other, pairing: pairing, components: components, removed: removed,
      estimator: estimator, removal: removal)
  }

  @Test func requestsWithoutMeaningAreRefused() throws {
    let model = expected.model("a.")
    func expectRefusal(_ words: String, _ make: () throws -> ComponentAnalysis) {
      #expect { try make() } throws: {
        ($0 as? ComparisonError)?.description.contains(words) ?? false
      }
    }
    expectRefusal("60 components cannot be removed from 60 examples") {
      try components(model, components: 100, removed: [60])
    }
    expectRefusal("4 components cannot be removed") { try components(model, removed: [4]) }
    expectRefusal("0 components cannot be removed") { try components(model, removed: [0]) }
    expectRefusal("-1 components") { try components(model, components: -1) }
    expectRefusal("not of minibatches") { try components(model, estimator: .minibatch(.init())) }
    expectRefusal("no layer 3 among 3") { try components(model, removal: .init(layer: 3)) }
    expectRefusal("nan of the examples") {
      try components(model, removal: .init(fractions: [.nan]))
    }
    expectRefusal("-1 controls") { try components(model, removal: .init(controls: -1)) }
    let few = ActivationModel(
      name: "few", layers: [Activations64.normal(n: 3, p: 2, seed: 1).layer("a")])
    expectRefusal("few has 3 examples") { try components(few) }
    // A pairing of 60 examples for a model of 8.
    let eight = ActivationModel(
      name: "eight", layers: [Activations64.normal(n: 8, p: 2, seed: 1).layer("a")])
    expectRefusal("eight has 8 examples: example 59 cannot") {
      try components(eight, pairing: ExamplePairing(model))
    }
  }

  /// Four balanced classes, as they are, turned, and with noise of 1e-5, which float32 does not tell from
  /// equal eigenvalues: alignment and all that depends on the first direction is arbitrary, the sum of the
  /// first three is not.
  @Test(arguments: [100, 400])
  func equalEigenvaluesHaveNoFirstComponent(n: Int) throws {
    let oneHot = (0..<n).flatMap { i in (0..<4).map { $0 == i % 4 ? 1.0 : 0 } }
    var layers = [Activations64(n: n, p: 4, values: oneHot)]
    let signs: [[Double]] = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
    var turned = layers[0]
    turned.values = (0..<n).flatMap { i in (0..<4).map { signs[i % 4][$0] / 2 } }
    let noise = Activations64.normal(n: n, p: 4, seed: 3)
    var noisy = layers[0]
    for index in noisy.values.indices { noisy.values[index] += 1e-5 * noise.values[index] }
    layers += [turned, noisy, .normal(n: n, p: 5, seed: 4)]
    let model = ActivationModel(
      name: "model", layers: layers.enumerated().map { $1.layer("layer\($0)") })
    let analysis = try components(
      model, components: 4, removed: [1, 2], removal: .init(controls: 1))
    for outcome in [
      try analysis.run(on: [BLASDevice()]),
      try analysis.runInTiles(on: BLASDevice(), side: 64, memory: 1 << 40) { _ in },
    ] {
      #expect(outcome.left.map(\.firstStatus) == [.degenerate, .degenerate, .degenerate, .ok])
      for layer in 0..<3 {
        #expect(abs(outcome.left[layer].varianceFractions[0] - 1 / 3.0) < 1e-5)
        #expect(outcome.alignment[layer, 3].isNaN && outcome.alignment[0, layer].isNaN)
        for map in outcome.reduced {
          #expect(map.statuses[3, layer] == .degenerate && map.cka[3, layer].isNaN)
          #expect(map.leftStatuses[layer] == .degenerate)
          #expect(map.z?[layer, 3].isNaN ?? false)
        }
        let parts = try #require(outcome.contributions(layer, layer))
        #expect(parts[0, 0].isNaN && parts[1, 2].isNaN)
        let remainder = try #require(outcome.remainder(layer, layer))
        #expect(abs(remainder) < 1e-5)
      }
      #expect(outcome.alignment[3, 3] > 0.999 && outcome.reduced[0].statuses[3, 3] == .ok)
      // The fourth layer alone says who dominates.
      let u = outcome.left[3].vectors.elements.prefix(n)
      #expect(zip(outcome.shares, u).allSatisfy { abs($0 - $1 * $1) < 1e-12 })
    }
    // All three are gone together: nothing is left.
    let all = try components(model, components: 4, removed: [3], removal: .init(controls: 1))
    let nothing = try all.run(on: [BLASDevice()]).reduced[0]
    for layer in 0..<2 { #expect(nothing.statuses[layer, 3] == .lowPrecision) }
    let alone = try components(
      model, components: 4, removed: [1], removal: .init(controls: 1, layer: 0))
    let outcome = try alone.run(on: [BLASDevice()])
    #expect(outcome.shares.isEmpty && outcome.removal.isEmpty)
  }

  /// Between equal eigenvalues and far ones: what has a value is within `tolerance` of that of float64.
  @Test func whatStandsApartEnoughIsKnown() throws {
    let n = 120
    var hits = 0
    for power in 1...7 {
      // Two orthogonal directions over the examples, of variances 1 and 1 − 10⁻ᵏ, and small noise.
      let gap = (0..<power).reduce(1.0) { value, _ in value / 10 }
      let noise = Activations64.normal(n: n, p: 3, seed: UInt64(power))
      var values: [Double] = []
      for i in 0..<n {
        values.append(i % 2 == 0 ? 1 : -1)
        values.append((i / 2 % 2 == 0 ? 1 : -1) * (1 - gap).squareRoot())
        for k in 0..<3 { values.append(0.001 * noise[i, k]) }
      }
      let x = Activations64(n: n, p: 5, values: values.map { Double(Float($0)) })
      let model = ActivationModel(name: "model", layers: [x.layer()])
      let outcome = try components(model).run(on: [BLASDevice()])
      guard outcome.left[0].firstStatus == .ok else { continue }
      hits += 1
      let exact = try SymmetricEigen(centeredGram(x))
      let cosine = (0..<n).reduce(0) { $0 + exact.vectors[0, $1] * outcome.left[0].vectors[0, $1] }
      // Times 2, a half for each of two layers.
      #expect(2 * (1 - cosine * cosine).squareRoot() < ComponentAnalysis.tolerance)
    }
    #expect((2...5).contains(hits))
  }

  private func centeredGram(_ x: Activations64) -> Matrix<Double> {
    let means = (0..<x.p).map { k in (0..<x.n).reduce(0) { $0 + x[$1, k] } / Double(x.n) }
    var gram = Matrix<Double>(rows: x.n, columns: x.n, repeating: 0)
    for i in 0..<x.n {
      for j in 0..<x.n {
        for k in 0..<x.p { gram[i, j] += (x[i, k] - means[k]) * (x[j, k] - means[k]) }
      }
    }
    return gram
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
      try #require(found.contributions(0, 0)), try #require(expected.contributions(0, 0))
    )
    for (one, other) in zip(parts.0.elements, parts.1.elements) {
      #expect(abs(one - other) < tolerance)
    }
    let length = expected.left[0].values[0].squareRoot()
    for (one, other) in zip(found.left[0].projections(on: 0), expected.left[0].projections(on: 0)) {
      #expect(abs(one / scale - other) < 10 * tolerance * length)
    }
    let traits = try ActivationTraits.traits(of: [far, near], examples: Array(0..<30))
    for (one, other) in zip(traits[0].norms, traits[1].norms) {
      #expect(abs(one / scale / other - 1) < 1e-15)
    }
  }

  @Test func memoryDecidesBetweenTilesAndAllAtOnce() throws {
    let analysis = try ComponentAnalysis(expected.model("a."), components: 3)
    let device = BLASDevice().info
    #expect(analysis.isAtOnce(on: device, memory: 1 << 40))
    #expect(!analysis.isAtOnce(on: device, memory: 1 << 20))
    #expect(analysis.isAtOnce(on: device, memory: 2 * analysis.leastMemory(on: device)))
    // Too little for tiles, too: all matrices at once are never made beyond what was granted.
    #expect(throws: DeviceError.self) { try analysis.run(on: [BLASDevice()], memory: 1 << 20) }
  }

  @Test func anotherDeviceTakesOver() throws {
    let analysis = try ComponentAnalysis(expected.model("a."), components: 2)
    var events: [String] = []
    let outcome = try analysis.run(on: [ScriptedDevice("lost", succeeds: 0), BLASDevice()]) {
      if case .fellBack(let from, let to, _) = $0 { events.append("\(from.id) → \(to.id)") }
    }
    #expect(events == ["lost → cpu"] && outcome.device.id == "cpu")
    #expect(throws: DeviceError.self) {
      try analysis.run(on: [ScriptedDevice("lost", succeeds: 0)])
    }
  }

  @Test func stepsAreCounted() throws {
    let analysis = try ComponentAnalysis(
      expected.model("a."), expected.model("b."), components: 3, removed: [1, 2])
    var steps = 0
    _ = try analysis.run(on: [BLASDevice()]) {
      if case .finished(let count) = $0 { steps = count }
    }
    #expect(steps == analysis.stepCount)
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
