/// All analyses of a study.
package struct ErrorFindings {
  package let accuracy: AccuracyDifference
  package let dispersion: ExampleDispersion
  package let control: DispersionControl
  package let chance: (excess: RelabelingTest, effectSize: RelabelingTest)
  package let logistic: LogisticModels
  package let classes: SubsetDifferences
  package let groupsOfClasses: SubsetDifferences?
  /// Where A is ahead, and where B is.
  package let ahead: (first: DifferingExamples, second: DifferingExamples)
  package let similarity: OutputSimilarity
  /// What there is of each measure, in the order of the measures.
  package let outputs:
    [(
      measure: OutputSimilarity.Measure, means: OutputSimilarity.Means, gap: RelabelingTest
    )]

  package init(
    _ study: ErrorStudy, classNames: [String]?, groupsOfClasses: [(name: String, classes: [Int])]?,
    limit: Int, repeats: Int, seed: UInt64
  ) throws(PredictionError) {
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
