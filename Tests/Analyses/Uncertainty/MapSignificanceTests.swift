import Activations
import BLASDevice
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA
@testable import Statistics

/// p of every cell and of the largest, against all pairings and against chance.
struct MapSignificanceTests {
  /// A random U-centered matrix, by hand.
  private func matrix(_ n: Int, seed: UInt64) -> [Double] {
    let x = Activations64.normal(n: n, p: 3, seed: seed)
    var gram = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0..<n where i != j {
        gram[i * n + j] = (0..<3).reduce(0) { $0 + x.values[i * 3 + $1] * x.values[j * 3 + $1] }
      }
    }
    let sums = (0..<n).map { i in (0..<n).reduce(0) { $0 + gram[i * n + $1] } }
    let total = sums.reduce(0, +)
    let (a, b) = (Double(n - 2), Double((n - 1) * (n - 2)))
    for i in 0..<n {
      for j in 0..<n where i != j { gram[i * n + j] += total / b - (sums[i] + sums[j]) / a }
    }
    return gram
  }

  /// Every order of 0 ..< n, by Heap's algorithm.
  private func orders(_ n: Int) -> [[Int]] {
    var (order, all) = (Array(0..<n), [[Int]]())
    func permute(_ k: Int) {
      guard k > 1 else { return all.append(order) }
      for i in 0..<k {
        permute(k - 1)
        order.swapAt(k % 2 == 0 ? i : 0, k - 1)
      }
    }
    permute(n)
    return all
  }

  /// The mean over all n! pairings of the first three powers, at 4 to 7 examples: of fewer than six some multigraphs
  /// have no place.
  @Test(arguments: 4...7) func momentsAreThoseOfAllPairings(n: Int) {
    let (a, b) = (matrix(n, seed: 1), matrix(n, seed: 2))
    var (first, second, third) = (0.0, 0.0, 0.0)
    let all = orders(n)
    for order in all {
      var x = 0.0
      for i in 0..<n { for j in 0..<n { x += a[i * n + j] * b[order[i] * n + order[j]] } }
      first += x / Double(all.count)
      second += x * x / Double(all.count)
      third += x * x * x / Double(all.count)
    }
    let squares = [a, b].map { $0.reduce(0) { $0 + $1 * $1 } }
    // Sums of at most 5,040 numbers of order 1 in float64.
    #expect(abs(first) < 1e-9)
    let variance = 2 * squares[0] * squares[1] / Double(n * (n - 3))
    #expect(abs(second / variance - 1) < 1e-10)
    let skewness = PermutationMoments.skewness(
      [PermutationMoments(square: a, exampleCount: n)],
      [PermutationMoments(square: b, exampleCount: n)])[0, 0]
    #expect(abs(skewness - third / (second * second.squareRoot())) < 1e-9)
  }

  /// Of more than 1,024 examples the two ratios are those of a part: near those of all.
  @Test func manyExamplesAreSampled() {
    let n = 1100
    let square = matrix(n, seed: 3)
    let sample = PermutationMoments.sample(of: n)
    let (part, all) = (
      PermutationMoments(
        square: sample.flatMap { i in sample.map { square[i * n + $0] } }, exampleCount: n),
      (
        squares: square.reduce(0) { $0 + $1 * $1 }, cubes: square.reduce(0) { $0 + $1 * $1 * $1 }
      )
    )
    // Three directions of equal variance: tr A³/‖A‖³ is near 3/3^1.5 = 0.577; ratios of random matrices of a thousand
    // examples spread by some hundredths.
    #expect(abs(part.triangles - 0.577) < 0.03, "\(part.triangles)")
    let cubes = all.cubes / (all.squares * all.squares.squareRoot())
    #expect(abs(part.cubes - cubes) < 0.01, "\(part.cubes) \(cubes)")
  }

  /// χ² of one degree of freedom, of two (an exponential), of eight, and their mirror images.
  @Test func tailsAreThoseOfKnownDistributions() {
    for z in [-0.5, 0, 1, 3, 6] as [Double] {
      let one = erfc(((1 + z * 2.squareRoot()) / 2).squareRoot())
      #expect(abs(PearsonIII(skewness: 8.squareRoot()).upperTail(z) / one - 1) < 1e-12)
      let two = exp(-1 - z)
      #expect(abs(PearsonIII(skewness: 2).upperTail(z) / two - 1) < 1e-12)
      // χ²₈: e^(−x/2) Σ (x/2)^k/k!, k < 4.
      let x = (8 + 4 * z) / 2
      let eight = exp(-x) * (1 + x + x * x / 2 + x * x * x / 6)
      #expect(abs(PearsonIII(skewness: 1).upperTail(z) / eight - 1) < 1e-12)
      #expect(abs(PearsonIII(skewness: -1).upperTail(-z) - (1 - eight)) < 1e-12)
      #expect(abs(PearsonIII(skewness: 1e-4).upperTail(z) / Normal.cumulative(-z) - 1) < 1e-12)
    }
    #expect(PearsonIII(skewness: 2).upperTail(-2) == 1)
    #expect(PearsonIII(skewness: -2).upperTail(2) == 0)
    // A skewness next to that of a normal distribution joins on.
    #expect(abs(PearsonIII(skewness: 0.0051).upperTail(2) / Normal.cumulative(-2) - 1) < 0.01)
  }

  @Test func adjustedValuesAreThoseOfBenjaminiAndHochberg() {
    // By hand: 0.01·4/1, 0.02·4/2 = 0.04; 0.03·4/3 = 0.04; 0.9.
    let found = benjaminiHochberg([0.03, 0.9, .nan, 0.01, 0.02])
    for (value, expected) in zip(found, [0.04, 0.9, .nan, 0.04, 0.04]) {
      #expect(value.isNaN ? expected.isNaN : abs(value - expected) < 1e-15)
    }
    #expect(benjaminiHochberg([]).isEmpty)
  }

  /// Independent layers: p is uniform, of all cells any found is false, and the p of the largest is uniform.
  @Test func independentLayersDoNotStandOut() throws {
    let maps = 120
    var (low, cells, falseMaps, largest) = (0, 0, 0, [Double]())
    for seed in 0..<maps {
      func layers(_ base: UInt64) -> [Activations64] {
        // One, two and many directions: skew and normal null distributions.
        [1, 2, 12].enumerated().map {
          .normal(n: 24, p: $1, seed: UInt64(seed) * 100 + base + UInt64($0))
        }
      }
      let comparison = try Comparison(
        ActivationModel(layers(0)), ActivationModel(layers(10)), estimator: .unbiased)
      let found = try Uncertainty(comparison, seed: UInt64(seed), permutations: 19)
        .run(on: [BLASDevice()]).significance
      low += found.p.elements.count { $0 <= 0.05 }
      cells += found.p.elements.count
      if found.counts.standOut > 0 { falseMaps += 1 }
      largest.append(found.familyWise?.elements.min() ?? .nan)
      #expect(found.counts.tests == 9 && found.permutations == 19)
    }
    // Shares of 1,080 cells, which share layers, and of 120 maps: four standard errors of the expected 5 %, the cells'
    // as if each map were four independent ones.
    let spread = { (count: Double) in 4 * (0.05 * 0.95 / count).squareRoot() }
    #expect(abs(Double(low) / Double(cells) - 0.05) < spread(480), "\(low) of \(cells)")
    #expect(Double(falseMaps) / Double(maps) < 0.05 + spread(120), "\(falseMaps)")
    // Multiples of 1/20, each as likely: mean 21/40, variance (1 − 1/400)/12.
    let mean = largest.reduce(0, +) / Double(maps)
    #expect(abs(mean - 0.525) < 4 * (1 / 12.0 / Double(maps)).squareRoot(), "\(mean)")
  }

  /// Among independent layers, two pairs that are alike: these stand out, in the whole family as well.
  @Test func whatIsAlikeStandsOut() throws {
    let x = Activations64.normal(n: 40, p: 4, seed: 1)
    let noise = (2..<8).map { Activations64.normal(n: 40, p: 4, seed: $0) }
    let near = Activations64(
      n: 40, p: 4, values: zip(x.values, noise[0].values).map { $0 + 0.3 * $1 })
    let found = try UncertaintySamples.outcome([x, near] + noise.dropFirst()).significance
    #expect(found.isOfOneModel && found.counts.tests == 21 && found.permutations == 99)
    #expect(found.adjusted[0, 1] < 1e-6 && found.adjusted[1, 0] == found.adjusted[0, 1])
    #expect(found.adjusted[0, 0].isNaN)
    let familyWise = try #require(found.familyWise)
    #expect(familyWise[0, 1] == 0.01)
    // The others are tests of nothing.
    #expect(found.counts.standOut <= 2)
  }

  @Test func permutationsAreCountedWithoutAQuestionWhereTheyAreCheap() throws {
    let small = try UncertaintySamples.uncertainty([UncertaintySamples.x])
    #expect(small.permutations == 99)
    let large = try Uncertainty(
      Comparison(
        ActivationModel([.normal(n: 4100, p: 1, seed: 1)]), estimator: .unbiased))
    #expect(large.permutations == 0)
    #expect(throws: ComparisonError.self) {
      try Uncertainty(small.comparison, permutations: -1)
    }
  }
}
