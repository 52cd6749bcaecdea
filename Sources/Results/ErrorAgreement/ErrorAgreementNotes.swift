import Analyses
import Support

extension ErrorFindings {
  /// What is missing and what may not be expected.
  package var notes: [Note] {
    var notes: [Note] = []
    if similarity.values[.divergence] == nil {
      notes.append(
        .information(
          "divergence and Hellinger distance are left out: they need probabilities or logits of "
            + "all networks"))
    }
    if similarity.raisedCount > 0 {
      notes.append(
        .information(
          """
          \(Format.count(similarity.raisedCount)) probabilities below \
          \(Predictions.leastProbability) are raised to it before logarithms are taken
          """))
    }
    let test = chance.excess
    // Groups of one size may change places.
    let isEven = accuracy.first.count == accuracy.second.count
    let least = Double(isEven ? 2 : 1) / Double(test.count)
    if test.isExhaustive, least > ErrorAgreementDocument.level {
      notes.append(
        .warning(
          """
          so few networks can be divided into two groups in only \(test.count) ways: p cannot be \
          below \(Format.fixed(least, 2))
          """))
    }
    let untested = classes.subsets.count - classes.testedCount
    if untested > 0 {
      notes.append(
        .information(
          """
          \(untested) \(untested == 1 ? "class has" : "classes have") no test: within either group all \
          networks do equally well there
          """))
    }
    return notes
  }
}
