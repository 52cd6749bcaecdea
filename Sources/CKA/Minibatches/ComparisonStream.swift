import Activations
import Device

/// A comparison of minibatches that arrive one after another, such as those of a network that runs. Nothing of a
/// minibatch is kept but its sums.
public struct ComparisonStream: Sendable {
  /// What fills the Gram matrices.
  public let kernel: GramKernel
  /// The names of the layers of the first model; none before the first minibatch.
  public private(set) var rowNames: [String] = []
  /// The names of the layers of the second model, or of the first where there is no second.
  public private(set) var columnNames: [String] = []
  /// Minibatches so far.
  public private(set) var count = 0
  private var isOfTwoModels = false
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
    try check(left.layers.map(\.name), right.map { $0.layers.map(\.name) })
    let comparison = try Comparison(left, right, estimator: .unbiased, kernel: kernel)
    let n = comparison.pairing.count
    let layers = left.layers.count + (right?.layers.count ?? 0)
    try MinibatchGrams.check(n, "minibatch \(count)", layers: layers, on: team)
    var timings = Comparison.Timings()
    let new = try team.withDevice { (device) throws(DeviceError) in
      try comparison.sums(of: Array(0..<n), on: device, timings: &timings)
    }
    add(new, left.layers.map(\.name), right.map { $0.layers.map(\.name) })
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
    try check(left.names, right?.names)
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
      try left.sums(with: right, on: device)
    }
    add(new, left.names, right?.names)
  }

  private func check(_ left: [String], _ right: [String]?) throws(ComparisonError) {
    let (found, expected) = (left + (right ?? left), rowNames + columnNames)
    guard count == 0 || found == expected && isOfTwoModels == (right != nil) else {
      throw ComparisonError("minibatch \(count) has \(Self.difference(found, expected))")
    }
    guard !left.isEmpty, right?.isEmpty != true else {
      throw ComparisonError("minibatch \(count) has no layer")
    }
  }

  private mutating func add(_ new: HSICSums, _ left: [String], _ right: [String]?) {
    if sums?.merge(new) == nil { sums = new }
    (rowNames, columnNames, isOfTwoModels) = (left, right ?? left, right != nil)
    count += 1
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
