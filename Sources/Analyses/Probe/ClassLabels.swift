import CKA

/// The class of every example.
public struct ClassLabels: Sendable, Hashable {
  /// The labels that occur, ascending.
  public let classes: [Int]
  /// For each example, the place of its label in `classes`.
  public let indices: [Int]

  /// The classes of examples with these labels.
  public init(_ labels: [Int]) {
    classes = Set(labels).sorted()
    let places = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
    indices = labels.compactMap { places[$0] }
  }

  /// How many examples each class has.
  public var counts: [Int] {
    indices.reduce(into: Array(repeating: 0, count: classes.count)) { $0[$1] += 1 }
  }
}

/// Labels that no probe can be fitted to.
public struct ProbeError: Error, Sendable, CustomStringConvertible {
  /// One sentence: what was found and what was expected.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// Which examples a probe is fitted to, and which it is judged by.
public struct ProbeSplit: Sendable, Hashable {
  /// Examples of the fit, ascending.
  public let train: [Int]
  /// Examples of the accuracy, ascending; none of them is in `train`.
  public let test: [Int]

  /// Divides the examples of each class: of m, testFraction·m to the nearest whole number are for the
  /// test, but at least one and at most m − 1.
  ///
  /// They are the first of their class in `MinibatchPlan.permutation(of:seed:pass:)` for the pass −1000.
  ///
  /// - Throws: where there is one class only, or a class of one example, which cannot be in both parts, or
  ///   `testFraction` does not lie between 0 and 1.
  public init(
    _ labels: ClassLabels, testFraction: Double = 0.25, seed: UInt64 = 0
  ) throws(ProbeError) {
    guard labels.classes.count > 1 else {
      let found = labels.classes.first.map { "only the class \($0)" } ?? "no class"
      throw ProbeError("found \(found), expected at least 2 classes")
    }
    guard testFraction > 0, testFraction < 1 else {
      throw ProbeError("the share of the test is \(testFraction), expected between 0 and 1")
    }
    let counts = labels.counts
    if let single = counts.firstIndex(of: 1) {
      throw ProbeError(
        "the class \(labels.classes[single]) has 1 example, expected at least 2: one to fit and one to "
          + "test")
    }
    var left = counts.map { count in
      min(max(Int((testFraction * Double(count)).rounded()), 1), count - 1)
    }
    var (train, test) = ([Int](), [Int]())
    let order = MinibatchPlan.permutation(of: labels.indices.count, seed: seed, pass: -1000)
    for example in order {
      let label = labels.indices[example]
      if left[label] > 0 {
        left[label] -= 1
        test.append(example)
      } else {
        train.append(example)
      }
    }
    self.train = train.sorted()
    self.test = test.sorted()
  }

  /// The given parts.
  init(train: [Int], test: [Int]) {
    self.train = train
    self.test = test
  }
}
