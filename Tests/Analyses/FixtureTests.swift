import ActivationFiles
import Activations
import Analyses
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Probes and uncertainty of the digits' activations, against scikit-learn and NumPy (`Tests/Fixtures`).
@Suite struct FixtureTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let activations = root.appendingPathComponent("Examples/digits/activations")

  private func model(_ name: String, _ layer: String) throws -> ActivationModel {
    let files = try ModelFiles(path: Self.activations.appendingPathComponent(name).path)
    return ActivationModel(name: name, layers: files.layers.filter { $0.name == layer })
  }

  private struct Probes: Decodable {
    struct Case: Decodable {
      var model: String
      var layer: String
      var penalty: Double
      var features: Int
      var objective: Double
      var trainAccuracy: Double
      var testAccuracy: Double
    }
    var train: [Int]
    var test: [Int]
    var cases: [Case]
    /// Digits from 5 on against the others.
    var twoClasses: [Case]
  }

  @Test(arguments: [false, true])
  func probesAreThoseOfScikitLearn(ofTwoClasses: Bool) throws {
    let fixture = try fixture("probe", as: Probes.self)
    let file = try ModelFiles(path: Self.activations.appendingPathComponent("labels.npy").path)
    let labels = try #require(file.layers.first)
    try #require(labels.scalarType == .uint8)
    let digits = try (0..<labels.shape.exampleCount).map {
      Int(try labels.row($0).start.load(as: UInt8.self))
    }
    let classes = ClassLabels(ofTwoClasses ? digits.map { $0 > 4 ? 1 : 0 } : digits)
    for expected in ofTwoClasses ? fixture.twoClasses : fixture.cases {
      let probe = try Probe(
        try model(expected.model, expected.layer), examples: Array(classes.indices.indices),
        labels: classes, split: ProbeSplit(train: fixture.train, test: fixture.test),
        penalty: expected.penalty)
      let result = try probe.run(on: [BLASDevice()]).layers[0]
      #expect(result.isConverged && result.status == .ok)
      #expect(result.isGram == (expected.features > fixture.train.count))
      // The solver stops within 1e-9 of its minimum; features and Gram matrices are float32.
      #expect(abs(result.objective / expected.objective - 1) < 1e-6, "\(expected.layer)")
      #expect(result.trainAccuracy == expected.trainAccuracy, "\(expected.layer)")
      #expect(result.testAccuracy == expected.testAccuracy, "\(expected.layer)")
    }
  }

  private struct Estimates: Decodable {
    var left: [String]
    var right: [String]
    var cka: Double
    var bias: Double
    var standardError: Double
    var contributions: [Double]
    var weights: [Double]
    var withoutContributors: [Double]
    var withoutHeaviest: [Double]
  }

  /// A value is within 1e-6 of NumPy's (float32 products). Those without some of the examples are made of
  /// the same matrices; a standard error gathers √n of their errors, the bias n.
  @Test func trustIsThatOfNumPy() throws {
    for expected in try fixture("trust", as: [Estimates].self) {
      let comparison = try Comparison(
        model(expected.left[0], expected.left[1]), model(expected.right[0], expected.right[1]),
        estimator: .unbiased)
      let outcome = try Uncertainty(comparison).run(on: [BLASDevice()])
      let pair = try #require(
        try outcome.pair(row: 0, column: 0, settings: .init(permutations: 19, randomDrops: 2)))
      #expect(abs(pair.value - expected.cka) < 1e-6)
      let jackknife = try #require(pair.jackknife)
      for (bias, error) in [
        (jackknife.bias, jackknife.standardError),
        (outcome.biases[0, 0], outcome.standardErrors[0, 0]),
      ] {
        #expect(abs(error - expected.standardError) < 1e-6 * 16)
        #expect(abs(bias - expected.bias) < 1e-6 * 256)
      }
      for (one, other) in zip(pair.contributions, expected.contributions) {
        #expect(abs(one - other) < 1e-6)
      }
      for (one, other) in zip(pair.weights, expected.weights) { #expect(abs(one - other) < 1e-6) }
      #expect(pair.drops.points.map(\.dropped) == [3, 6, 13])
      for (index, point) in pair.drops.points.enumerated() {
        #expect(abs(point.withoutContributors - expected.withoutContributors[index]) < 2e-6)
        #expect(abs(point.withoutHeaviest - expected.withoutHeaviest[index]) < 2e-6)
      }
    }
  }
}
