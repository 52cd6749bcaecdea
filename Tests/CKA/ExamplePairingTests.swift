import Activations
import BLASDevice
import TestSupport
import Testing

@testable import CKA

@Suite struct ExamplePairingTests {
  private static func model(
    _ name: String, _ layer: Activations64, ids: [String]? = nil
  ) -> ActivationModel {
    ActivationModel(name: name, layers: [layer.layer("x")], exampleIDs: ids)
  }

  private static let x = Activations64.normal(n: 40, p: 6, seed: 1)
  private static let y = x.mixed(into: .normal(n: 40, p: 9, seed: 2), weight: 0.5)
  private static let ids = (0..<40).map { "image\($0)" }
  /// Row k of the shuffled model is example `order[k]`.
  private static let order = MinibatchPlan.permutation(of: 40, seed: 3, pass: 0)

  @Test func alignedExamplesGiveTheBitsOfOrderedOnes() throws {
    let left = Self.model("left", Self.x, ids: Self.ids)
    let right = Self.model("right", Self.y, ids: Self.ids)
    let shuffled = Self.model(
      "shuffled", Self.y.rows(Self.order), ids: Self.order.map { Self.ids[$0] })
    let device = BLASDevice()
    for estimator in [Estimator.minibatch(.init(size: 8)), .unbiased] {
      let wanted = try Comparison(left, right, estimator: estimator).run(on: [device])
      let pairing = try ExamplePairing(left, shuffled, alignment: .ids)
      let found = try Comparison(left, shuffled, pairing: pairing, estimator: estimator)
        .run(on: [device])
      #expect(found.similarity.cka.elements == wanted.similarity.cka.elements)
    }
  }

  @Test func anotherOrderIsNamedByItsFirstDifference() throws {
    let left = Self.model("left", Self.x, ids: Self.ids)
    var swapped = Self.ids
    swapped.swapAt(7, 9)
    let right = Self.model("right", Self.y, ids: swapped)
    let error = #expect(throws: ComparisonError.self) { try ExamplePairing(left, right) }
    #expect(error?.description.contains("example 7 is \"image9\" in right") ?? false)
    #expect(error?.description.contains("align by ID") ?? false)
  }

  @Test(
    arguments: [
      (nil, "right has no sample IDs"), (["a", "b"], "right lacks the example \"c\" of left"),
      (["c", "a", "d", "b"], "left lacks the example \"d\" of right"),
      (["c", "a", "a"], "right has the sample ID \"a\" twice"),
    ] as [([String]?, String)])
  func idsMustBeTheSame(others: [String]?, message: String) throws {
    let left = Self.model("left", .normal(n: 3, p: 2, seed: 1), ids: ["a", "b", "c"])
    let right = Self.model("right", .normal(n: others?.count ?? 3, p: 2, seed: 2), ids: others)
    let error = #expect(throws: ComparisonError.self) {
      try ExamplePairing(left, right, alignment: .ids)
    }
    #expect(error?.description.contains(message) ?? false)
  }

  @Test func sampleIDsAreAsManyAsExamples() {
    let layer = Activations64.normal(n: 8, p: 3, seed: 8)
    let few = Self.model("m", layer, ids: ["0", "1"])
    let other = Self.model("o", layer, ids: (0..<8).map(String.init))
    for (left, right) in [(few, other), (other, few)] {
      let error = #expect(throws: ComparisonError.self) { try Comparison(left, right) }
      #expect(error?.description.contains("m has 2 sample IDs for 8 examples") == true)
    }
  }

  @Test func aLimitDrawsTheSameExamplesOfEveryModel() throws {
    let left = Self.model("left", Self.x, ids: Self.ids)
    let shuffled = Self.model(
      "shuffled", Self.y.rows(Self.order), ids: Self.order.map { Self.ids[$0] })
    let alone = try ExamplePairing(left, limit: 12, seed: 5)
    let both = try ExamplePairing(left, shuffled, alignment: .ids, limit: 12, seed: 5)
    #expect(alone.left.count == 12 && Set(alone.left).count == 12)
    #expect(alone.left == alone.left.sorted() && alone.right == alone.left)
    #expect(both.left == alone.left)
    #expect(both.right.map { Self.order[$0] } == both.left)
    #expect(try ExamplePairing(left, limit: 12, seed: 6).left != alone.left)
    #expect(try ExamplePairing(left, limit: 99).count == 40)
  }

  @Test func aLimitGivesTheScoresOfThoseExamplesAlone() throws {
    let left = Self.model("left", Self.x)
    let right = Self.model("right", Self.y)
    let pairing = try ExamplePairing(left, right, limit: 20, seed: 5)
    let found = try Comparison(left, right, pairing: pairing, estimator: .unbiased)
      .run(on: [BLASDevice()])
    // Twenty examples of a few features in float32: rounding is some 1e-7.
    #expect(
      abs(
        found.similarity.cka[0, 0]
          - Oracle.cka(Self.x, Self.y, unbiased: true, batches: [pairing.left])) < 1e-6)
  }

  /// IDs that look the same but are written otherwise are others, as files have them.
  @Test func idsAreComparedByTheirBytes() throws {
    let layer = Activations64.normal(n: 2, p: 2, seed: 1)
    let names = ["\u{E9}", "e\u{301}"]
    let left = Self.model("left", layer, ids: names)
    let right = Self.model("right", layer, ids: names.reversed())
    #expect(try ExamplePairing(left, right, alignment: .ids).right == [1, 0])
    #expect(throws: ComparisonError.self) { try ExamplePairing(left, right) }
  }

  /// The first places of a permutation, of which lists of all examples were once made.
  @Test(arguments: [0, 1, 2, 3, 17, 1000, 40_000]) func fewExamplesAreThoseOfTheWholeOrder(
    count: Int
  ) {
    for seed in [0, 1, 99] as [UInt64] {
      let whole = MinibatchPlan.permutation(of: count, seed: seed, pass: -1)
      for few in [0, 1, 2, 5, count / 2, count, count + 3] {
        let found = MinibatchPlan.permutation(of: count, seed: seed, pass: -1, first: few)
        #expect(found == Array(whole.prefix(few)))
      }
    }
  }

  /// Numbers that Lemire's method refuses are drawn again: of bounds near 2⁶⁴ every second one is, of any that
  /// examples have next to none.
  @Test func refusedNumbersAreCountedAndUndone() {
    var generator = SplitMix64(seed: 5)
    let bound: UInt64 = 1 << 63 + 1
    var refused = 0
    for _ in 0..<100 {
      var before = generator
      let drawn = generator.draw(below: bound)
      var back = generator
      for _ in 0...drawn.refused { back.goBack() }
      #expect(drawn.number < bound && back.next() == before.next())
      refused += drawn.refused
    }
    #expect((50...200).contains(refused))
  }
}
