import Statistics

/// How well two groups of networks do on some examples.
public struct AccuracyDifference: Sendable, Hashable {
  /// How many examples they were judged on.
  public let exampleCount: Int
  /// Of the first group's networks: shares of the examples, from 0 to 1.
  public let first: SampleMean
  /// Of the second group's networks.
  public let second: SampleMean
  /// Of the two means; nil where no two networks of a group differ, so that there is nothing to hold
  /// the difference against.
  public let welch: WelchTest?

  /// The first mean less the second.
  public var difference: Double { first.mean - second.mean }

  init(exampleCount: Int, first: [Double], second: [Double]) {
    self.exampleCount = exampleCount
    self.first = SampleMean(first)
    self.second = SampleMean(second)
    welch = WelchTest(self.first, self.second)
  }
}

/// Differences of accuracy on many sets of examples, tested together.
public struct SubsetDifferences: Sendable, Hashable {
  /// One set of examples: those of a class, or of a group of classes.
  public struct Subset: Sendable, Hashable {
    /// What it is called.
    public let name: String
    /// The classes of its examples.
    public let classes: [Int]
    /// How the groups of networks do on it.
    public let accuracy: AccuracyDifference
    /// Welch's p among those of all sets, by Holm and Šidák; nil where there is no test.
    public let adjustedP: Double?
  }

  /// The sets in the order they were named.
  public let subsets: [Subset]

  /// How many have a test.
  public var testedCount: Int { subsets.count { $0.adjustedP != nil } }

  /// How many differ with p below `level`, each for itself and with all of them in mind.
  public func significantCounts(level: Double) -> (single: Int, adjusted: Int) {
    (
      subsets.count { ($0.accuracy.welch?.p ?? 1) < level },
      subsets.count { ($0.adjustedP ?? 1) < level }
    )
  }

  init(_ found: [(name: String, classes: [Int], accuracy: AccuracyDifference)]) {
    let tested = found.indices.filter { found[$0].accuracy.welch != nil }
    let adjusted = holmSidak(tested.compactMap { found[$0].accuracy.welch?.p })
    var values = [Double?](repeating: nil, count: found.count)
    for (index, value) in zip(tested, adjusted) { values[index] = value }
    subsets = zip(found, values).map {
      Subset(name: $0.name, classes: $0.classes, accuracy: $0.accuracy, adjustedP: $1)
    }
  }
}

extension ErrorStudy {
  /// The share of all examples that one network got right.
  public func accuracy(of network: Predictions) -> Double {
    let right = zip(network.classes, labels).count { $0 == $1 }
    return Double(right) / Double(exampleCount)
  }

  /// The share of each group's networks that got each example right.
  public var exampleAccuracies: (first: [Double], second: [Double]) {
    func shares(_ members: [Int]) -> [Double] {
      correct.counts(members).map { Double($0) / Double(members.count) }
    }
    return (shares(members.first), shares(members.second))
  }

  /// On all examples.
  public var accuracy: AccuracyDifference {
    AccuracyDifference(
      exampleCount: exampleCount, first: correct.accuracies(members.first),
      second: correct.accuracies(members.second))
  }

  /// On the examples of each class; tests by Welch, adjusted over all classes by Holm and Šidák.
  ///
  /// - Parameter names: one a class; by default their numbers.
  public func classDifferences(names: [String]? = nil) -> SubsetDifferences {
    differences(
      on: (0..<classCount).map { (names?[$0] ?? String($0), [$0]) })
  }

  /// On the examples of each group of classes, as for single classes.
  public func differences(on groups: [(name: String, classes: [Int])]) -> SubsetDifferences {
    var examples = [[Int]](repeating: [], count: classCount)
    for (example, label) in labels.enumerated() { examples[Int(label)].append(example) }
    return SubsetDifferences(
      groups.map { group in
        let chosen = group.classes.flatMap { examples[$0] }
        let accuracy = AccuracyDifference(
          exampleCount: chosen.count,
          first: correct.accuracies(members.first, of: chosen),
          second: correct.accuracies(members.second, of: chosen))
        return (group.name, group.classes, accuracy)
      })
  }
}
