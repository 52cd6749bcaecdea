import Activations
import CKA
import Device
import Support

/// Uncertainty of a map of debiased CKA: null distribution, standard errors, and influential
/// examples.
///
/// All examples of the comparison are in memory at once: 2n(n−1) bytes a layer, twice while the control
/// is made, and 4n(n−1) bytes more of a layer that is made anew in float64: see `leastMemory(on:pair:)`.
public struct Uncertainty: Sendable {
  /// The most examples that `cka trust` takes where nobody says: the jackknife's matrices of more cost minutes.
  public static let usualExamples = 4096

  /// The layers and examples, estimated by `.unbiased`.
  public private(set) var comparison: Comparison
  /// What decides permutations and draws.
  public let seed: UInt64
  /// Random pairings of the whole map, of which the largest CKA each counts: that of index r follows
  /// `MinibatchPlan.permutation(of:seed:pass:)` for the pass r.
  public let permutations: Int

  /// Where each layer is permuted 99 times without a question: up to so many numbers of all of them.
  private static let numbersOfUsualPermutations = 1 << 23

  /// - Parameters:
  ///   - comparison: the layers, examples and kernel; its estimator is `.unbiased`.
  ///   - seed: of the random pairings.
  ///   - permutations: random pairings of the whole map; nil for 99, or none where the triangles of all layers of
  ///     the second model are of more than 2²³ numbers.
  /// - Throws: where the comparison's estimator is not `.unbiased`, or it has fewer than four examples.
  public init(
    _ comparison: Comparison, seed: UInt64 = 0, permutations: Int? = nil
  ) throws(ComparisonError) {
    guard comparison.estimator == .unbiased else {
      throw ComparisonError(
        "trust uses debiased CKA, not the estimator \(comparison.estimator.name)")
    }
    guard comparison.pairing.count >= 4 else {
      throw ComparisonError(
        "\(comparison.left.name) has \(comparison.pairing.count) examples; debiased CKA needs 4")
    }
    if let permutations, !(0...PairSettings.mostPermutations).contains(permutations) {
      throw ComparisonError("\(permutations) permutations: 0 to \(PairSettings.mostPermutations)")
    }
    self.comparison = comparison
    self.seed = seed
    let n = comparison.pairing.count
    let triangle = GramCentering.unbiased.packedCount(exampleCount: n)
    let (numbers, overflow) = (comparison.right ?? comparison.left).layers.count
      .multipliedReportingOverflow(by: triangle)
    let isShort = !overflow && numbers <= Self.numbersOfUsualPermutations
    self.permutations = permutations ?? (isShort ? 99 : 0)
  }

  /// Settings of the analysis of one pair of layers.
  public struct PairSettings: Sendable, Hashable {
    /// Random pairings of the permutation test.
    public var permutations: Int
    /// Shares of the examples that are dropped.
    public var dropFractions: [Double]
    /// How often as many are dropped at random.
    public var randomDrops: Int

    /// 999 permutations; 1, 2 and 5 % of the examples, against 20 random draws.
    public init(
      permutations: Int = 999, dropFractions: [Double] = [0.01, 0.02, 0.05], randomDrops: Int = 20
    ) {
      self.permutations = permutations
      self.dropFractions = dropFractions
      self.randomDrops = randomDrops
    }

    /// The most permutations, and the most random drops.
    public static let mostPermutations = 1_000_000

    fileprivate func check() throws(ComparisonError) {
      for count in [permutations, randomDrops]
      where !(0...Self.mostPermutations).contains(count) {
        throw ComparisonError("\(count) permutations: 0 to \(Self.mostPermutations)")
      }
      if let other = dropFractions.first(where: { !(0...1).contains($0) }) {
        throw ComparisonError("\(other) is no valid fraction of examples to drop: expected 0 to 1")
      }
    }
  }

  /// What is known of a whole map.
  public struct Outcome: Sendable {
    /// CKA, z and the statuses.
    public let similarity: Similarity
    /// The jackknife's standard error of each cell; NaN where there is none.
    public let standardErrors: Matrix<Double>
    /// The jackknife's bias of each cell; NaN where there is none.
    public let biases: Matrix<Double>
    /// Why each cell has a standard error and a bias, or none: where it has no CKA for that reason, else
    /// `PairUncertainty.jackknifeStatus`.
    public let jackknifeStatuses: Matrix<Status>
    /// CKA after the examples were paired at random, example i of the first model with that of the place
    /// `MinibatchPlan.permutation(of:seed:pass:)` for the pass −2 in the second; of one model, its layers
    /// with its own shuffled ones.
    public let control: Matrix<Double>
    /// Which cells stand out from chance.
    public let significance: MapSignificance
    /// For each layer the least share of the examples that holds half of ⟨A, A⟩; NaN without a value.
    public let leftHalfShares: [Double]
    /// The same of the second model.
    public let rightHalfShares: [Double]
    /// For each layer the share of the examples in the smaller of two groups that stand apart along its first
    /// direction; NaN where there are none such.
    public let leftGroupShares: [Double]
    /// The same of the second model.
    public let rightGroupShares: [Double]
    /// Who did the work.
    public let device: DeviceInfo

