import Activations
import Device

/// What is known of a layer whose minibatches arrive one after another, beside its matrices.
public struct StreamedLayer: Sendable, Hashable {
  /// What the model calls the layer.
  public let name: String
  /// The lengths of the axes of one example's features, in the first minibatch.
  public let featureAxes: [Int]
  /// The type of the numbers.
  public let scalarType: ScalarType
  /// p after pooling.
  public let featureCount: Int

  init(_ layer: LayerActivations) {
    name = layer.name
    featureAxes = layer.shape.featureAxes
    scalarType = layer.scalarType
    featureCount = layer.featureCount
  }

  init(_ gram: PrecomputedGram) {
    name = gram.name
    featureAxes = [gram.featureCount]
    scalarType = .float32
    featureCount = gram.featureCount
  }
}

/// A comparison of minibatches that arrive one after another, such as those of a network that runs. Nothing of a
/// minibatch is kept but its sums.
public struct ComparisonStream: Sendable {
  /// What fills the Gram matrices.
  public let kernel: GramKernel
  /// The layers of the first model; none before the first minibatch.
  public private(set) var left: [StreamedLayer] = []
  /// The layers of the second model; nil where the first is compared with itself.
  public private(set) var right: [StreamedLayer]?
  /// Minibatches so far.
  public private(set) var count = 0
  /// Examples of all minibatches so far.
  public private(set) var exampleCount = 0
  /// The most, and the fewest, examples of a minibatch; nil before the first.
  public private(set) var batchSizes: ClosedRange<Int>?
  /// The devices that made the products, in the order in which they began.
  public private(set) var work: [DeviceShare] = []
  private var sums: HSICSums?

  /// Nothing has arrived.
  public init(kernel: GramKernel = .linear) { self.kernel = kernel }

  /// Adds a minibatch: all examples of the models.
  ///
  /// - Parameters:
  ///   - left: the layers of the first model, the same for every minibatch.
  ///   - right: those of the second, of the same examples; nil compares the first with itself.
  ///   - team: does the work.
  /// - Throws: `ComparisonError` where the layers are not those of the minibatches before, the models hold different
  ///   examples, or there are other than 4 to 65,535; the error of the last device.
  public mutating func add(
    _ left: any ActivationSource, _ right: (any ActivationSource)? = nil, on team: DeviceTeam
  ) throws {
    let layers = left.layers.map { StreamedLayer($0) }
    let others = right.map { $0.layers.map { StreamedLayer($0) } }
    try check(layers, others)
    let comparison = try Comparison(left, right, estimator: .unbiased, kernel: kernel)
    let n = comparison.pairing.count
    try MinibatchGrams.check(
      n, "minibatch \(count)", layers: layers.count + (others?.count ?? 0), on: team)
    var timings = Comparison.Timings()
    let new = try team.withDevice { (device) throws(DeviceError) in
      (device.info, try comparison.sums(of: Array(0..<n), on: device, timings: &timings))
    }
    add(new, of: n, layers, others)
  }

  /// Adds a minibatch whose matrices are there.
  ///
  /// - Parameters:
  ///   - left: of the first model, the same layers for every minibatch.
  ///   - right: of the second, of the same examples; nil compares the first with itself.
  ///   - team: does the work.
  /// - Throws: as `add(_:_:on:)` of models; `ComparisonError` where matrices are of another kernel.
  public mutating func add(
    _ left: MinibatchGrams, _ right: MinibatchGrams? = nil, on team: DeviceTeam
  ) throws {
    try check(left.layers, right?.layers)
    for grams in [left, right ?? left] {
      guard grams.kernel == kernel else {
        throw ComparisonError("minibatch \(count) has matrices of another kernel")
      }
      guard grams.exampleCount == left.exampleCount else {
        throw ComparisonError(
          "minibatch \(count) has \(left.exampleCount) and \(grams.exampleCount) examples")
      }
    }
    let new = try team.withPackedDevice { (device) throws(DeviceError) in
      (device.info, try left.sums(with: right, on: device))
    }
    add(new, of: left.exampleCount, left.layers, right?.layers)
  }

  private func check(
    _ left: [StreamedLayer], _ right: [StreamedLayer]?
  ) throws(ComparisonError) {
    let found = (left + (right ?? left)).map(\.name)
    let expected = (self.left + (self.right ?? self.left)).map(\.name)
    guard count == 0 || found == expected && (self.right == nil) == (right == nil) else {
      throw ComparisonError("minibatch \(count) has \(Self.difference(found, expected))")
    }
    guard !left.isEmpty, right?.isEmpty != true else {
      throw ComparisonError("minibatch \(count) has no layer")
    }
  }

  private mutating func add(
    _ new: (device: DeviceInfo, sums: HSICSums), of n: Int, _ left: [StreamedLayer],
    _ right: [StreamedLayer]?
  ) {
    if sums?.merge(new.sums) == nil { sums = new.sums }
    if count == 0 { (self.left, self.right) = (left, right) }
    count += 1
    exampleCount += n
    batchSizes = min(batchSizes?.lowerBound ?? n, n)...max(batchSizes?.upperBound ?? n, n)
    let place = work.firstIndex { $0.device.id == new.device.id }
    let share = DeviceShare(
      device: new.device, minibatches: 1 + (place.map { work[$0].minibatches } ?? 0),
      hasFailed: false)
    if let place { work[place] = share } else { work.append(share) }
  }

  /// Minibatch CKA of what has arrived: ratios of HSIC₁, summed over minibatches; nil before the first.
  public var similarity: Similarity? { sums.map { Similarity($0, centering: .unbiased) } }

  private static func difference(_ found: [String], _ expected: [String]) -> String {
    guard found.count == expected.count else {
      return "\(found.count) layers, expected \(expected.count) as before"
    }
    let pair = zip(found, expected).first { $0 != $1 }
    return pair.map { "the layer \($0), expected \($1) as before" }
      ?? "another number of models than before"
  }
}
