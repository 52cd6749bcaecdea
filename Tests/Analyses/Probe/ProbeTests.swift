import Activations
import Analyses
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Values against scikit-learn: `FixtureTests`.
@Suite struct ProbeTests {
  private static let n = 120

  /// Labels that are the signs of one direction in the features, with a gap about 0 and noise beside it.
  private func planted(p: Int, seed: UInt64) -> (x: Activations64, labels: [Int]) {
    var x = Activations64.normal(n: Self.n, p: p, seed: seed)
    let labels = (0..<Self.n).map { $0 % 3 }
    for i in 0..<Self.n {
      // Three classes at three places of a plane, far apart against noise 1.
      x.values[i * p] = Double(Float(x[i, 0] + [0, 20, 0][labels[i]]))
      x.values[i * p + 1] = Double(Float(x[i, 1] + [0, 0, 20][labels[i]]))
    }
    return (x, labels)
  }

  private func probe(
    _ layers: [LayerActivations], _ labels: [Int], penalty: Double = 1, seed: UInt64 = 0
  ) throws -> Probe {
    let classes = ClassLabels(labels)
    return try Probe(
      ActivationModel(name: "model", layers: layers), examples: Array(labels.indices),
      labels: classes, split: try ProbeSplit(classes, seed: seed), penalty: penalty)
  }

  /// Each trapped, or read numbers beyond a model's.
  @Test func requestsWithoutMeaningAreRefused() throws {
    let model = ActivationModel(
      name: "eight", layers: [Activations64.normal(n: 8, p: 3, seed: 1).layer("a")])
    let labels = ClassLabels([0, 1, 0, 1, 0, 1, 0, 1])
    let split = try ProbeSplit(labels)
    func expectRefusal(_ words: String, _ make: () throws -> Probe) {
      #expect { try make() } throws: { ($0 as? ProbeError)?.description.contains(words) ?? false }
    }
    let more = ClassLabels((0..<16).map { $0 % 2 })
    expectRefusal("eight has 8 examples, and no example 8") {
      try Probe(model, examples: Array(0..<16), labels: more, split: ProbeSplit(more))
    }
    expectRefusal("8 labels for 4 examples") {
      try Probe(model, examples: Array(0..<4), labels: labels, split: split)
    }
    expectRefusal("the split is not of these 8 examples") {
      try Probe(model, examples: Array(0..<8), labels: labels, split: ProbeSplit(more))
    }
    for penalty in [Double.nan, 0, -1, 1e-308, 1e308, .infinity] {
      expectRefusal("the penalty is") {
        try Probe(
          model, examples: Array(0..<8), labels: labels, split: split, penalty: penalty)
      }
    }
    for fraction in [Double.nan, 0, 1, -1, .infinity] {
      #expect(throws: ProbeError.self) { try ProbeSplit(labels, testFraction: fraction) }
    }
  }

  @Test(arguments: [2, 5, 12]) func plantedConceptsAreRead(p: Int) throws {
    let (x, labels) = planted(p: p, seed: 3)
    let result = try probe([x.layer()], labels).run(on: [BLASDevice()]).layers[0]
    #expect(result.status == .ok && result.isConverged)
    #expect(result.testAccuracy == 1 && result.trainAccuracy == 1 && !result.isGram)
  }

  /// With many features, the same by the Gram matrix, as long as noise does not drown the concept.
  @Test func plantedConceptsAreReadFromGramMatrices() throws {
    var (x, labels) = planted(p: 200, seed: 4)
    for i in 0..<Self.n {
      for k in 2..<200 { x.values[i * 200 + k] = Double(Float(x[i, k] / 8 + x[i, k % 2])) }
    }
    let result = try probe([x.layer()], labels).run(on: [BLASDevice()]).layers[0]
    #expect(result.isGram && result.isConverged && result.testAccuracy == 1)
  }

