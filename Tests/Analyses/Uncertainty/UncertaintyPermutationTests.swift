import Activations
import Analyses
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// What random pairings of the examples say.
@Suite struct UncertaintyPermutationTests {
  /// All 720 pairings of six examples: mean 0 and variance 2/(n(n−3)), whatever the data.
  @Test func zIsThatOfAllPairings() throws {
    let n = 6
    let x = Activations64.normal(n: n, p: 3, seed: 5)
    let y = Activations64.normal(n: n, p: 2, seed: 6)
    let outcome = try UncertaintySamples.outcome([x], [y])
    let values = permutations(n).map { Oracle.cka(x, y.rows($0), unbiased: true) }
    #expect(values.count == 720)
    let mean = values.reduce(0, +) / 720
    let deviation = (values.reduce(0) { $0 + $1 * $1 } / 720 - mean * mean).squareRoot()
    #expect(abs(mean) < 1e-12 && abs(deviation * deviation - 2 / (6.0 * 3)) < 1e-12)
    let pair = try #require(
      try outcome.pair(row: 0, column: 0, settings: .init(permutations: 20_000, randomDrops: 1)))
    let value = Oracle.cka(x, y, unbiased: true)
    #expect(abs(pair.z - value / deviation) < 1e-5)
    #expect(abs((outcome.similarity.z?[0, 0] ?? .nan) - pair.z) < 1e-5)
    // Random pairings sample that distribution. 5 standard errors: the variance's is at most √(kurtosis/N).
    let error = deviation / 20_000.0.squareRoot()
    #expect(abs(pair.permutation.mean) < 5 * error)
    #expect(abs(pair.permutation.standardDeviation / deviation - 1) < 0.03)
    let share = Double(values.count { $0 >= value - 1e-9 }) / 720
    let spread = (share * (1 - share) / 20_000).squareRoot()
    #expect(abs(pair.permutation.p - share) < 5 * spread + 1 / 20_000)
  }

  private func permutations(_ n: Int) -> [[Int]] {
    guard n > 1 else { return [[0]] }
    return permutations(n - 1).flatMap { shorter in
      (0..<n).map { place in
        var longer = shorter
        longer.insert(n - 1, at: place)
        return longer
      }
    }
  }

  /// Kolmogorov's test of 300 p values of independent layers. They are multiples of 1/200, each as likely: at
  /// each of these the empirical distribution is within 1.628/√300 of p in 99 of 100 seeds.
  @Test func permutationPIsUniformUnderTheNull() throws {
    let device = BLASDevice()
    let count = 300
    let ps = try (0..<count).map { sample in
      let x = Activations64.normal(n: 16, p: 5, seed: 20_000 + UInt64(sample))
      // Skewed and of few features: far from a normal null.
      var y = Activations64.normal(n: 16, p: 2, seed: 30_000 + UInt64(sample))
      y.values = y.values.map { Double(Float(exp($0))) }
      let work = try UncertaintySamples.uncertainty([x], [y], seed: UInt64(sample))
      let outcome = try work.run(on: [device])
      let pair = try #require(
        try outcome.pair(row: 0, column: 0, settings: .init(permutations: 199, randomDrops: 1)))
      return pair.permutation.p
    }
    let distance = (1...200).map { step in
      let p = Double(step) / 200
      return abs(Double(ps.count { $0 <= p + 1e-9 }) / Double(count) - p)
    }.max()
    let limit = 1.628 / Double(count).squareRoot()
    #expect(distance ?? 1 < limit, "\(distance ?? 1), expected less than \(limit)")
  }

  @Test func permutationsFindWhatIsThere() throws {
    let settings = Uncertainty.PairSettings(permutations: 99, randomDrops: 1)
    let pair = try #require(
      try UncertaintySamples.outcome([UncertaintySamples.x], [UncertaintySamples.y]).pair(
        row: 0, column: 0, settings: settings))
    #expect(pair.permutation.p == 0.01 && pair.permutation.atLeastAsLarge == 0)
    #expect(pair.permutation.largest < pair.value)
    let again = try #require(
      try UncertaintySamples.outcome([UncertaintySamples.x], [UncertaintySamples.y]).pair(
        row: 0, column: 0, settings: settings))
    #expect(again.permutation == pair.permutation)
    let other = try #require(
      try UncertaintySamples.outcome([UncertaintySamples.x], [UncertaintySamples.y], seed: 1).pair(
        row: 0, column: 0, settings: settings))
    #expect(other.permutation != pair.permutation)
  }

  /// Every cell of the grid but the first, in the orders of its row and its column; of small whole numbers, whose sums
  /// are exact. The counts make one tile and several, and leave cells over; of 2,100 examples not all numbers of four
  /// copies are in memory at once.
  @Test(arguments: [(5, 1), (40, 7), (40, 99), (6, 70_000), (2100, 3)])
  func pairingsAreCellsOfAGrid(n: Int, count: Int) {
    func matrix(_ factor: Int) -> [[Int]] {
      (0..<n).map { i in (0..<n).map { j in i == j ? 0 : (i * j * factor + i + j) % 7 - 3 } }
    }
    let (left, right) = (matrix(5), matrix(3))
    let grams = SquareGrams(
      left: left.flatMap { $0.map(Double.init) }, right: right.flatMap { $0.map(Double.init) },
      exampleCount: n, roundings: (0, 0))
    let found = PairingGrid(grams, count: count, seed: 7).products(meter: nil)
    #expect(found.count == count)

    let rows = Int(Double(count + 1).squareRoot().rounded(.up))
    let columns = Int((Double(count + 1) / Double(rows)).rounded(.up))
    func order(_ index: Int, _ pass: Int) -> [Int] {
      index == 0 ? Array(0..<n) : MinibatchPlan.permutation(of: n, seed: 7, pass: pass)
    }
    let rowOrders = (0..<rows).map { order($0, 2 * $0) }
    let columnOrders = (0..<columns).map { order($0, 2 * $0 + 1) }
    let cells = MinibatchPlan.permutation(of: rows * columns - 1, seed: 7, pass: 0).map { $0 + 1 }
    for (place, product) in found.enumerated() {
      let (a, b) = (rowOrders[cells[place] / columns], columnOrders[cells[place] % columns])
      var expected = 0
      for i in 0..<n {
        let (leftRow, rightRow) = (left[a[i]], right[b[i]])
        for j in 0..<i { expected += leftRow[a[j]] * rightRow[b[j]] }
      }
      guard product != Double(expected) else { continue }
      Issue.record("pairing \(place): found \(product), expected \(expected)")
      return
    }
  }

  /// The control is CKA of re-paired examples; a layer and itself are no longer alike.
  @Test func controlsAreOfShuffledExamples() throws {
    let order = MinibatchPlan.permutation(of: UncertaintySamples.n, seed: 9, pass: -2)
    let outcome = try UncertaintySamples.outcome(
      [UncertaintySamples.x, UncertaintySamples.y], seed: 9)
    for (i, a) in [UncertaintySamples.x, UncertaintySamples.y].enumerated() {
      for (j, b) in [UncertaintySamples.x, UncertaintySamples.y].enumerated() {
        let expected = Oracle.cka(a, b.rows(order), unbiased: true)
        #expect(abs(outcome.control[i, j] - expected) < 2e-6)
      }
    }
    // Five null standard deviations.
    #expect(outcome.control.elements.allSatisfy { abs($0) < 5 * (2 / (40.0 * 37)).squareRoot() })
  }
}
