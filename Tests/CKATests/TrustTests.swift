import Activations
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import CKA

/// Values of digits' activations against NumPy: `FixtureTests`. Here: invariants, and small brute force.
@Suite struct TrustTests {
  private func model(_ layers: [Activations64]) -> ActivationModel {
    ActivationModel(
      name: "model", layers: layers.enumerated().map { $1.layer("layer\($0)") })
  }

  private func trust(
    _ left: [Activations64], _ right: [Activations64]? = nil, kernel: GramKernel = .linear,
    seed: UInt64 = 0
  ) throws -> Trust {
    try Trust(
      Comparison(
        model(left), right.map(model), estimator: .unbiased, kernel: kernel), seed: seed)
  }

  private func outcome(
    _ left: [Activations64], _ right: [Activations64]? = nil, kernel: GramKernel = .linear,
    seed: UInt64 = 0
  ) throws -> Trust.Outcome {
    try trust(left, right, kernel: kernel, seed: seed).run(on: [BLASDevice()])
  }

  /// Leave-one-out values by the oracle.
  private func leavingOneOut(
    _ x: Activations64, _ y: Activations64, _ kernel: OracleKernel = .linear
  ) -> [Double] {
    (0..<x.n).map { example in
      let others = (0..<x.n).filter { $0 != example }
      return Oracle.cka(x.rows(others), y.rows(others), kernel: kernel, unbiased: true)
    }
  }

  private func standardError(_ values: [Double]) -> Double {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    return ((n - 1) / n * values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
  }

  private static let n = 40
  private static let x = Activations64.normal(n: n, p: 12, seed: 1)
  private static let y = x.mixed(into: .normal(n: n, p: 7, seed: 2), weight: 0.7)
  private static let z = Activations64.normal(n: n, p: 90, seed: 3, offset: 4)

  /// A leave-one-out value is within 2e-6 of the oracle's, as CKA itself is; the error of a root mean
  /// square of deviations is no larger, and times √(n−1).
  private static let tolerance = 2e-6 * Double(n - 1).squareRoot()

  @Test func mapsHaveTheJackknifeOfBruteForce() throws {
    let (rows, columns) = ([Self.x, Self.y], [Self.z, Self.y, Self.x])
    for (left, right) in [(rows, columns as [Activations64]?), (columns, nil)] {
      let outcome = try outcome(left, right)
      let others = right ?? left
      for (i, a) in left.enumerated() {
        for (j, b) in others.enumerated() {
          let values = leavingOneOut(a, b)
          #expect(abs(outcome.standardErrors[i, j] - standardError(values)) < Self.tolerance)
          let mean = values.reduce(0, +) / Double(Self.n)
          let bias = Double(Self.n - 1) * (mean - Oracle.cka(a, b, unbiased: true))
          #expect(abs(outcome.biases[i, j] - bias) < 2e-6 * Double(Self.n))
          let pair = try #require(
            try outcome.pair(
              row: i, column: j, settings: .init(permutations: 3, randomDrops: 1)))
          let jackknife = try #require(pair.jackknife)
          #expect(abs(jackknife.standardError - standardError(values)) < Self.tolerance)
          #expect(abs(pair.value - outcome.similarity.cka[i, j]) < 1e-6)
        }
      }
    }
  }