  /// Features of another scale, offset, type or order are the same features.
  @Test func scaleAndTypeDoNotMatter() throws {
    var (x, labels) = planted(p: 30, seed: 5)
    x.values = x.values.map { ($0 * 4).rounded() / 4 }
    let scaled = Activations64(n: x.n, p: x.p, values: x.values.map { $0 * 1024 - 4096 })
    let integers = LayerActivations(
      name: "integers", values: x.values.map { Int16($0 * 4) }, scalarType: .int16,
      exampleCount: x.n, featureAxes: [x.p])
    let doubles = LayerActivations(
      name: "doubles", values: x.values.map { $0 * 1e60 }, scalarType: .float64,
      exampleCount: x.n, featureAxes: [x.p])
    let results = try probe([x.layer(), scaled.layer(), integers, doubles], labels, penalty: 0.01)
      .run(on: [BLASDevice()]).layers
    for result in results {
      // Standardized features are rounded to float32: 2⁻²⁴ of each, and f moves by less than 1e-6 of itself.
      #expect(abs(result.objective / results[0].objective - 1) < 1e-6)
      #expect(result.testAccuracy == results[0].testAccuracy)
    }
  }

  /// The same layer by its features, and with features of no variance beside them, which make it wider than
  /// it has training examples, by its Gram matrix.
  @Test func bothFormsAgree() throws {
    let (x, labels) = planted(p: 40, seed: 6)
    let width = 100
    let values = (0..<x.n).flatMap { i in (0..<width).map { k in k < 40 ? x[i, k] : 7 } }
    let wide = Activations64(n: x.n, p: width, values: values)
    let results = try probe([x.layer(), wide.layer("wide")], labels, penalty: 0.1)
      .run(on: [BLASDevice()]).layers
    #expect(!results[0].isGram && results[1].isGram)
    #expect(abs(results[1].objective / results[0].objective - 1) < 1e-6)
    #expect(results[1].testAccuracy == results[0].testAccuracy)
  }

  /// At the minimum, the gradient is 0: of the weights Zᵀ(P − Y)·C + W, of the intercepts the sum of P − Y.
  @Test func theFitIsAMinimum() throws {
    let (n, p, classes) = (30, 4, 3)
    // Quarters: their products add up exactly in float32.
    let normal = Activations64.normal(n: n, p: p, seed: 7)
    let z = Activations64(n: n, p: p, values: normal.values.map { ($0 * 4).rounded() / 4 })
    let labels = (0..<n).map { ($0 * $0) % classes }
    for isGram in [false, true] {
      let gram = (0..<(n * n)).map { index in
        Float((0..<p).reduce(0) { $0 + z[index / n, $1] * z[index % n, $1] })
      }
      let design =
        isGram
        ? ProbeDesign(trainGram: gram, testGram: [])
        : ProbeDesign(train: z.values, test: [], width: p)
      let fit = LogisticRegression(
        design: design, labels: labels, classes: classes, weightOfData: 2
      ).fit(tolerance: 1e-14)
      #expect(fit.isConverged)
      let weights: [Double] =
        isGram
        ? (0..<(p * classes)).map { index in
          (0..<n).reduce(0) {
            $0 + z[$1, index / classes] * fit.coefficients[$1 * classes + index % classes]
          }
        } : fit.coefficients
      var gradient = weights
      var (sums, loss) = ([Double](repeating: 0, count: classes), 0.0)
      for i in 0..<n {
        let scores = (0..<classes).map { k in
          fit.intercepts[k] + (0..<p).reduce(0) { $0 + z[i, $1] * weights[$1 * classes + k] }
        }
        let total = scores.reduce(0) { $0 + exp($1) }
        loss -= log(exp(scores[labels[i]]) / total)
        for k in 0..<classes {
          let residual = exp(scores[k]) / total - (labels[i] == k ? 1 : 0)
          sums[k] += 2 * residual
          for feature in 0..<p {
            gradient[feature * classes + k] += 2 * residual * z[i, feature]
          }
        }
      }
      let objective = 2 * loss + weights.reduce(0) { $0 + $1 * $1 } / 2
      #expect(abs(objective / fit.objective - 1) < 1e-12)
      // ½‖g‖² ≤ 1e-14·f.
      let limit = (2e-14 * fit.objective).squareRoot() * 1.01
      #expect((gradient + sums).allSatisfy { abs($0) < limit })
    }
  }

