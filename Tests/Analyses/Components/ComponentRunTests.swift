import Activations
import Analyses
import BLASDevice
import Device
import LinearAlgebra
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// How components are found: at once or in tiles, on which device, in how many steps.
@Suite struct ComponentRunTests {
  private let expected: ComponentFixture

  init() throws { expected = try fixture("components") }

  /// Entries of K are off by some 2⁻²³ of their size after centering, each at random, and sums over
  /// n² = 3,600 of them by a sixtieth of that. What is left without components is no less than a
  /// twentieth of the matrix here: 20 · 2⁻²³ < 3e-6.
  private let tolerance = 3e-6

  @Test(arguments: [Estimator.unbiased, .biased], [32, 64])
  func tilesGiveTheSame(estimator: Estimator, side: Int) throws {
    // Tiles of 32 and 28 examples, or one of all.
    for right in [nil, expected.model("b.")] {
      let analysis = try ComponentAnalysis(
        expected.model("a."), right, components: 3, removed: expected.removed,
        estimator: estimator)
      let whole = try analysis.run(on: [BLASDevice()])
      let outcome = try analysis.runInTiles(
        on: BLASDevice(), of: DeviceTeam([], memory: 1 << 40), side: side)
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
    let outcome = try analysis.runInTiles(
      on: BLASDevice(), of: DeviceTeam([], memory: 1 << 40), side: 32)
    #expect(outcome.reduced[0].leftStatuses == [.ok, .ok, .ok])
    #expect(outcome.reduced[1].leftStatuses == [.lowPrecision, .ok, .ok])
    #expect(outcome.reduced[2].statuses.elements.allSatisfy { $0 == .lowPrecision })
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
    expectRefusal("not minibatch") { try components(model, estimator: .minibatch(.init())) }
    expectRefusal("no layer 3 among 3") { try components(model, removal: .init(layer: 3)) }
    expectRefusal("nan is no valid fraction of examples") {
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

  @Test func memoryDecidesBetweenTilesAndAllAtOnce() throws {
    let analysis = try ComponentAnalysis(expected.model("a."), components: 3)
    let device = BLASDevice().info
    #expect(analysis.isAtOnce(on: device, memory: 1 << 40))
    #expect(!analysis.isAtOnce(on: device, memory: 1 << 20))
    #expect(analysis.isAtOnce(on: device, memory: 2 * analysis.leastMemory(on: device)))
    // Too little for tiles, too: all matrices at once are never made beyond what was granted.
    #expect(throws: DeviceError.self) {
      try analysis.run(on: DeviceTeam([BLASDevice()], memory: 1 << 20))
    }
  }

  @Test func anotherDeviceTakesOver() throws {
    let analysis = try ComponentAnalysis(expected.model("a."), components: 2)
    var events: [String] = []
    let team = DeviceTeam([ScriptedDevice("lost", succeeds: 0), BLASDevice()]) {
      if case .tookOver(let device, let from, _) = $0 { events.append("\(from.id) → \(device.id)") }
    }
    let outcome = try analysis.run(on: team)
    #expect(events == ["lost → cpu"] && outcome.device.id == "cpu")
    #expect(throws: DeviceError.self) {
      try analysis.run(on: [ScriptedDevice("lost", succeeds: 0)])
    }
  }
}
