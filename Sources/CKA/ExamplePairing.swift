import Activations

/// Which examples of two models are compared, and which of them are the same.
public struct ExamplePairing: Sendable, Hashable {
  /// The examples of the first model, ascending.
  public let left: [Int]
  /// For each of them the same example of the second model; without one, `left` again.
  public let right: [Int]
  /// Examples of the first model, ascending, that were taken out for NaN or infinity; nil where none was looked
  /// for.
  public let dropped: [Int]?

  /// How many examples are compared.
  public var count: Int { left.count }

  /// How the examples of two models find each other.
  public enum Alignment: String, Sendable, Hashable, CaseIterable {
    /// Both hold them in the same order. Where both have sample IDs, these must say so, too.
    case order
    /// By their sample IDs, in whatever order each model holds them.
    case ids
  }

  /// Pairs the examples of `left` with those of `right`.
  ///
  /// - Parameters:
  ///   - left: the first model.
  ///   - right: the second; nil pairs the first with itself.
  ///   - alignment: how the examples find each other.
  ///   - limit: the most examples to take. They are the first of `MinibatchPlan.permutation(of:seed:pass:)`
  ///     for the pass −1, in the order of the first model: the same whatever the models are.
  ///   - seed: what decides them.
  /// - Throws: where the models do not hold the same examples, in words that name the first difference, or
  ///   `limit` is negative.
  public init(
    _ left: any ActivationSource, _ right: (any ActivationSource)? = nil,
    alignment: Alignment = .order, limit: Int? = nil, seed: UInt64 = 0
  ) throws(ComparisonError) {
    if let limit, limit < 0 {
      throw ComparisonError(
        "the limit is \(limit) examples; it must be at least 0")
    }
    try left.checkExamples()
    try right?.checkExamples()
    // For each example of the first model the one of the second, where these are not the same numbers.
    var places: [Int]?
    if let right {
      switch alignment {
      case .order: try Self.checkOrder(left, right)
      case .ids: places = try Self.byID(left, right)
      }
    }
    let count = left.exampleCount
    let chosen =
      if let limit, limit < count {
        MinibatchPlan.permutation(of: count, seed: seed, pass: -1, first: limit).sorted()
      } else { Array(0..<count) }
    self.left = chosen
    self.right = places.map { places in chosen.map { places[$0] } } ?? chosen
    dropped = nil
  }

  init(left: [Int], right: [Int], dropped: [Int]?) {
    (self.left, self.right, self.dropped) = (left, right, dropped)
  }

  /// Throws where the models do not hold these examples: where it was made for others.
  package func check(
    _ left: any ActivationSource, _ right: (any ActivationSource)?
  ) throws(ComparisonError) {
    for (model, places) in [(left, self.left), (right ?? left, self.right)] {
      try model.checkExamples()
      guard let last = places.max(), last >= model.exampleCount else { continue }
      throw ComparisonError(
        "\(model.name) has \(model.exampleCount) examples: example \(last) cannot be compared")
    }
  }

  /// The pairs at some places, which ascend.
  package func only(_ places: [Int]) -> ExamplePairing {
    ExamplePairing(
      left: places.map { left[$0] }, right: places.map { right[$0] }, dropped: dropped)
  }

  /// The pairs without these examples of the first model.
  public func without(_ examples: [Int]) -> ExamplePairing {
    let bad = Set(examples)
    let places = left.indices.filter { !bad.contains(left[$0]) }
    return ExamplePairing(
      left: places.map { left[$0] }, right: places.map { right[$0] }, dropped: examples)
  }

  private static func checkOrder(
    _ left: any ActivationSource, _ right: any ActivationSource
  ) throws(ComparisonError) {
    guard left.exampleCount == right.exampleCount else {
      throw ComparisonError(
        "\(right.name) has \(right.exampleCount) examples and \(left.name) \(left.exampleCount): "
          + "both must have the same examples in the same order")
    }
    guard let ids = left.exampleIDs, let others = right.exampleIDs,
      let first = ids.indices.first(where: { !ids[$0].isSameName(as: others[$0]) })
    else { return }
    let remedy =
      Set(ids.map(\.nameBytes)) == Set(others.map(\.nameBytes))
      ? "the same IDs in another order: align by ID to reorder them" : "different"
    throw ComparisonError(
      "example \(first) is \"\(others[first])\" in \(right.name) and \"\(ids[first])\" in "
        + "\(left.name): both must have the same examples in the same order, and these are "
        + "\(remedy)"
    )
  }

  private static func byID(
    _ left: any ActivationSource, _ right: any ActivationSource
  ) throws(ComparisonError) -> [Int] {
    func ids(_ model: any ActivationSource) throws(ComparisonError) -> [String] {
      guard let ids = model.exampleIDs else {
        throw ComparisonError("\(model.name) has no sample IDs: its examples cannot be aligned")
      }
      var seen: Set<[UInt8]> = []
      if let twice = ids.first(where: { !seen.insert($0.nameBytes).inserted }) {
        throw ComparisonError("\(model.name) has the sample ID \"\(twice)\" twice")
      }
      return ids
    }
    let (own, others) = (try ids(left), try ids(right))
    let places = Dictionary(uniqueKeysWithValues: others.enumerated().map { ($1.nameBytes, $0) })
    var result: [Int] = []
    for id in own {
      guard let place = places[id.nameBytes] else {
        throw ComparisonError(
          "\(right.name) lacks the example \"\(id)\" of \(left.name): both must have the same examples"
        )
      }
      result.append(place)
    }
    guard own.count == others.count else {
      let known = Set(own.map(\.nameBytes))
      let extra = others.first { !known.contains($0.nameBytes) } ?? ""
      throw ComparisonError(
        "\(left.name) lacks the example \"\(extra)\" of \(right.name): both must have the same examples"
      )
    }
    return result
  }
}

extension ActivationSource {
  /// Throws where layers, or sample IDs, are not of the same number of examples.
  package func checkExamples() throws(ComparisonError) {
    guard let first = layers.first else { return }
    if let other = layers.first(where: { $0.shape.exampleCount != exampleCount }) {
      throw ComparisonError(
        "\(name) has \(exampleCount) examples in layer \(first.name) and "
          + "\(other.shape.exampleCount) in layer \(other.name): all layers must have the same")
    }
    if let exampleIDs, exampleIDs.count != exampleCount {
      throw ComparisonError(
        "\(name) has \(exampleIDs.count) sample IDs for \(exampleCount) examples: there must be one each"
      )
    }
  }
}
