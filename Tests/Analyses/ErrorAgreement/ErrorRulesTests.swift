import Activations
import Analyses
import Foundation
import Statistics
import TestSupport
import Testing

/// What no fixture shows: saturated cells, groups that are alike or as unlike as can be, bad input.
@Suite struct ErrorRulesTests {
  // MARK: Logistic models at their limits

  @Test func saturatedCells() throws {
    // Four examples: right in all networks, in none, in A alone, in half of both.
    let right = [
      [true, false, true, true], [true, false, true, false], [true, false, false, true],
      [true, false, false, false],
    ]
    let models = try study(right: right, first: 2).logisticModels
    #expect(models.exampleCount == 2)
    #expect(models.fits.map(\.parameters) == [2, 3, 4])
    // By hand: model 1 has p = 1/2 in both; model 3 has certainty in the third.
    #expect(abs(models.fits[0].logLikelihood + 8 * log(2)) < 1e-14)
    #expect(abs(models.fits[2].logLikelihood + 4 * log(2)) < 1e-14)
    #expect(models.fits[1].logLikelihood > models.fits[0].logLikelihood)
    #expect(try #require(models.groupEffect) < 0)
    #expect(models.interaction.degreesOfFreedom == 1)
  }

  @Test func groupsThatAreApartDoNotDiverge() throws {
    // A is right wherever B is wrong: γ has no finite estimate, and models 2 and 3 both explain all.
    let right = (0..<4).map { network in [Bool](repeating: network < 2, count: 6) }
    let models = try study(right: right, first: 2).logisticModels
    #expect(models.groupEffect == nil)
    #expect(abs(models.fits[1].logLikelihood) < 1e-14)
    #expect(models.fits[2].logLikelihood == 0)
    #expect(abs(models.fits[0].logLikelihood + 24 * log(2)) < 1e-13)
    #expect(models.group.degreesOfFreedom == 1)
    #expect(models.effectSize.isNaN)
    // Six divisions, of which two are the true groups: there is no v² in these, and no p of it.
    let chance = try study(right: right, first: 2).chance(limit: 10, seed: 0)
    #expect(chance.effectSize.p.isNaN && abs(chance.effectSize.mean) < 1e-12)
    #expect(chance.excess.p == 1.0 / 3)
  }

  @Test func nothingToExplain() throws {
    let models = try study(right: [[Bool]](repeating: [true, true], count: 4), first: 2)
      .logisticModels
    #expect(models.exampleCount == 0 && models.fits.map(\.parameters) == [0, 0, 0])
    #expect(models.effectSize.isNaN && models.groupEffect == nil)
  }

  // MARK: Null and alternative

  /// Why no p of χ² is printed: of 4 and 4 networks of one kind χ² lies beyond the 95 % that its distribution,
  /// nearly normal at some hundred degrees of freedom, would have, in nearly every study.
  @Test func likelihoodRatiosOfFewNetworksAreNoChiSquared() throws {
    var generator = SeededGenerator(seed: 77)
    let studies = 40
    let beyond = try (0..<studies).count { _ in
      let right = draws(&generator, networks: 4, examples: 300, spread: 0)
      let test = try study(right: right, first: 4).logisticModels.interaction
      let freedom = Double(test.degreesOfFreedom)
      return test.statistic > freedom + 1.645 * (2 * freedom).squareRoot()
    }
    #expect(beyond > studies / 2, "\(beyond) of \(studies)")
  }

