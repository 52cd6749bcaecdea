import Activations
import Analyses
import BLASDevice
import Device
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Arguments that have no meaning: a caller gets an error that names them, not the end of its process.
@Suite struct ArgumentTests {
  private func layer(_ name: String, n: Int) -> LayerActivations {
    Activations64.normal(n: n, p: 3, seed: UInt64(n)).layer(name)
  }

  @Test func layersOfDifferentExamplesAreRefused() throws {
    let unequal = ActivationModel(name: "m", layers: [layer("a", n: 8), layer("b", n: 9)])
    let equal = ActivationModel(name: "e", layers: [layer("a", n: 8)])
    for (left, right) in [(unequal, nil), (equal, unequal)] as [(ActivationModel, ActivationModel?)]
    {
      let error = #expect(throws: ComparisonError.self) { try Comparison(left, right) }
      #expect(error?.description.contains("m has 8 examples in layer a and 9 in layer b") == true)
      #expect(throws: ComparisonError.self) { try ComponentAnalysis(left, right) }
      // Chosen for models that are whole.
      let pairing = try ExamplePairing(equal)
      #expect(throws: ComparisonError.self) { try Comparison(left, right, pairing: pairing) }
    }
    let labels = ClassLabels((0..<8).map { $0 % 2 })
    let split = ProbeSplit(train: [0, 1, 2, 3, 4, 5], test: [6, 7])
    #expect(throws: ProbeError.self) {
      try Probe(unequal, examples: Array(0..<8), labels: labels, split: split)
    }
  }

  /// These trapped where a number of maps, or the length of a way, is made of them.
  @Test func blocksOfNumbersWithoutMeaningAreErrors() throws {
    var map = Matrix<Double>(rows: 8, columns: 8, repeating: 0.1)
    for i in 0..<8 {
      for j in 0..<8 where i / 4 == j / 4 { map[i, j] = 1 - 0.01 * Double(abs(i - j)) }
    }
    for significance in [-1, 1.5, 1e300, .infinity, .nan] {
      #expect(throws: ComparisonError.self) {
        try BlockDetector(significance: significance).structure(of: map)
      }
    }
    for value in [Double.infinity, -.infinity] {
      map[1, 2] = value
      #expect(throws: ComparisonError.self) { try BlockDetector().structure(of: map) }
    }
  }

  @Test func componentsThatAreNotThereAreErrors() throws {
    let analysis = try ComponentAnalysis(
      ActivationModel(name: "m", layers: [layer("a", n: 8)]), components: 2)
    let outcome = try analysis.run(on: [BLASDevice()])
    for place in [-1, 1, Int.max] {
      #expect(throws: ComparisonError.self) { try outcome.contributions(place, 0) }
      #expect(throws: ComparisonError.self) { try outcome.contributions(0, place) }
    }
    for component in [-1, 2, Int.max] {
      #expect(throws: ComparisonError.self) { try outcome.left[0].projections(on: component) }
    }
    #expect(try outcome.left[0].projections(on: 1).count == 8)
  }
}
