import Foundation
import Statistics
import TestSupport
import Testing

/// Distributions and tests against SciPy's and statsmodels' values (`Tests/Fixtures/distributions.py`).
@Suite struct DistributionTests {
  struct Values: Decodable {
    struct Welch: Decodable {
      var a: [Double]
      var b: [Double]
      var t: Double
      var p: Double
      var degreesOfFreedom: Double
      var interval: [Double]
      var standardErrors: [Double]
    }

    var student: [[Double]]
    var critical: [[Double]]
    var normal: [[Double]]
    var welch: [Welch]
    var holmSidak: [[[Double]]]
  }

  let values: Values

  init() throws { values = try fixture("distributions") }

  /// Both sides are right to about 2e-13: a prefactor is the exponential of numbers up to some 500,
  /// which float64 holds to 6e-14.
  private func expect(
    _ value: Double, _ expected: Double, within tolerance: Double = 1e-12, _ what: [Double],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      abs(value - expected) <= tolerance * abs(expected), "\(what): \(value), not \(expected)",
      sourceLocation: sourceLocation)
  }

  @Test func whatIsNoNumberHasNoP() {
    let t = StudentT(degreesOfFreedom: 5)
    #expect(t.twoSided(.nan).isNaN && t.twoSided(.infinity) == 0)
    for freedom in [Double.nan, 0, -1] {
      let none = StudentT(degreesOfFreedom: freedom)
      #expect(none.twoSided(2).isNaN && none.twoSidedCritical(0.05).isNaN)
    }
    for probability in [Double.nan, 0, 1, -1, 2] {
      #expect(t.twoSidedCritical(probability).isNaN)
    }
    // Many degrees of freedom: the normal distribution.
    let normal = 0.04550026389635842
    #expect(abs(StudentT(degreesOfFreedom: .infinity).twoSided(2) - normal) < 1e-14)
    let adjusted = holmSidak([.nan, 0.01, 0.02, -0.5, 2])
    #expect(adjusted[0].isNaN && adjusted[3].isNaN && adjusted[4].isNaN)
    #expect(Array(adjusted[1...2]) == holmSidak([0.01, 0.02]))
    #expect(holmSidak([.nan])[0].isNaN)
    let nothing = SampleMean([])
    #expect(nothing.count == 0 && nothing.mean.isNaN && nothing.standardError.isNaN)
    let (a, b) = (SampleMean([1, 2, 4]), SampleMean([2, 3]))
    #expect(WelchTest(a, nothing) == nil && WelchTest(a, SampleMean([.nan, 1])) == nil)
    let test = WelchTest(a, b)
    #expect(test?.interval(confidence: .nan) == nil && test?.interval(confidence: 2) == nil)
    let far = WelchTest(a, SampleMean([-1e200, 1e200]))
    #expect(far?.interval(confidence: 0.95) == nil)
  }

  @Test func studentT() {
    #expect(values.student.count > 100)
    for row in values.student {
      let distribution = StudentT(degreesOfFreedom: row[0])
      expect(distribution.twoSided(row[1]), row[2], row)
      expect(distribution.twoSided(-row[1]), row[2], row)
    }
    #expect(StudentT(degreesOfFreedom: 3).twoSided(.infinity) == 0)
    #expect(StudentT(degreesOfFreedom: 3).twoSided(.nan).isNaN)
  }

  @Test func studentCritical() {
    for row in values.critical {
      expect(StudentT(degreesOfFreedom: row[0]).twoSidedCritical(row[1]), row[2], row)
    }
  }

  @Test func normal() {
    for row in values.normal { expect(Normal.cumulative(row[0]), row[1], row) }
  }

  @Test func welch() throws {
    for expected in values.welch {
      let (a, b) = (SampleMean(expected.a), SampleMean(expected.b))
      let test = try #require(WelchTest(a, b))
      // Differences of means near 0.94 lose about 1e-16/1e-4 of themselves, and t with them.
      expect(test.t, expected.t, within: 1e-11, expected.a)
      expect(test.p, expected.p, within: 1e-10, expected.a)
      expect(test.degreesOfFreedom, expected.degreesOfFreedom, within: 1e-11, expected.a)
      let interval = try #require(test.interval(confidence: 0.95))
      for (end, other) in zip([interval.lowerBound, interval.upperBound], expected.interval) {
        #expect(abs(end - other) < 1e-12)
      }
      expect(a.standardError, expected.standardErrors[0], within: 1e-11, expected.a)
      expect(b.standardError, expected.standardErrors[1], within: 1e-11, expected.b)
    }
  }

  @Test func nothingToCompareWith() {
    let same = SampleMean([0.1, 0.1, 0.1])
    #expect(same.mean == 0.1 && same.variance == 0)
    #expect(WelchTest(same, SampleMean([0.7, 0.7])) == nil)
    #expect(WelchTest(SampleMean([0.5]), SampleMean([0.1, 0.4])) == nil)
    #expect(WelchTest(same, SampleMean([0.1, 0.4])) != nil)
  }

  @Test func holm() {
    for pair in values.holmSidak {
      let adjusted = holmSidak(pair[0])
      // statsmodels rounds 1 − p before the power where p is small.
      for (value, expected) in zip(adjusted, pair[1]) { #expect(abs(value - expected) < 1e-14) }
      #expect(adjusted.count == pair[1].count)
    }
    #expect(holmSidak([]).isEmpty)
  }
}