  @Test func labelsBeyondAllClassesTakeNoMemory() throws {
    let labels: [Int32] = [0, 1, 2_000_000_000]
    let classes = layer([0, 1, 2_000_000_000], columns: 1)
    let networks = try (0..<2).map { try Predictions(classes, name: "network \($0)") }
    let group = ErrorStudy.Group(name: "a", networks: networks)
    #expect { try ErrorStudy(group, group, labels: labels) } throws: {
      ($0 as? PredictionError)?.description.contains("no example has the label 2, 3, 4, 5, 6, …")
        ?? false
    }
    #expect(throws: PredictionError.self) { try ErrorStudy(group, group, labels: [0, 1, -1]) }
  }

  /// Networks × examples, right with a probability that depends on the example and the group.
  private func draws(
    _ generator: inout SeededGenerator, networks: Int, examples: Int, spread: Double
  ) -> [[Bool]] {
    let pairs = (0..<examples).map { _ in
      let p = Double.random(in: 0.2...0.8, using: &generator)
      return (p + spread * (Bool.random(using: &generator) ? 1 : -1), p)
    }
    return (0..<2 * networks).map { network in
      pairs.map {
        Double.random(in: 0..<1, using: &generator) < (network < networks ? $0.0 : $0.1)
      }
    }
  }

  @Test func excessIsThePlantedDifference() throws {
    var generator = SeededGenerator(seed: 4)
    var excesses: [Double] = []
    for _ in 0..<30 {
      let right = draws(&generator, networks: 6, examples: 200, spread: 0.15)
      excesses.append(try study(right: right, first: 6).dispersion.excess)
    }
    // Σ(p_A − p_B)²/n = 0.15²; the mean of 30 is judged by its own standard error.
    let sample = SampleMean(excesses)
    #expect(abs(sample.mean - 0.0225) < 4 * sample.standardError)
    #expect(sample.standardError < 0.002)
  }

  @Test func relabelingIsUniformUnderTheNull() throws {
    var generator = SeededGenerator(seed: 8)
    var values: [Double] = []
    for seed in 0..<150 {
      let right = draws(&generator, networks: 5, examples: 60, spread: 0)
      values.append(
        try study(right: right, first: 5).chance(limit: 99, seed: UInt64(seed)).excess.p)
    }
    // Kolmogorov's distance of 150 draws exceeds 1.63/√150 once in a hundred; p has steps of 0.01.
    var distance = 0.0
    for (k, p) in values.sorted().enumerated() {
      distance = max(distance, abs(p - Double(k) / 150), abs(p - Double(k + 1) / 150))
    }
    #expect(distance < 1.63 / 150.0.squareRoot() + 0.01)
  }

  @Test func judgesSeeWhatIsThere() throws {
    var generator = SeededGenerator(seed: 15)
    // Without a difference the choosers see a large one, the judges none.
    let null = try study(
      right: draws(&generator, networks: 8, examples: 300, spread: 0), first: 8)
    let chance = null.differingExamples(aheadIs: .first, limit: 20, repeats: 50, seed: 1)
    #expect(chance.chosen > 0.4)
    // Judged by 20 examples of 4 networks each: √(2 · 0.25/4/20) = 0.08 a choice, less over choices.
    #expect(abs(chance.judged) < 0.16)
    // Ten examples that only A gets right are always found, and the judges agree.
    var right = draws(&generator, networks: 8, examples: 300, spread: 0)
    for network in right.indices {
      for example in 0..<10 { right[network][example] = network < 8 }
    }
    let planted = try study(right: right, first: 8).differingExamples(
      aheadIs: .first, limit: 10, repeats: 20, seed: 1)
    let found = planted.examples.filter { $0.frequency > 0.6 }
    #expect(Set(found.map(\.index)) == Set(0..<10))
    #expect(found.allSatisfy { $0.chosen == 1 && $0.judged == 1 })
    let other = try study(right: right, first: 8).differingExamples(
      aheadIs: .second, limit: 10, repeats: 20, seed: 1)
    #expect(other.examples.allSatisfy { $0.index >= 10 })
  }

  // MARK: Predictions

  private func refused(
    _ numbers: [Double], columns: Int, areLogits: Bool = false, _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    do {
      _ = try Predictions(layer(numbers, columns: columns), name: "one", areLogits: areLogits)
      Issue.record("was taken", sourceLocation: sourceLocation)
    } catch {
      for word in words {
        #expect("\(error)".contains(word), "\(error)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test func unusablePredictions() {
    refused([0.5, 0.5, 0.9, 0.2], columns: 2, "example 1", "add up to 1.1")
    refused([0.5, 0.5, -0.2, 1.2], columns: 2, "example 1", "probability -0.2")
    refused([0.5, 0.5, .nan, 1], columns: 2, "example 1", "nan")
    refused([1, 2, -.infinity, 1], columns: 2, areLogits: true, "example 1", "inf")
    refused([0, 1, 1.5], columns: 1, "example 2", "predicted class 1.5")
    refused([0, -1], columns: 1, "example 1", "predicted class -1")
    refused([0, 1], columns: 1, areLogits: true, "logits of several classes")
    #expect(throws: PredictionError.self) { try classLabels(layer([0, .nan], columns: 1)) }
    #expect(throws: PredictionError.self) { try classLabels(layer([0, 1, 0, 1], columns: 2)) }
  }

  @Test func unusableStudies() throws {
    let labels: [Int32] = [0, 1, 2]
    func network(_ numbers: [Double], _ columns: Int = 1) throws -> Predictions {
      try Predictions(layer(numbers, columns: columns), name: "net")
    }
    let good = try network([0, 1, 2])
    func refused(
      _ networks: [Predictions], _ labels: [Int32], _ words: String...,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      do {
        let pair = ErrorStudy.Group(name: "B", networks: [networks[0], networks[0]])
        _ = try ErrorStudy(.init(name: "A", networks: networks), pair, labels: labels)
        Issue.record("was taken", sourceLocation: sourceLocation)
      } catch {
        for word in words {
          #expect("\(error)".contains(word), "\(error)", sourceLocation: sourceLocation)
        }
      }
    }
    try refused([good], labels, "group A", "one network")
    try refused([good, good], [0, 1], "3 examples", "2, the number of labels")
    try refused([good, good], [0, 2, 2], "label 1")
    try refused([good, try network([0, 1, 7])], labels, "class 7", "example 2")
    let two = try network([1, 0, 0, 1, 0, 1], 2)
    try refused([two, two], labels, "label of example 2", "2 classes")
    let three = try network([1, 0, 0, 0, 1, 0, 0, 0, 1], 3)
    try refused([three, two], labels, "2 classes, expected 3")
    #expect(
      try ErrorStudy(
        .init(name: "A", networks: [good, three]), .init(name: "B", networks: [good, good]),
        labels: labels
      ).classCount == 3)
  }

  @Test func formsAgree() throws {
    // Softmax of logits, probabilities in three types, and the classes themselves.
    let logits: [Double] = [2, 0.5, -1, 0, 0, 3, 1e3, -1e3, 0]
    let rows = stride(from: 0, to: 9, by: 3).map { Array(logits[$0..<$0 + 3]) }
    let probabilities = rows.flatMap { row in
      let total = row.reduce(0) { $0 + exp($1 - (row.max() ?? 0)) }
      return row.map { exp($0 - (row.max() ?? 0)) / total }
    }
    let first = try Predictions(layer(logits, columns: 3), name: "a", areLogits: true)
    let second = try Predictions(layer(probabilities, columns: 3), name: "b")
    let third = try Predictions(layer([0, 2, 0], columns: 1), name: "c")
    #expect(first.classes == [0, 2, 0] && second.classes == first.classes)
    #expect(third.classes == first.classes && third.classCount == nil)
    let ties = try Predictions(layer([0.4, 0.4, 0.2, 0.2, 0.4, 0.4], columns: 3), name: "d")
    #expect(ties.classes == [0, 1])
    let labels: [Int32] = [0, 2, 1]
    let both = try ErrorStudy(
      .init(name: "A", networks: [first, second]), .init(name: "B", networks: [first, second]),
      labels: labels)
    let similarity = try both.outputSimilarity()
    #expect(similarity.values[.divergence]?.elements.allSatisfy { abs($0) < 1e-15 } == true)
    #expect(similarity.values[.hellinger]?.elements.allSatisfy { abs($0) < 1e-15 } == true)
    // Two impossible classes in each of four networks.
    #expect(similarity.raisedCount == 8)
    let mixed = try ErrorStudy(
      .init(name: "A", networks: [first, third]), .init(name: "B", networks: [first, second]),
      labels: labels)
    #expect(try mixed.outputSimilarity().values.keys.map(\.rawValue) == ["agreement"])
  }

  @Test func divergenceOfImpossibleClassesIsBounded() throws {
    let sure = try Predictions(layer([1, 0, 0, 1], columns: 2), name: "sure")
    let wrong = try Predictions(layer([0, 1, 0, 1], columns: 2), name: "wrong")
    let similarity = try ErrorStudy(
      .init(name: "A", networks: [sure, sure]), .init(name: "B", networks: [wrong, wrong]),
      labels: [0, 1]
    ).outputSimilarity()
    // One of two examples: Σ(p − q)(log p − log q) = 2(1 − ε) log 1/ε.
    let expected = (1 - 1e-12) * -log(1e-12)
    let value = try #require(similarity.values[.divergence])[0, 2]
    #expect(abs(value - expected) < 1e-10)
    #expect(abs(try #require(similarity.values[.hellinger])[0, 2] - 0.5) < 1e-5)
  }

  @Test func storedNumbersOfAllTypes() throws {
    // Whole numbers that every type holds; both memory orders.
    for type in ScalarType.allCases {
      let numbers: [Double] = [1, 0, 0, 1, 1, 1]
      for order in [MemoryOrder.rowMajor, .columnMajor] {
        let layer = stored(numbers, as: type, axes: [2], order: order)
        let expected = order == .rowMajor ? numbers : [1, 1, 0, 1, 0, 1]
        #expect(try layer.numbers(of: 0..<3) == expected, "\(type) \(order)")
        #expect(try layer.numbers(of: 1..<2) == Array(expected[2..<4]))
      }
    }
    let swapped = stored([0.1, -2.5], as: .float64, axes: [], isSwapped: true)
    #expect(try swapped.numbers(of: 0..<2) == [0.1, -2.5])
  }

  private func stored(
    _ numbers: [Double], as type: ScalarType, axes: [Int], order: MemoryOrder = .rowMajor,
    isSwapped: Bool = false
  ) -> LayerActivations {
    func layer<Integer: FixedWidthInteger & BitwiseCopyable & Sendable>(_ integer: Integer.Type)
      -> LayerActivations
    {
      LayerActivations(
        name: "a",
        values: numbers.map { number in
          let bytes = type.bytes(of: number, bigEndian: isSwapped)
          return bytes.withUnsafeBytes { $0.loadUnaligned(as: Integer.self) }
        }, scalarType: type, exampleCount: numbers.count / axes.reduce(1, *), featureAxes: axes,
        isByteSwapped: isSwapped, memoryOrder: order)
    }
    switch type.size {
    case 1: return layer(UInt8.self)
    case 2: return layer(UInt16.self)
    case 4: return layer(UInt32.self)
    default: return layer(UInt64.self)
    }
  }
}
