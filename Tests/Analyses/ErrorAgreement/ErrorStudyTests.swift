import Analyses
import Foundation
import Statistics
import TestSupport
import Testing

/// Where two groups' errors differ, against NumPy, SciPy and statsmodels.
@Suite struct ErrorStudyTests {
  let fixture: ErrorFixture
  let study: ErrorStudy

  init() throws {
    fixture = try TestSupport.fixture("errors")
    study = try fixture.study()
  }

  /// Sums of at most a thousand numbers of order 1 in float64: 1e-13; t and p grow with what is small.
  private func expect(
    _ value: Double?, _ expected: Double, within tolerance: Double = 1e-12,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let difference = abs((value ?? .nan) - expected)
    #expect(
      difference <= tolerance * max(1, abs(expected)), "\(value ?? .nan), not \(expected)",
      sourceLocation: sourceLocation)
  }

  private func expect(_ found: AccuracyDifference, _ expected: ErrorFixture.Means) throws {
    expect(found.first.mean, expected.first)
    expect(found.second.mean, expected.second)
    expect(found.first.standardError, expected.errors[0])
    expect(found.second.standardError, expected.errors[1])
    let welch = try #require(found.welch)
    expect(welch.t, expected.t, within: 1e-11)
    expect(welch.degreesOfFreedom, expected.degreesOfFreedom, within: 1e-11)
    expect(welch.p, expected.p, within: 1e-11)
    let interval = try #require(welch.interval(confidence: 0.95))
    expect(interval.lowerBound, expected.interval[0], within: 1e-11)
    expect(interval.upperBound, expected.interval[1], within: 1e-11)
  }

  @Test func accuracy() throws { try expect(study.accuracy, fixture.accuracy) }

  @Test func classes() throws {
    let found = study.classDifferences()
    #expect(found.subsets.map(\.name) == fixture.subsets.compactMap(\.name))
    for (subset, expected) in zip(found.subsets, fixture.subsets) {
      try expect(subset.accuracy, expected)
      expect(subset.adjustedP, expected.adjusted ?? .nan)
    }
    #expect(found.testedCount == 4)
    #expect(found.significantCounts(level: 0.3).single == fixture.subsets.count { $0.p < 0.3 })
  }

  @Test func groupsOfClasses() throws {
    let hierarchy = try ClassHierarchy([
      ("0", "low"), ("1", "low"), ("1", "odd"), ("3", "odd"), ("low", "any"), ("odd", "any"),
      ("2", "any"), ("odd", "uneven"), ("2", "alone"), ("1", "low"),
    ])
    let groups = hierarchy.groups(of: ["0", "1", "2", "3"], least: 2)
    // "any" is all classes, "uneven" holds what "odd" below it holds, "alone" has one class.
    #expect(groups.map(\.name) == ["low", "odd"])
    #expect(groups.map(\.classes) == [[0, 1], [1, 3]])
    let found = study.differences(on: groups)
    for (subset, expected) in zip(found.subsets, fixture.groups) {
      try expect(subset.accuracy, expected)
      expect(subset.adjustedP, expected.adjusted ?? .nan)
    }
  }

  @Test func loopsOfGroupsAreRefused() {
    #expect(throws: PredictionError.self) {
      try ClassHierarchy([("a", "b"), ("b", "c"), ("c", "a")])
    }
    #expect(throws: PredictionError.self) { try ClassHierarchy([("a", "a")]) }
    #expect(throws: Never.self) {
      // A chain that no recursion would survive.
      try ClassHierarchy((0..<200_000).map { ("\($0)", "\($0 + 1)") })
    }
  }

  @Test func dispersion() {
    let found = study.dispersion
    expect(found.observed, fixture.dispersion.observed)
    expect(found.sampling, fixture.dispersion.sampling)
    expect(found.meanPart, fixture.dispersion.meanPart)
    expect(found.correlation, fixture.dispersion.correlation)
  }

  @Test func control() {
    let found = study.dispersionControl(repeats: fixture.repeats, seed: fixture.seed)
    expect(found.between, fixture.control.between)
    expect(found.withinFirst, fixture.control.withinFirst)
    expect(found.withinSecond, fixture.control.withinSecond)
    #expect(found.scatters.between == fixture.control.scatter)
    #expect(found.scatters.withinFirst.reduce(0, +) == fixture.repeats * study.exampleCount)
    #expect(found.scatters.firstCount == 2 && found.scatters.secondCount == 2)
  }

  @Test func controlOverAllSplitsIsTheExcess() {
    // The mean over random splits has a standard error of the splits' deviation, some 0.02, over √4,000.
    let found = study.dispersionControl(repeats: 4000, seed: 1)
    expect(found.excess, study.dispersion.excess, within: 5 * 0.02 / 4000.0.squareRoot())
  }

  @Test func differingExamples() throws {
    for (leader, expected) in zip([ErrorStudy.Leader.first, .second], fixture.differing) {
      let found = study.differingExamples(
        aheadIs: leader, limit: fixture.limit, repeats: fixture.repeats, seed: fixture.seed)
      let sorted = found.examples.sorted { $0.index < $1.index }
      #expect(sorted.map(\.index) == expected.examples.map(\.index))
      for (example, other) in zip(sorted, expected.examples) {
        expect(example.frequency, other.frequency)
        expect(example.chosen, other.chosen)
        expect(example.judged, other.judged)
      }
      expect(found.chosen, expected.chosen)
      expect(found.judged, expected.judged)
      #expect(found.choices == 2 * fixture.repeats)
      let order = found.examples.map(\.frequency)
      #expect(order == order.sorted(by: >))
    }
  }

  @Test func logisticModels() {
    let (found, expected) = (study.logisticModels, fixture.logistic)
    #expect(found.exampleCount == expected.examples)
    #expect(found.fits.map(\.parameters) == expected.parameters)
    // statsmodels iterates towards cells of one outcome and stops where they add 1e-9 or less.
    for (fit, index) in zip(found.fits, 0...) {
      let tolerance = index < 2 ? 1e-10 : 1e-8
      expect(fit.logLikelihood, expected.logLikelihoods[index], within: tolerance)
      expect(fit.aic, expected.aic[index], within: tolerance)
    }
    expect(found.groupEffect, expected.groupEffect, within: 1e-8)
    expect(found.effectSize, expected.effectSize, within: 1e-9)
    for (comparison, index) in zip([found.group, found.interaction], 0...) {
      expect(comparison.statistic, expected.statistics[index], within: 1e-7)
      #expect(comparison.degreesOfFreedom == expected.degreesOfFreedom[index])
    }
  }

  @Test func relabelings() {
    let found = study.chance(limit: 200, seed: 0)
    expect(found.excess, fixture.excess)
    #expect(found.effectSize.isExhaustive && found.effectSize.count == 126)
    // At random where there are more than are wanted: the same again with the same seed.
    let random = study.chance(limit: 100, seed: 5)
    #expect(random.excess == study.chance(limit: 100, seed: 5).excess)
    #expect(!random.excess.isExhaustive && random.excess.count == 100)
    // A share of 100 draws is off by 0.013, four times its deviation at p = 0.016 with 1/101 more.
    #expect(abs(random.excess.p - found.excess.p) < 0.06)
  }

  private func expect(_ found: RelabelingTest, _ expected: ErrorFixture.Test) {
    expect(found.observed, expected.observed)
    expect(found.mean, expected.mean)
    expect(found.standardDeviation, expected.standardDeviation)
    expect(found.p, expected.p)
    #expect(found.count == expected.count && found.isExhaustive)
  }

  @Test func outputs() throws {
    let found = try study.outputSimilarity()
    for measure in OutputSimilarity.Measure.allCases {
      let expected = try #require(fixture.similarity[measure.rawValue])
      let values = try #require(found.values[measure])
      #expect(values.elements.count == expected.values.count)
      for (value, other) in zip(values.elements, expected.values) { expect(value, other) }
      let test = try #require(
        study.similarity(measure, in: found, limit: 1000, seed: 0))
      expect(test.gap, expected.gap)
    }
    #expect(found.raisedCount == 0)
  }
}
