import Activations
import Analyses
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Groups of examples that stand apart.
@Suite struct UncertaintyGroupTests {
  /// Davari et al. 2023: a subset that is moved far away makes CKA its own.
  @Test func movedSubsetsAreFound() throws {
    let n = 100
    let x = Activations64.normal(n: n, p: 20, seed: 8)
    var moved = x.mixed(into: .normal(n: n, p: 20, seed: 9), weight: 3)
    let plain = moved
    for i in 0..<4 { for k in 0..<20 { moved.values[i * 20 + k] += 200 } }
    let outcome = try UncertaintySamples.outcome([x], [plain, moved])
    #expect(outcome.leftHalfShares[0] > 0.2 && outcome.rightHalfShares[0] > 0.2)
    #expect(outcome.rightHalfShares[1] <= Uncertainty.fewExamples)
    let settings = Uncertainty.PairSettings(permutations: 9)
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
    let outcome = try UncertaintySamples.outcome([x, layer(1, isMoved: false)], [y])
    #expect(outcome.similarity.cka[0, 0] > 0.9)
    #expect(abs(outcome.leftGroupShares[0] - share) < 1e-12)
    #expect(abs(outcome.rightGroupShares[0] - share) < 1e-12)
    #expect(outcome.leftGroupShares[1].isNaN)
    let settings = Uncertainty.PairSettings(permutations: 1, randomDrops: 1)
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
    let outcome = try UncertaintySamples.outcome(layers)
    let alarms = outcome.leftGroupShares.count { !$0.isNaN }
    // An exponential of one feature may hold one example that is far from all others.
    #expect(alarms <= layers.count / 20, "\(alarms) of \(layers.count)")
  }

  /// Of a few examples some cut nearly always leaves two heaps: that says nothing.
  @Test(arguments: [4, 8, 12, 20]) func fewExamplesStandApartByChance(n: Int) throws {
    let layers = (0..<200).map { Activations64.normal(n: n, p: 1 + $0 % 3, seed: UInt64(900 + $0)) }
    let outcome = try UncertaintySamples.outcome(layers)
    // 0.25 of 100 at 20 examples, of 200 layers 0.5; a Poisson number of that mean is above 4 once in 5,000 times.
    #expect(outcome.leftGroupShares.count { !$0.isNaN } <= 4)
  }
}
