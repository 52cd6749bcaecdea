import CKA

/// What is known of the similarity of one pair of layers.
public struct PairUncertainty: Sendable {
  /// Debiased CKA.
  public let value: Double
  /// Its bias and its standard error; nil where a layer has no value without some one example.
  public let jackknife: Jackknife?
  /// Why there is a jackknife, or none: `.tooFewExamples` of four, `.lowPrecision` where nothing but
  /// rounding is left of a layer without some one example.
  public let jackknifeStatus: Status
  /// How many null standard deviations CKA lies above 0: see `Similarity.z`.
  public let z: Double
  /// How random pairings of the examples compare.
  public let permutation: PermutationTest
  /// cₖ/√(⟨A, A⟩⟨B, B⟩) of every example k with cₖ = Σⱼ A_kj·B_kj: what it adds to CKA. They add up to CKA.
  public let contributions: [Double]
  /// The larger of the shares that an example has in its two layers' own ⟨A, A⟩ and ⟨B, B⟩. No
  /// contribution is larger in magnitude (Cauchy and Schwarz).
  public let weights: [Double]
  /// How CKA moves as the examples that carry most are dropped.
  public let drops: DropCurve
  /// What is left of CKA within two groups of the examples that stand apart in one of the layers, where there
  /// are such groups: of the layer whose groups move CKA more.
  public let groups: Uncertainty.Groups?

  /// The examples from the one that contributes most to the one that contributes least.
  public var byContribution: [Int] { descendingOrder(of: contributions) }

  /// p ≤ 1/(1 + z²), Cantelli's bound.
  public var significance: Double { z > 0 ? 1 / (1 + z * z) : 1 }

  /// Whether few examples decide the value: dropping the heaviest of any fraction of the curve moves CKA
  /// by more than 0.1, and farther than any random drop of as many. Where no random drop leaves a value either, it
  /// is not the heaviest that decide.
  public var isCarriedByFew: Bool {
    drops.points.contains { point in
      let moves = [point.withoutContributors, point.withoutHeaviest].map {
        $0.isNaN ? .infinity : abs($0 - value)
      }
      let random = point.withoutRandom.filter { !$0.isNaN }.map { abs($0 - value) }.max()
      guard let random = point.withoutRandom.isEmpty ? 0 : random else { return false }
      return moves.contains { $0 > max(0.1, random) }
    }
  }

  /// Σw of all examples, squared, over n·Σw²: 1 where all weigh the same.
  public var evenness: Double {
    let sum = weights.reduce(0, +)
    return sum * sum / (Double(weights.count) * weights.reduce(0) { $0 + $1 * $1 })
  }

  /// Whether the jackknife's interval is too short, as few examples make it: see `Uncertainty.leastEvenness`.
  public var isIntervalShort: Bool { evenness < Uncertainty.leastEvenness }

  /// Whether two groups of examples that stand apart decide the value: within them CKA is another by more
  /// than 0.1, or there is none.
  public var isCarriedByGroups: Bool {
    groups.map { $0.within.isNaN || abs($0.within - value) > 0.1 } ?? false
  }

  /// The pair of the layer `i` of `left` and `j` of `right`.
  init(
    _ left: UCenteredGrams, _ i: Int, _ right: UCenteredGrams, _ j: Int,
    settings: Uncertainty.PairSettings,
    seed: UInt64
  ) {
    let n = left.exampleCount
    let grams = SquareGrams(
      left: left.square(ofLayer: i), right: right.square(ofLayer: j), exampleCount: n,
      roundings: (left.rounding(ofLayer: i), right.rounding(ofLayer: j)))
    let examples = (0..<n).map { grams.products(ofExample: $0) }
    let all = PairProducts(
      cross: examples.reduce(0) { $0 + $1.cross }, left: examples.reduce(0) { $0 + $1.left },
      right: examples.reduce(0) { $0 + $1.right })
    let norm = (all.left * all.right).squareRoot()
    contributions = examples.map { $0.cross / norm }
    weights = examples.map { max($0.left / all.left, $0.right / all.right) }
    let value = all.cosine
    self.value = value
    var heavy: [Int: PairProducts] = [:]
    for (k, example) in examples.enumerated() {
      if RemainingNorm.isHeavy(example.left, total: all.left, exampleCount: n)
        || RemainingNorm.isHeavy(example.right, total: all.right, exampleCount: n)
      {
        heavy[k] = grams.products(keeping: (0..<n).filter { $0 != k })
      }
    }
    jackknifeStatus = .ofCell(
      RemainingNorm.statusOfLeavingOneOut(
        weights: examples.map(\.left), total: all.left, rounding: grams.roundings.left,
        heavy: heavy.mapValues(\.left)),
      RemainingNorm.statusOfLeavingOneOut(
        weights: examples.map(\.right), total: all.right, rounding: grams.roundings.right,
        heavy: heavy.mapValues(\.right)))
    jackknife =
      jackknifeStatus == .ok
      ? Jackknife(
        value: value,
        leavingOneOut: examples.enumerated().map { k, example in
          (heavy[k] ?? all.without(example, of: n)).cosine
        }) : nil
    z = value * (Double(n) * Double(n - 3) / 2).squareRoot()
    let pairings =
      settings.permutations == 0
      ? []
      : PairingGrid(grams, count: settings.permutations, seed: seed).products(meter: left.meter)
    permutation = PermutationTest(value: value, among: pairings.map { $0 / norm })
    let found = [left.groups(ofLayer: i), right.groups(ofLayer: j)].enumerated().filter {
      $0.element.standApart
    }.map { place, groups in
      Uncertainty.Groups(
        isOfSecondLayer: place == 1, smaller: groups.smaller, separation: groups.separation,
        within: grams.similarity(within: [groups.smaller, groups.larger]))
    }
    func move(_ groups: Uncertainty.Groups) -> Double {
      groups.within.isNaN ? .infinity : abs(groups.within - value)
    }
    self.groups = found.max { move($0) < move($1) }
    drops = DropCurve(
      grams, contributions: contributions, weights: weights, fractions: settings.dropFractions,
      draws: settings.randomDrops, seed: seed, meter: left.meter)
  }
}