    private let left: UCenteredGrams
    private let right: UCenteredGrams
    private let seed: UInt64

    /// The pair of the layer `row` of the first model and `column` of the second; nil where it has no
    /// value.
    ///
    /// - Throws: where there is no such pair, or a setting has no meaning.
    public func pair(
      row: Int, column: Int, settings: PairSettings = .init()
    ) throws(ComparisonError) -> PairUncertainty? {
      try settings.check()
      guard left.layers.indices.contains(row), right.layers.indices.contains(column) else {
        throw ComparisonError("there is no pair of the layers \(row) and \(column)")
      }
      guard similarity.statuses[row, column] == .ok else { return nil }
      return PairUncertainty(left, row, right, column, settings: settings, seed: seed)
    }

    init(
      _ similarity: Similarity, control: Similarity, _ left: UCenteredGrams,
      _ right: UCenteredGrams, largest: [Double], device: DeviceInfo, seed: UInt64
    ) {
      self.similarity = similarity
      self.control = control.cka
      self.left = left
      self.right = right
      self.device = device
      self.seed = seed
      significance = MapSignificance(similarity, left, right, largest: largest)
      let map = JackknifeMap(left, right, cka: similarity.cka)
      standardErrors = map.standardErrors
      biases = map.biases
      var statuses = similarity.statuses
      for i in map.leftStatuses.indices {
        for j in map.rightStatuses.indices where statuses[i, j] == .ok {
          statuses[i, j] = .ofCell(map.leftStatuses[i], map.rightStatuses[j])
        }
      }
      jackknifeStatuses = statuses
      func shares(_ weights: Matrix<Double>, _ statuses: [Status]) -> [Double] {
        statuses.indices.map { layer in
          let start = layer * weights.columns
          return statuses[layer] == .ok
            ? halfShare(Array(weights.elements[start..<(start + weights.columns)])) : .nan
        }
      }
      leftHalfShares = shares(map.leftWeights, similarity.leftStatuses)
      rightHalfShares = shares(map.rightWeights, similarity.rightStatuses)
      let layerCount = left.layers.count + (left === right ? 0 : right.layers.count)
      left.meter?.begin(Double(layerCount), as: "groups of examples", isEven: false)
      defer { left.meter?.end() }
      func groupShares(_ grams: UCenteredGrams, _ statuses: [Status]) -> [Double] {
        concurrentMap(0..<statuses.count) { layer in
          defer { grams.meter?.add(1) }
          guard statuses[layer] == .ok else { return .nan }
          let groups = grams.groups(ofLayer: layer)
          return groups.standApart
            ? Double(groups.smaller.count) / Double(grams.exampleCount) : .nan
        }
      }
      leftGroupShares = groupShares(left, similarity.leftStatuses)
      rightGroupShares =
        left === right ? leftGroupShares : groupShares(right, similarity.rightStatuses)
    }
  }

  /// A layer of which this share of the examples, or less, holds half of ⟨A, A⟩ is carried by few.
  public static let fewExamples = 0.05

  /// Does the work on the first device of the team; where it fails, the next begins anew.
  ///
  /// Memory above `leastMemory(on:pair:)` keeps matrices of layers of which float32 leaves too little in float64.
  /// Those beyond it have no standard error where one example holds nearly all of them (`lowPrecision`).
  ///
  /// - Throws: the last device's error, the first that says that activations are unreadable or the work was
  ///   cancelled, or one of the kind `.outOfMemory` where the team's memory is less than the map takes.
  public func run(on team: DeviceTeam) throws(DeviceError) -> Outcome {
    var trust = self
    trust.comparison.meter = team.meter
    do throws(DeviceTeam.MemoryShortage) {
      try team.checkMemory { leastMemory(on: $0, pair: false) }
    } catch {
      throw DeviceError(error, call: "trust")
    }
    return try team.withPackedDevice { (device) throws(DeviceError) in
      try trust.outcome(on: device, of: team)
    }
  }

