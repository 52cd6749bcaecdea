import Activations
import Analyses
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Values of digits' activations against NumPy: `FixtureTests`. Here: invariants, and what is refused.
@Suite struct UncertaintyTests {
  @Test func contributionsAddUp() throws {
    let outcome = try UncertaintySamples.outcome(
      [UncertaintySamples.x, UncertaintySamples.z], [UncertaintySamples.y])
    for row in 0..<2 {
      let pair = try #require(
        try outcome.pair(row: row, column: 0, settings: .init(permutations: 1, randomDrops: 1)))
      // Both are sums of the same float32 products, in other orders.
      #expect(
        abs(pair.contributions.reduce(0, +) - outcome.similarity.cka[row, 0]) < 1e-6)
      for (contribution, weight) in zip(pair.contributions, pair.weights) {
        #expect(abs(contribution) <= weight * (1 + 1e-12))
      }
      let ordered = pair.byContribution.map { pair.contributions[$0] }
      #expect(ordered == ordered.sorted(by: >))
    }
  }

  @Test func requestsWithoutMeaningAreRefused() throws {
    let biased = try Comparison(ActivationModel([UncertaintySamples.x]), estimator: .biased)
    #expect(throws: ComparisonError.self) { try Uncertainty(biased) }
    let few = try Comparison(
      ActivationModel([.normal(n: 3, p: 2, seed: 1)]), estimator: .unbiased)
    #expect(throws: ComparisonError.self) { try Uncertainty(few) }
    let outcome = try UncertaintySamples.outcome([UncertaintySamples.x])
    for (row, column) in [(-1, 0), (0, 1), (1, 0)] {
      #expect(throws: ComparisonError.self) { try outcome.pair(row: row, column: column) }
    }
    for settings in [
      Uncertainty.PairSettings(permutations: -1), .init(permutations: .max), .init(randomDrops: -1),
      .init(dropFractions: [.nan]), .init(dropFractions: [2]), .init(dropFractions: [-0.1]),
    ] {
      #expect(throws: ComparisonError.self) {
        try outcome.pair(row: 0, column: 0, settings: settings)
      }
    }
    // A pairing of 40 examples for a model of 8.
    let eight = ActivationModel(
      name: "eight", layers: [Activations64.normal(n: 8, p: 2, seed: 1).layer("a")])
    let pairing = try ExamplePairing(ActivationModel([UncertaintySamples.x]))
    #expect { try Comparison(eight, pairing: pairing) } throws: {
      ($0 as? ComparisonError)?.description == "eight has 8 examples: example 39 cannot be compared"
    }
    #expect(throws: ComparisonError.self) { try ExamplePairing(eight, limit: -1) }
    #expect(MinibatchPlan.permutation(of: -1, seed: 0, pass: 0).isEmpty)
  }

  @Test func undefinedLayersStayUndefined() throws {
    let constant = Activations64(
      n: UncertaintySamples.n, p: 3, values: Array(repeating: 2, count: 3 * UncertaintySamples.n))
    let outcome = try UncertaintySamples.outcome([UncertaintySamples.x, constant])
    #expect(try outcome.pair(row: 0, column: 1) == nil)
    #expect(outcome.standardErrors[0, 1].isNaN && outcome.control[1, 1].isNaN)
    #expect(outcome.leftHalfShares[1].isNaN && !outcome.leftHalfShares[0].isNaN)
    #expect(outcome.standardErrors[0, 0] < 1e-6)
  }

  @Test func halfSharesCount() {
    #expect(halfShare([1, 1, 1, 1]) == 0.5)
    #expect(halfShare([0, 10, 0, 0, 1]) == 0.2)
    #expect(halfShare([3, 1, 2, 2]) == 0.5)
  }

  @Test func failingDevicesAreReplaced() throws {
    let work = try UncertaintySamples.uncertainty([UncertaintySamples.x], [UncertaintySamples.y])
    let lost = try work.run(
      on: [ScriptedDevice("lost", succeeds: 1), ScriptedDevice("second")])
    #expect(lost.device.id == "second")
    #expect(lost.standardErrors == (try work.run(on: [BLASDevice()])).standardErrors)
    #expect { try work.run(on: [ScriptedDevice("lost", succeeds: 0)]) } throws: {
      ($0 as? DeviceError)?.context == "lost is lost"
    }
    #expect {
      try work.run(on: [ScriptedDevice("cut", succeeds: 0, kind: .input), ScriptedDevice("second")])
    } throws: {
      ($0 as? DeviceError)?.kind == .input
    }
  }
}
