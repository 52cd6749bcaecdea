import Activations
import Analyses
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Values without an example, or without some, against brute force.
@Suite struct UncertaintyJackknifeTests {
  @Test func mapsHaveTheJackknifeOfBruteForce() throws {
    let (rows, columns) = (
      [UncertaintySamples.x, UncertaintySamples.y],
      [UncertaintySamples.z, UncertaintySamples.y, UncertaintySamples.x]
    )
    for (left, right) in [(rows, columns as [Activations64]?), (columns, nil)] {
      let outcome = try UncertaintySamples.outcome(left, right)
      let others = right ?? left
      for (i, a) in left.enumerated() {
        for (j, b) in others.enumerated() {
          let values = UncertaintySamples.leavingOneOut(a, b)
          #expect(
            abs(outcome.standardErrors[i, j] - UncertaintySamples.standardError(values))
              < UncertaintySamples.tolerance)
          let mean = values.reduce(0, +) / Double(UncertaintySamples.n)
          let bias = Double(UncertaintySamples.n - 1) * (mean - Oracle.cka(a, b, unbiased: true))
          #expect(abs(outcome.biases[i, j] - bias) < 2e-6 * Double(UncertaintySamples.n))
          let pair = try #require(
            try outcome.pair(
              row: i, column: j, settings: .init(permutations: 3, randomDrops: 1)))
          let jackknife = try #require(pair.jackknife)
          #expect(
            abs(jackknife.standardError - UncertaintySamples.standardError(values))
              < UncertaintySamples.tolerance)
          #expect(abs(pair.value - outcome.similarity.cka[i, j]) < 1e-6)
        }
      }
    }
  }

  /// The formula knows nothing of the kernel as long as σ stays.
  @Test func otherKernelsHaveTheJackknifeOfBruteForce() throws {
    let outcome = try UncertaintySamples.outcome(
      [UncertaintySamples.x], [UncertaintySamples.y], kernel: .rbf(.sigma(3)))
    let values = UncertaintySamples.leavingOneOut(
      UncertaintySamples.x, UncertaintySamples.y, .rbfSigma(3))
    #expect(
      abs(outcome.standardErrors[0, 0] - UncertaintySamples.standardError(values))
        < UncertaintySamples.tolerance)
  }

  /// CKA of normal data with known covariances tends to ‖Σxy‖²/(‖Σxx‖‖Σyy‖). The interval should hold it in
  /// 95 of 100 large samples, and in some less of 80 examples, whose standard error is an estimate, too. Were
  /// it 93, of 200 at least 176 and at most 196 would hold it with a probability of 0.99.
  @Test func intervalsHoldTheTruth() throws {
    // x = (a, b), y = (a + c, d), all standard normal: Σxy = diag(1, 0), Σxx = I, Σyy = diag(2, 1).
    let truth = 1 / (2.0.squareRoot() * 5.0.squareRoot())
    let device = BLASDevice()
    var hits = 0
    for sample in 0..<200 {
      let n = 80
      let base = Activations64.normal(n: n, p: 4, seed: 1000 + UInt64(sample))
      func layer(_ columns: (Int) -> [Double]) -> Activations64 {
        Activations64(n: n, p: 2, values: (0..<n).flatMap { columns($0).map { Double(Float($0)) } })
      }
      let x = layer { [base[$0, 0], base[$0, 1]] }
      let y = layer { [base[$0, 0] + base[$0, 2], base[$0, 3]] }
      let outcome = try UncertaintySamples.uncertainty([x], [y]).run(on: [device])
      let pair = try #require(
        try outcome.pair(row: 0, column: 0, settings: .init(permutations: 1, randomDrops: 1)))
      if try #require(pair.jackknife).interval.contains(truth) { hits += 1 }
    }
    #expect((176...196).contains(hits), "\(hits) of 200")
  }

  /// Of layers in which all examples but two are alike nothing is left without one of the two: 0/0. Every
  /// pair of examples of 20 is tried, as the sums round in another way each.
  @Test(arguments: [GramKernel.linear, .rbf(.sigma(1))])
  func nothingIsSaidOfLayersInWhichTwoExamplesDiffer(_ kernel: GramKernel) throws {
    let n = 20
    let y = Activations64.normal(n: n, p: 4, seed: 11)
    for second in 1..<n {
      var x = Activations64(n: n, p: 1, values: Array(repeating: 0, count: n))
      x.values[0] = 1
      x.values[second] = 1
      let outcome = try UncertaintySamples.outcome([x, y], [y], kernel: kernel)
      #expect(outcome.similarity.statuses[0, 0] == .ok)
      #expect(outcome.jackknifeStatuses[0, 0] == .lowPrecision)
      #expect(outcome.standardErrors[0, 0].isNaN && outcome.biases[0, 0].isNaN)
      #expect(outcome.jackknifeStatuses[1, 0] == .ok && outcome.standardErrors[1, 0].isFinite)
      let pair = try #require(
        try outcome.pair(row: 0, column: 0, settings: .init(permutations: 3, randomDrops: 30)))
      #expect(pair.jackknife == nil && pair.jackknifeStatus == .lowPrecision)
      // One example is 5 %: the two are the heaviest.
      #expect(pair.drops.points.allSatisfy { $0.withoutHeaviest.isNaN } && pair.isCarriedByFew)
      for point in pair.drops.points {
        for (draw, value) in point.withoutRandom.enumerated() {
          let dropped = MinibatchPlan.permutation(of: n, seed: 0, pass: -3 - draw)
            .prefix(point.dropped)
          let isUndefined = dropped.contains(0) || dropped.contains(second)
          #expect(value.isNaN == isUndefined)
        }
      }
    }
  }

  /// Three examples have no U-centered matrix but zero.
  @Test func nothingIsSaidOfFourExamplesWithoutOne() throws {
    for seed in 0..<30 as Range<UInt64> {
      let outcome = try UncertaintySamples.outcome(
        [.normal(n: 4, p: 3, seed: 2 * seed)], [.normal(n: 4, p: 3, seed: 2 * seed + 1)])
      #expect(outcome.similarity.hasValues && outcome.standardErrors[0, 0].isNaN)
      #expect(outcome.jackknifeStatuses[0, 0] == .tooFewExamples)
      let pair = try #require(try outcome.pair(row: 0, column: 0))
      #expect(pair.jackknife == nil && pair.jackknifeStatus == .tooFewExamples)
    }
  }

  /// An example up to 1e6 times as large as the others holds all but 1e-12 of ⟨A, A⟩; without it everything is as
  /// if it had never been there.
  ///
  /// Of such a layer float64 leaves ‖E‖/‖A₍ₖ₎‖ = 1e-6 at the most: centered features of 2.5e4, whose products of
  /// 8e9 round by 1e-6, beside entries of about 3. Float32 matrices that are kept, of 30, leave 1e-5: 2⁻²⁴ of
  /// entries that the heavy example makes 30 times as large, and of means that it moves.
  @Test(arguments: [30.0, 1000, 1e6])
  func valuesWithoutAHeavyExampleAreThoseOfBruteForce(scale: Double) throws {
    var x = UncertaintySamples.x
    for k in 0..<12 { x.values[7 * 12 + k] = Double(Float(x.values[7 * 12 + k] * scale)) }
    // A layer with the same heavy example, and one with another.
    let same = x.mixed(into: .normal(n: x.n, p: 5, seed: 4), weight: 0.5)
    var other = UncertaintySamples.y
    for k in 0..<7 { other.values[20 * 7 + k] = Double(Float(other.values[20 * 7 + k] * scale)) }
    let layers = [x, same, other]
    let outcome = try UncertaintySamples.outcome(layers)
    #expect(outcome.jackknifeStatuses.elements.allSatisfy { $0 == .ok })
    for (i, a) in layers.enumerated() {
      for (j, b) in layers.enumerated() where i <= j {
        let values = UncertaintySamples.leavingOneOut(a, b)
        let error = UncertaintySamples.standardError(values)
        let bias = 39 * (values.reduce(0, +) / 40 - Oracle.cka(a, b, unbiased: true))
        #expect(abs(outcome.standardErrors[i, j] - error) < UncertaintySamples.tolerance)
        #expect(abs(outcome.biases[i, j] - bias) < 2e-6 * 40)
        let pair = try #require(
          try outcome.pair(row: i, column: j, settings: .init(permutations: 3, randomDrops: 2)))
        let jackknife = try #require(pair.jackknife)
        #expect(abs(jackknife.standardError - error) < UncertaintySamples.tolerance)
        #expect(abs(jackknife.bias - bias) < 2e-6 * 40)
        let byWeight = pair.weights.indices.sorted {
          (-pair.weights[$0], $0) < (-pair.weights[$1], $1)
        }
        for point in pair.drops.points {
          func others(_ order: [Int]) -> Double {
            let kept = order.dropFirst(point.dropped).sorted()
            return Oracle.cka(a.rows(kept), b.rows(kept), unbiased: true)
          }
          #expect(abs(point.withoutHeaviest - others(byWeight)) < 1e-5)
          #expect(abs(point.withoutContributors - others(pair.byContribution)) < 1e-5)
          for (draw, value) in point.withoutRandom.enumerated() {
            let order = MinibatchPlan.permutation(of: 40, seed: 0, pass: -3 - draw)
            #expect(abs(value - others(order)) < 1e-5)
          }
        }
      }
    }
  }

  /// What float64 does not tell either, or has no memory for, has a status.
  @Test func heavyExamplesBeyondFloat64OrMemoryHaveAStatus() throws {
    func layer(_ scale: Double) -> Activations64 {
      var x = UncertaintySamples.x
      for k in 0..<12 { x.values[k] *= scale }
      return x
    }
    let beyond = try UncertaintySamples.outcome([layer(1e10)], [UncertaintySamples.y])
    #expect(beyond.similarity.statuses[0, 0] == .ok)
    #expect(beyond.jackknifeStatuses[0, 0] == .lowPrecision)
    let work = try UncertaintySamples.uncertainty([layer(1e6)], [UncertaintySamples.y])
    let device = BLASDevice()
    let least = work.leastMemory(on: device.info, pair: true)
    // One triangle of 40 examples, with what it takes to make it.
    let one = NarrowedGrams.bytes(exampleCount: 40) + 8 * 40 * 39 / 2
    for (memory, status) in [(least, Status.lowPrecision), (least + one, .ok)] {
      let outcome = try work.run(on: DeviceTeam([device], memory: memory))
      #expect(outcome.similarity.statuses[0, 0] == .ok)
      #expect(outcome.jackknifeStatuses[0, 0] == status, "\(memory - least)")
    }
  }

  /// Sparse layers, whose few examples make the interval too short, are told from normal ones.
  @Test func intervalsOfSparseLayersAreCalledShort() throws {
    let dense = Activations64.normal(n: 100, p: 20, seed: 41)
    var sparse = dense
    sparse.values = sparse.values.map { max($0 - 2.2, 0) }
    let outcome = try UncertaintySamples.outcome([dense, sparse], [dense])
    let settings = Uncertainty.PairSettings(permutations: 1, randomDrops: 1)
    let pairs = try (0..<2).map {
      try #require(try outcome.pair(row: $0, column: 0, settings: settings))
    }
    #expect(!pairs[0].isIntervalShort && pairs[0].evenness > 0.6)
    #expect(pairs[1].isIntervalShort)
  }
}