  @Test func splitsAreStratifiedAndSeeded() throws {
    let labels = ClassLabels((0..<103).map { [4, 4, 4, -1, 90][$0 % 5] })
    #expect(labels.classes == [-1, 4, 90])
    let split = try ProbeSplit(labels, testFraction: 0.25, seed: 1)
    #expect((split.train + split.test).sorted() == Array(0..<103))
    for (place, count) in labels.counts.enumerated() {
      let tested = split.test.count { labels.indices[$0] == place }
      #expect(tested == Int((0.25 * Double(count)).rounded()))
    }
    #expect(try ProbeSplit(labels, testFraction: 0.25, seed: 1) == split)
    #expect(try ProbeSplit(labels, testFraction: 0.25, seed: 2) != split)
    // Every class is in both parts, whatever the fraction.
    let few = ClassLabels([0, 0, 1, 1, 1])
    for (fraction, tested) in [(0.001, [1, 1]), (0.999, [1, 2])] {
      let split = try ProbeSplit(few, testFraction: fraction)
      let counts = (0..<2).map { label in split.test.count { few.indices[$0] == label } }
      #expect(counts == tested && split.train.count == 5 - split.test.count)
    }
  }

  @Test func unusableLabelsAreNamed() {
    func refuses(_ labels: [Int], _ words: String) {
      #expect { try ProbeSplit(ClassLabels(labels)) } throws: {
        ($0 as? ProbeError)?.description.contains(words) ?? false
      }
    }
    refuses([3, 3, 3], "only the class 3, expected at least 2")
    refuses([0, 0, 1, 2, 2], "the class 1 has 1 example")
    refuses([], "no class")
  }

  @Test func undefinedLayersAreSaid() throws {
    let (x, labels) = planted(p: 3, seed: 8)
    var broken = x
    broken.values[17] = .nan
    let constant = Activations64(n: x.n, p: 3, values: Array(repeating: 5, count: 3 * x.n))
    let results = try probe([broken.layer(), constant.layer(), x.layer()], labels)
      .run(on: [BLASDevice()]).layers
    #expect(results.map(\.status) == [.nonFinite, .constant, .ok])
    #expect(results[0].testAccuracy.isNaN && results[2].testAccuracy == 1)
  }

  @Test func failingDevicesAreReplaced() throws {
    let x = Activations64.normal(n: Self.n, p: 150, seed: 9)
    let labels = (0..<Self.n).map { $0 % 2 }
    let work = try probe([x.layer("a"), x.layer("b")], labels)
    let (layers, device) = try work.run(
      on: [ScriptedDevice("lost", succeeds: 1), ScriptedDevice("second")])
    #expect(device.id == "second" && layers[0] == layers[1])
    #expect { try work.run(on: [ScriptedDevice("lost", succeeds: 0)]) } throws: {
      ($0 as? DeviceError)?.context == "lost is lost"
    }
  }

  @Test func theMajorityIsOfTheFittedExamples() throws {
    let labels = ClassLabels([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    let probe = try Probe(
      ActivationModel(name: "m", layers: [Activations64.normal(n: 10, p: 2, seed: 1).layer()]),
      examples: Array(0..<10), labels: labels,
      split: ProbeSplit(train: [0, 1, 2, 4], test: [3, 5, 6, 7, 8, 9]))
    #expect(probe.majorityAccuracy == 1.0 / 6)
  }
}
