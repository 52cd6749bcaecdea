/// All analyses of a study.
public struct ErrorFindings: Sendable {
  /// The most random halves and groups.
  public static let mostRepeats = 1_000_000

  /// Accuracies over all examples.
  public let accuracy: AccuracyDifference
  /// How the accuracies of single examples spread.
  public let dispersion: ExampleDispersion
  /// The same of random halves of the groups.
  public let control: DispersionControl
  /// What random groups give.
  public let chance: (excess: RelabelingTest, effectSize: RelabelingTest)
  /// Logistic models of all answers.
  public let logistic: LogisticModels
  /// Accuracies class by class.
  public let classes: SubsetDifferences
  /// Accuracies by group of classes; nil where there are no groups.
  public let groupsOfClasses: SubsetDifferences?
  /// Where A is ahead, and where B is.
  public let ahead: (first: DifferingExamples, second: DifferingExamples)
  /// How similar the outputs of all networks are.
  public let similarity: OutputSimilarity
  /// What there is of each measure, in the order of the measures.
  public let outputs:
    [(
      measure: OutputSimilarity.Measure, means: OutputSimilarity.Means, gap: RelabelingTest
    )]

  /// Random halves, and the most random groups, that were drawn.
  public let repeats: Int
  /// What decided them.
  public let seed: UInt64

  /// Does all analyses of a study.
  ///
  /// - Parameters:
  ///   - study: the predictions of two groups of networks.
  ///   - classNames: what the classes are called; their numbers unless given.
  ///   - groupsOfClasses: groups to compare as well, each with the numbers of its classes.
  ///   - limit: how many examples that differ most are chosen.
  ///   - repeats: random splits into halves, and the most random groups.
  ///   - seed: what decides halves and groups.
  /// - Throws: where predictions cannot be read.
  public init(
    _ study: ErrorStudy, classNames: [String]? = nil,
    groupsOfClasses: [(name: String, classes: [Int])]? = nil, limit: Int = 20,
    repeats: Int = 1000, seed: UInt64 = 0
  ) throws(PredictionError) {
    self.repeats = repeats
    self.seed = seed
    accuracy = study.accuracy
    dispersion = study.dispersion
    control = study.dispersionControl(repeats: repeats, seed: seed)
    chance = study.chance(limit: repeats, seed: seed)
    logistic = study.logisticModels
    classes = study.classDifferences(names: classNames)
    self.groupsOfClasses = groupsOfClasses.map { study.differences(on: $0) }
    func ahead(_ leader: ErrorStudy.Leader) -> DifferingExamples {
      study.differingExamples(aheadIs: leader, limit: limit, repeats: repeats, seed: seed)
    }
    self.ahead = (ahead(.first), ahead(.second))
    let similarity = try study.outputSimilarity()
    self.similarity = similarity
    outputs = OutputSimilarity.Measure.allCases.compactMap { measure in
      study.similarity(measure, in: similarity, limit: repeats, seed: seed).map {
        (measure, $0.means, $0.gap)
      }
    }
  }
}
