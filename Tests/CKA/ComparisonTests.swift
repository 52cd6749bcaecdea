import Activations
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import CKA

@Suite struct ComparisonTests {
  static let n = 96
  static let x = Activations64.normal(n: n, p: 31, seed: 71)
  static let y = x.mixed(into: .normal(n: n, p: 200, seed: 72), weight: 0.6)
  static let z = x.mixed(into: .normal(n: n, p: 3, seed: 73), weight: 0.1)

  private func run(
    _ left: ActivationModel, _ right: ActivationModel? = nil, _ estimator: Estimator,
    devices: DeviceTeam = [BLASDevice()]
  ) throws -> Similarity {
    try Comparison(left, right, estimator: estimator).run(on: devices).similarity
  }

  @Test func aModelWithItself() throws {
    let estimator = Estimator.minibatch(.init(size: 32, passes: 2))
    let result = try run(ActivationModel([Self.x, Self.y, Self.z]), nil, estimator)
    for i in 0..<3 {
      #expect(result.cka[i, i] == 1)
      for j in 0..<3 { #expect(result.cka[i, j] == result.cka[j, i]) }
    }
    let batches = try MinibatchPlan(estimator, exampleCount: Self.n).batches
    let expected = Oracle.cka(Self.x, Self.y, unbiased: true, batches: batches)
    #expect(abs(result.cka[0, 1] - expected) < 1e-6)
  }

  @Test func twoModelsAreABlockOfTheJointOne() throws {
    let estimator = Estimator.minibatch(.init(size: 30, passes: 2, ragged: .keep))
    let pair = try run(
      ActivationModel([Self.x, Self.y]), ActivationModel([Self.z, Self.x]), estimator)
    let joint = try run(ActivationModel([Self.x, Self.y, Self.z, Self.x]), nil, estimator)
    for i in 0..<2 {
      for j in 0..<2 { #expect(abs(pair.cka[i, j] - joint.cka[i, j + 2]) < 1e-7) }
    }
    #expect(pair.cka[0, 1] == 1)
  }

  @Test func averagesBeforeItDivides() throws {
    let estimator = Estimator.minibatch(.init(size: 8, order: .stored))
    let found = try run(ActivationModel([Self.x]), ActivationModel([Self.y]), estimator).cka[0, 0]
    let batches = try MinibatchPlan(estimator, exampleCount: Self.n).batches
    let expected = Oracle.cka(Self.x, Self.y, unbiased: true, batches: batches)
    #expect(abs(found - expected) < 1e-6)
    let ratios = batches.map { Oracle.cka(Self.x, Self.y, unbiased: true, batches: [$0]) }
    #expect(abs(ratios.reduce(0, +) / Double(ratios.count) - expected) > 1e-3)
  }

  @Test func minibatchesOfUnlikeScaleWeighAsTheyShould() throws {
    // The second half is 2⁴⁰ times as large: with a scale of its own per minibatch the sums would
    // weigh both halves alike.
    var values = Self.x.values
    for index in (values.count / 2)..<values.count { values[index] *= 0x1p40 }
    let grown = Activations64(n: Self.n, p: 31, values: values)
    let estimator = Estimator.minibatch(.init(size: 24, order: .stored))
    let batches = try MinibatchPlan(estimator, exampleCount: Self.n).batches
    let found = try run(ActivationModel([grown]), ActivationModel([Self.y]), estimator).cka[0, 0]
    let expected = Oracle.cka(grown, Self.y, unbiased: true, batches: batches)
    #expect(abs(found - expected) < 1e-6)
  }

  @Test func sumsMergeInAnyGrouping() throws {
    let device = BLASDevice()
    let layers = [Self.x.layer("x"), Self.y.layer("y")]
    func sums(_ examples: Range<Int>) throws -> HSICSums {
      let stack = try device.gramStack(
        of: Minibatch(layers: layers, examples: Array(examples)), kernel: .linear,
        centering: .unbiased)
      let products = try device.innerProducts(stack, stack)
      let squares = [products[0, 0], products[1, 1]]
      return HSICSums(
        exampleCount: examples.count, centering: .unbiased, left: stack.layers,
        right: stack.layers, products: products, leftSquares: squares, rightSquares: squares)
    }
    let parts = try [sums(0..<32), sums(32..<64), sums(64..<96)]
    var forward = parts[0]
    forward.merge(parts[1])
    forward.merge(parts[2])
    var backward = parts[1]
    backward.merge(parts[2])
    var all = parts[0]
    all.merge(backward)
    let a = Similarity(forward, centering: .unbiased)
    let b = Similarity(all, centering: .unbiased)
    for i in 0..<2 {
      for j in 0..<2 {
        // Three float64 sums in another order.
        #expect(abs(a.cka[i, j] - b.cka[i, j]) < 1e-14)
        #expect(abs((a.z?[i, j] ?? 0) - (b.z?[i, j] ?? 1)) < 1e-12)
      }
    }
  }

  @Test func aFailedDeviceHandsOver() throws {
    let models = (ActivationModel([Self.x, Self.z]), ActivationModel([Self.y]))
    let estimator = Estimator.minibatch(.init(size: 16))
    let comparison = try Comparison(models.0, models.1, estimator: estimator)
    var events: [String] = []
    let failing = ScriptedDevice("failing", succeeds: 5)
    let team = DeviceTeam([failing, BLASDevice()]) { event in
      if case .fellBack(let from, let to, let error) = event {
        events.append("\(from.id) \(to.id) \(error.code?.rawValue ?? 0)")
      }
    }
    let outcome = try comparison.run(on: team)
    #expect(events == ["failing cpu -36"])
    #expect(outcome.work.map(\.device.id) == ["failing", "cpu"])
    #expect(outcome.work.map(\.minibatches) == [2, 4])
    let whole = try comparison.run(on: [BLASDevice()]).similarity
    #expect(outcome.similarity.cka == whole.cka)
    #expect(throws: DeviceError.self) {
      try comparison.run(on: [ScriptedDevice("failing", succeeds: 0)])
    }
  }

  @Test func refusesOtherExamples() throws {
    let other = Activations64.normal(n: 50, p: 3, seed: 1)
    #expect(throws: ComparisonError.self) {
      try Comparison(ActivationModel([Self.x]), ActivationModel([other]))
    }
    let ids = (0..<Self.n).map { "image\($0)" }
    var swapped = ids
    swapped.swapAt(3, 4)
    #expect(throws: ComparisonError.self) {
      try Comparison(
        ActivationModel([Self.x], exampleIDs: ids), ActivationModel([Self.y], exampleIDs: swapped))
    }
    _ = try Comparison(
      ActivationModel([Self.x], exampleIDs: ids), ActivationModel([Self.y], exampleIDs: ids))
    _ = try Comparison(ActivationModel([Self.x], exampleIDs: ids), ActivationModel([Self.y]))
  }
}