  /// The formula knows nothing of the kernel as long as σ stays.
  @Test func otherKernelsHaveTheJackknifeOfBruteForce() throws {
    let outcome = try outcome([Self.x], [Self.y], kernel: .rbf(.sigma(3)))
    let values = leavingOneOut(Self.x, Self.y, .rbfSigma(3))
    #expect(abs(outcome.standardErrors[0, 0] - standardError(values)) < Self.tolerance)
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
      let outcome = try trust([x], [y]).run(on: [device])
      let pair = try #require(
        try outcome.pair(row: 0, column: 0, settings: .init(permutations: 1, randomDrops: 1)))
      if try #require(pair.jackknife).interval.contains(truth) { hits += 1 }
    }
    #expect((176...196).contains(hits), "\(hits) of 200")
  }

  @Test func contributionsAddUp() throws {
    let outcome = try outcome([Self.x, Self.z], [Self.y])
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

  /// All 720 pairings of six examples: mean 0 and variance 2/(n(n−3)), whatever the data.
  @Test func zIsThatOfAllPairings() throws {
    let n = 6
    let x = Activations64.normal(n: n, p: 3, seed: 5)
    let y = Activations64.normal(n: n, p: 2, seed: 6)
    let outcome = try outcome([x], [y])
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
      let outcome = try trust([x], [y], seed: UInt64(sample)).run(on: [device])
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
    let settings = Trust.PairSettings(permutations: 99, randomDrops: 1)
    let pair = try #require(
      try outcome([Self.x], [Self.y]).pair(row: 0, column: 0, settings: settings))
    #expect(pair.permutation.p == 0.01 && pair.permutation.atLeastAsLarge == 0)
    #expect(pair.permutation.largest < pair.value)
    let again = try #require(
      try outcome([Self.x], [Self.y]).pair(row: 0, column: 0, settings: settings))
    #expect(again.permutation == pair.permutation)
    let other = try #require(
      try outcome([Self.x], [Self.y], seed: 1).pair(row: 0, column: 0, settings: settings))
    #expect(other.permutation != pair.permutation)
  }

  /// The control is CKA of re-paired examples; a layer and itself are no longer alike.
  @Test func controlsAreOfShuffledExamples() throws {
    let order = MinibatchPlan.permutation(of: Self.n, seed: 9, pass: -2)
    let outcome = try outcome([Self.x, Self.y], seed: 9)
    for (i, a) in [Self.x, Self.y].enumerated() {
      for (j, b) in [Self.x, Self.y].enumerated() {
        let expected = Oracle.cka(a, b.rows(order), unbiased: true)
        #expect(abs(outcome.control[i, j] - expected) < 2e-6)
      }
    }
    // Five null standard deviations.
    #expect(outcome.control.elements.allSatisfy { abs($0) < 5 * (2 / (40.0 * 37)).squareRoot() })
  }

  /// Davari et al. 2023: a subset that is moved far away makes CKA its own.
  @Test func movedSubsetsAreFound() throws {
    let n = 100
    let x = Activations64.normal(n: n, p: 20, seed: 8)
    var moved = x.mixed(into: .normal(n: n, p: 20, seed: 9), weight: 3)
    let plain = moved
    for i in 0..<4 { for k in 0..<20 { moved.values[i * 20 + k] += 200 } }
    let outcome = try outcome([x], [plain, moved])
    #expect(outcome.leftHalfShares[0] > 0.2 && outcome.rightHalfShares[0] > 0.2)
    #expect(outcome.rightHalfShares[1] <= Trust.fewExamples)
    let settings = Trust.PairSettings(permutations: 9)
    let calm = try #require(try outcome.pair(row: 0, column: 0, settings: settings))
    let few = try #require(try outcome.pair(row: 0, column: 1, settings: settings))
    #expect(!calm.isCarriedByFew && few.isCarriedByFew)
    let heaviest = few.weights.indices.sorted { few.weights[$0] > few.weights[$1] }.prefix(4)
    #expect(Set(heaviest) == [0, 1, 2, 3])
    // Without them, the two layers are as similar as before the move.
    let last = try #require(few.drops.points.last)
    #expect(last.dropped == 5)
    let kept = (0..<n).filter { example in
      !few.weights.indices.sorted { (-few.weights[$0], $0) < (-few.weights[$1], $1) }.prefix(5)
        .contains(example)
    }
    let expected = Oracle.cka(x.rows(kept), moved.rows(kept), unbiased: true)
    // The moved examples stand for nearly all of the float32 matrix: what is left has lost digits by the
    // ratio of the norms, some 1e3.
    #expect(abs(last.withoutHeaviest - expected) < 1e-3)
    #expect(last.withoutHeaviest > few.value + 0.3)
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
      let outcome = try outcome([x, y], [y], kernel: kernel)
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
      let outcome = try outcome(
        [.normal(n: 4, p: 3, seed: 2 * seed)], [.normal(n: 4, p: 3, seed: 2 * seed + 1)])
      #expect(outcome.similarity.hasValues && outcome.standardErrors[0, 0].isNaN)
      #expect(outcome.jackknifeStatuses[0, 0] == .tooFewExamples)
      let pair = try #require(try outcome.pair(row: 0, column: 0))
      #expect(pair.jackknife == nil && pair.jackknifeStatus == .tooFewExamples)
    }
  }

  /// What is left without an example that holds all but a millionth of ⟨A, A⟩ is known to 2⁻⁶.
  @Test func jackknivesWithoutAHeavyExampleAreThoseOfBruteForce() throws {
    var defined = 0
    for scale in [10.0, 30, 100, 1000, 1e5] {
      var x = Self.x
      for k in 0..<12 { x.values[k] = Double(Float(x.values[k] * scale)) }
      let outcome = try outcome([x], [Self.y])
      guard outcome.jackknifeStatuses[0, 0] == .ok else { continue }
      defined += 1
      let expected = standardError(leavingOneOut(x, Self.y))
      #expect(abs(outcome.standardErrors[0, 0] / expected - 1) < 1.0 / 64, "\(scale)")
    }
    // That of 1e5 holds all but 1e-10.
    #expect((3...4).contains(defined))
  }

  /// Davari et al. 2023 at every share: two layers of nothing in common, of which the same subset is moved
  /// far away, are alike; within the groups they are not.
  @Test(arguments: [0.02, 0.05, 0.1, 0.2, 0.4, 0.5])
  func movedSubsetsOfAnySizeAreSeen(share: Double) throws {
    let n = 200
    let moved = Int((share * Double(n)).rounded())
    func layer(_ seed: UInt64, isMoved: Bool) -> Activations64 {
      var x = Activations64.normal(n: n, p: 20, seed: seed)
      for i in 0..<moved where isMoved {
        for k in 0..<20 { x.values[i * 7 % n * 20 + k] += 10 }
      }
      return x
    }
    let (x, y) = (layer(1, isMoved: true), layer(2, isMoved: true))
    let outcome = try outcome([x, layer(1, isMoved: false)], [y])
    #expect(outcome.similarity.cka[0, 0] > 0.9)
    #expect(abs(outcome.leftGroupShares[0] - share) < 1e-12)
    #expect(abs(outcome.rightGroupShares[0] - share) < 1e-12)
    #expect(outcome.leftGroupShares[1].isNaN)
    let settings = Trust.PairSettings(permutations: 1, randomDrops: 1)
    let pair = try #require(try outcome.pair(row: 0, column: 0, settings: settings))
    #expect(pair.isCarriedByGroups)
    let groups = try #require(pair.groups)
    #expect(groups.smaller.count == moved && groups.separation > 0.95)
    // HSIC₁ of the groups alone, by the oracle.
    var sums = (0.0, 0.0, 0.0)
    for group in [groups.smaller, (0..<n).filter { !groups.smaller.contains($0) }] {
      let m = group.count
      let (k, l) = (Oracle.gram(x.rows(group), .linear), Oracle.gram(y.rows(group), .linear))
      let weight = Double(m * (m - 3))
      sums.0 += weight * Oracle.unbiasedHSIC(k, l, n: m)
      sums.1 += weight * Oracle.unbiasedHSIC(k, k, n: m)
      sums.2 += weight * Oracle.unbiasedHSIC(l, l, n: m)
    }
    // The move makes entries some 1e3 times those within groups.
    #expect(abs(groups.within - sums.0 / (sums.1 * sums.2).squareRoot()) < 1e-3)
    #expect(abs(groups.within) < 0.1)
    // Of a moved layer and one that is not, the groups are seen, too.
    let mixed = try #require(try outcome.pair(row: 1, column: 0, settings: settings))
    #expect(mixed.groups?.isOfSecondLayer == true)
  }

  /// Layers without groups: normal, skewed and rectified ones of few and many features, and classes.
  @Test func otherLayersHaveNoGroups() throws {
    var layers: [Activations64] = []
    for seed in 0..<8 as Range<UInt64> {
      for p in [1, 2, 5, 40] {
        let x = Activations64.normal(n: 120, p: p, seed: 100 + seed)
        var (skewed, rectified) = (x, x)
        skewed.values = skewed.values.map { Double(Float(exp($0))) }
        rectified.values = rectified.values.map { max($0, 0) }
        layers += [x, skewed, rectified]
      }
    }
    let oneHot = (0..<120).flatMap { i in (0..<10).map { $0 == i % 10 ? 1.0 : 0 } }
    layers.append(Activations64(n: 120, p: 10, values: oneHot))
    let outcome = try outcome(layers)
    let alarms = outcome.leftGroupShares.count { !$0.isNaN }
    // An exponential of one feature may hold one example that is far from all others.
    #expect(alarms <= layers.count / 20, "\(alarms) of \(layers.count)")
  }

  /// Of a few examples some cut nearly always leaves two heaps: that says nothing.
  @Test(arguments: [4, 8, 12, 20]) func fewExamplesStandApartByChance(n: Int) throws {
    let layers = (0..<200).map { Activations64.normal(n: n, p: 1 + $0 % 3, seed: UInt64(900 + $0)) }
    let outcome = try outcome(layers)
    // 0.25 of 100 at 20 examples, of 200 layers 0.5; a Poisson number of that mean is above 4 once in 5,000 times.
    #expect(outcome.leftGroupShares.count { !$0.isNaN } <= 4)
  }

  /// Sparse layers, whose few examples make the interval too short, are told from normal ones.
  @Test func intervalsOfSparseLayersAreCalledShort() throws {
    let dense = Activations64.normal(n: 100, p: 20, seed: 41)
    var sparse = dense
    sparse.values = sparse.values.map { max($0 - 2.2, 0) }
    let outcome = try outcome([dense, sparse], [dense])
    let settings = Trust.PairSettings(permutations: 1, randomDrops: 1)
    let pairs = try (0..<2).map {
      try #require(try outcome.pair(row: $0, column: 0, settings: settings))
    }
    #expect(!pairs[0].isIntervalShort && pairs[0].evenness > 0.6)
    #expect(pairs[1].isIntervalShort)
  }

  @Test func requestsWithoutMeaningAreRefused() throws {
    let biased = try Comparison(model([Self.x]), estimator: .biased)
    #expect(throws: ComparisonError.self) { try Trust(biased) }
    let few = try Comparison(model([.normal(n: 3, p: 2, seed: 1)]), estimator: .unbiased)
    #expect(throws: ComparisonError.self) { try Trust(few) }
    let outcome = try outcome([Self.x])
    for (row, column) in [(-1, 0), (0, 1), (1, 0)] {
      #expect(throws: ComparisonError.self) { try outcome.pair(row: row, column: column) }
    }
    for settings in [
      Trust.PairSettings(permutations: -1), .init(permutations: .max), .init(randomDrops: -1),
      .init(dropFractions: [.nan]), .init(dropFractions: [2]), .init(dropFractions: [-0.1]),
    ] {
      #expect(throws: ComparisonError.self) {
        try outcome.pair(row: 0, column: 0, settings: settings)
      }
    }
    // A pairing of 40 examples for a model of 8.
    let eight = ActivationModel(
      name: "eight", layers: [Activations64.normal(n: 8, p: 2, seed: 1).layer("a")])
    let pairing = try ExamplePairing(model([Self.x]))
    #expect { try Comparison(eight, pairing: pairing) } throws: {
      ($0 as? ComparisonError)?.description == "eight has 8 examples: example 39 cannot be compared"
    }
    #expect(throws: ComparisonError.self) { try ExamplePairing(eight, limit: -1) }
    #expect(MinibatchPlan.permutation(of: -1, seed: 0, pass: 0).isEmpty)
  }

  @Test func undefinedLayersStayUndefined() throws {
    let constant = Activations64(n: Self.n, p: 3, values: Array(repeating: 2, count: 3 * Self.n))
    let outcome = try outcome([Self.x, constant])
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
    let work = try trust([Self.x], [Self.y])
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