  private func outcome(
    on device: some PackedDevice, of team: DeviceTeam
  ) throws(DeviceError) -> Outcome {
    let n = comparison.pairing.count
    let batch = comparison.minibatches(Array(0..<n))
    comparison.meter?.begin(flops, as: "Gram matrices")
    defer { comparison.meter?.end() }
    let left = try grams(of: batch.left, on: device)
    let right: UCenteredGrams? =
      if let right = batch.right { try grams(of: right, on: device) } else { nil }
    try team.checkCancellation()
    var sums = try sums(left, right, on: device)
    // What float32 leaves too little of, of all examples or without one, is made anew in float64.
    let doubtful = layersForFloat64(sums, sums.left, left)
    let others = right.map { layersForFloat64(sums, sums.right, $0) } ?? []
    if !(doubtful.isEmpty && others.isEmpty) {
      try team.checkCancellation()
      let room = team.memory - leastMemory(on: device.info, pair: true)
      try left.makeAnew(doubtful, of: batch.left, kernel: comparison.kernel, memory: room)
      if let right, let minibatch = batch.right {
        try right.makeAnew(
          others, of: minibatch, kernel: comparison.kernel, memory: room - left.float64Bytes)
      }
      sums = try self.sums(left, right, on: device)
    }
    let similarity = Similarity(sums, centering: .unbiased)

    try team.checkCancellation()
    let leftStack = try device.gramStack(of: left.packed)
    let reordered = UCenteredGrams(like: right ?? left)
    /// The map of the random pairing of a pass.
    func paired(pass: Int) throws(DeviceError) -> Similarity {
      let order = MinibatchPlan.permutation(of: n, seed: seed, pass: pass)
      reordered.take(right ?? left, in: order)
      let shuffled = try device.gramStack(of: reordered.packed)
      return Similarity(
        try comparison.sums(leftStack, shuffled, of: n, on: device), centering: .unbiased)
    }
    let control = try paired(pass: -2)
    let largest = try largest(of: paired, isOfOneModel: right == nil, team)
    return Outcome(
      similarity, control: control, left, right ?? left, largest: largest, device: device.info,
      seed: seed)
  }

  /// The largest CKA of different layers of each random pairing.
  private func largest(
    of paired: (_ pass: Int) throws(DeviceError) -> Similarity, isOfOneModel: Bool,
    _ team: DeviceTeam
  ) throws(DeviceError) -> [Double] {
    guard permutations > 0 else { return [] }
    comparison.meter?.begin(Double(permutations), as: "random pairings of the map", isEven: true)
    defer { comparison.meter?.end() }
    var largest: [Double] = []
    for index in 0..<permutations {
      try team.checkCancellation()
      largest.append(
        MapSignificance.largest(of: try paired(index).cka, isOfOneModel: isOfOneModel))
      comparison.meter?.reach(index + 1)
    }
    return largest
  }

  /// What the team's meter will hear of the map and its control.
  private var flops: Double {
    let work = FullBatchWork(comparison)
    let rows = work.left.count
    return FullBatchCost(atOnce: work).flops
      + work.pairFlops(pairs: work.pairsOfGrams(rows, work.right?.count ?? rows))
  }

  private func layersForFloat64(
    _ sums: HSICSums, _ layers: [HSICSums.Layer], _ grams: UCenteredGrams
  ) -> [Int] {
    let withoutRest = JackknifeMap.Side(grams).layersWithoutRest.filter {
      sums.status(of: layers[$0]) == .ok
    }
    return Set(sums.doubtful(layers, comparison.kernel)).union(withoutRest).sorted()
  }

  private func grams(of minibatch: Minibatch, on device: some PackedDevice) throws(DeviceError)
    -> UCenteredGrams
  {
    let stack = try device.gramStack(of: minibatch, kernel: comparison.kernel, centering: .unbiased)
    return try UCenteredGrams(
      stack, exampleCount: minibatch.exampleCount, on: device, meter: minibatch.meter)
  }

  private func sums(
    _ left: UCenteredGrams, _ right: UCenteredGrams?, on device: some PackedDevice
  ) throws(DeviceError) -> HSICSums {
    let leftStack = try device.gramStack(of: left.packed)
    let rightStack =
      try right.map { (right) throws(DeviceError) in try device.gramStack(of: right.packed) }
    return try comparison.sums(leftStack, rightStack, of: left.exampleCount, on: device)
  }
}

/// The least share of `weights` that adds up to half of their sum.
func halfShare(_ weights: [Double]) -> Double {
  let half = weights.reduce(0, +) / 2
  var sum = 0.0
  let count = weights.sorted(by: >).prefix { weight in
    defer { sum += weight }
    return sum < half
  }.count
  return Double(count) / Double(weights.count)
}
