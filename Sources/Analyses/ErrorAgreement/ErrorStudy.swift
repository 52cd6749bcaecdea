import CKA

/// Networks of two kinds and what each of them got right: where their errors differ.
///
/// Analyses of Nguyen, Raghu & Kornblith 2021, section 6, are properties and methods of it. Networks
/// within a group are taken for independent draws, such as training runs from different seeds.
public struct ErrorStudy: Sendable {
  /// Networks of one kind.
  public struct Group: Sendable {
    /// What it is called in results.
    public let name: String
    /// Two or more.
    public let networks: [Predictions]

    /// See the properties.
    public init(name: String, networks: [Predictions]) {
      self.name = name
      self.networks = networks
    }
  }

  /// A: what is compared with `second`.
  public let first: Group
  /// B.
  public let second: Group
  /// The true class of each example, counted from 0.
  public let labels: [Int32]
  /// C.
  public let classCount: Int
  /// Which networks got which examples right, those of `first` before those of `second`.
  let correct: CorrectPredictions

  /// Checks that all networks predict the same examples and classes.
  ///
  /// - Throws: where a group has fewer than two networks, lengths differ, a network has no probability
  ///   for a label's class or predicts a class that no label has, or a class has no example.
  public init(_ first: Group, _ second: Group, labels: [Int32]) throws(PredictionError) {
    for group in [first, second] {
      guard group.networks.count > 1 else {
        throw PredictionError(
          "the group \(group.name) has \(group.networks.count == 1 ? "one network" : "no network"), "
            + "expected at least 2, because the variation between networks is estimated")
      }
    }
    let networks = first.networks + second.networks
    let count = networks.lazy.compactMap(\.classCount).first ?? Int(labels.max() ?? -1) + 1
    let present = Set(labels)
    for (example, label) in labels.enumerated() {
      guard label >= 0, label < count else {
        throw PredictionError(
          "the label of example \(example) is \(label), expected 0 to \(count - 1): the networks "
            + "predict \(count) classes")
      }
    }
    for network in networks {
      guard network.exampleCount == labels.count else {
        throw PredictionError(
          "\(network.name) has predictions for \(network.exampleCount) examples, expected "
            + "\(labels.count), the number of labels")
      }
      if let own = network.classCount, own != count {
        throw PredictionError(
          "\(network.name) has probabilities of \(own) classes, expected \(count) as in the others"
        )
      }
      if let example = network.classes.firstIndex(where: { $0 < 0 || $0 >= count }) {
        throw PredictionError(
          "\(network.name) predicts class \(network.classes[example]) for example \(example), "
            + "expected 0 to \(count - 1)")
      }
    }
    // Labels may be large: memory is that of those that occur.
    let missing = count - present.count
    guard missing == 0 else {
      let list = (0..<count).lazy.filter { !present.contains(Int32($0)) }.prefix(5)
      throw PredictionError(
        "no example has the label \(list.map(String.init).joined(separator: ", "))"
          + "\(missing > 5 ? ", …" : ""), expected examples of each of the \(count) classes")
    }
    self.first = first
    self.second = second
    self.labels = labels
    classCount = count
    correct = CorrectPredictions(networks, labels: labels)
  }

  /// n.
  public var exampleCount: Int { labels.count }
  /// Indices of the networks of both groups in `correct`.
  var members: (first: [Int], second: [Int]) {
    let count = first.networks.count
    return (Array(0..<count), (0..<second.networks.count).map { count + $0 })
  }

  /// The networks in two groups of the same sizes at random, the same for a seed and number on every
  /// machine: what differs between them is chance.
  func relabeled(seed: UInt64, number: Int) -> (first: [Int], second: [Int]) {
    let count = first.networks.count
    let order = MinibatchPlan.permutation(
      of: count + second.networks.count, seed: seed, pass: number)
    return (order.prefix(count).sorted(), order.dropFirst(count).sorted())
  }

  /// Two disjoint random halves of a group; of an odd number of networks one is left out.
  func halves(of members: [Int], seed: UInt64, number: Int) -> (first: [Int], second: [Int]) {
    let order = MinibatchPlan.permutation(of: members.count, seed: seed, pass: number).map {
      members[$0]
    }
    let half = order.count / 2
    return (Array(order.prefix(half)), Array(order.dropFirst(half).prefix(half)))
  }
}

/// Which networks got which examples right.
struct CorrectPredictions: Sendable {
  let exampleCount: Int
  /// Networks × examples, 1 where right.
  private let bits: [[UInt8]]

  init(_ networks: [Predictions], labels: [Int32]) {
    exampleCount = labels.count
    bits = networks.map { network in zip(network.classes, labels).map { $0 == $1 ? 1 : 0 } }
  }

  /// How many of `networks` got each example right.
  func counts(_ networks: [Int]) -> [Int32] {
    var counts = [Int32](repeating: 0, count: exampleCount)
    counts.withUnsafeMutableBufferPointer { counts in
      for network in networks {
        bits[network].withUnsafeBufferPointer { bits in
          for example in 0..<counts.count { counts[example] &+= Int32(bits[example]) }
        }
      }
    }
    return counts
  }

  /// The share of `examples` that each network got right; of all without a list.
  func accuracies(_ networks: [Int], of examples: [Int]? = nil) -> [Double] {
    networks.map { network in
      let row = bits[network]
      guard let examples else {
        return Double(row.reduce(0) { $0 + Int($1) }) / Double(row.count)
      }
      return Double(examples.reduce(0) { $0 + Int(row[$1]) }) / Double(examples.count)
    }
  }
}
