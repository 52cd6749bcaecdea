import Analyses
import Statistics
import Support

/// What `errors.json` holds, format `cka-errors/1` (`Documentation/FileFormats.md`). What does not exist
/// is left out.
package struct ErrorAgreementDocument: StoredDocument {
  package static let name = "errors.json"
  package static let formatFamily = "cka-errors/"
  package static let command = "errors"
  /// Differences with p below it are counted.
  package static let level = 0.05

  package struct Group: Codable {
    package var name: String
    package var networks: [Network]
  }

  package struct Network: Codable {
    package var path: String
    package var form: String
    package var accuracy: Double
  }

  struct Mean: Codable {
    var mean: Double
    var standardError: Double?
    var networks: Int
  }

  struct Welch: Codable {
    var t: Double
    var degreesOfFreedom: Double
    var p: Double
    /// Of the difference, 95 %.
    var interval: [Double]
  }

  struct Accuracy: Codable {
    var examples: Int
    var first: Mean
    var second: Mean
    var difference: Double
    var welch: Welch?
  }

  /// A permutation test: `RelabelingTest`.
  struct Chance: Codable {
    var mean: Double?
    var standardDeviation: Double?
    var p: Double?
    var groups: Int
    var areAll: Bool
  }

  package struct Dispersion: Codable {
    package struct Halves: Codable {
      var repeats: Int
      var between: Double
      var withinFirst: Double
      var withinSecond: Double
      var excess: Double
      /// How many examples of all repeats had so many right answers in one half (rows, from 0) and so many
      /// in the other: row by row. Rows and columns are networks of a half and one.
      package var scatters: Scatters
    }

    package struct Scatters: Codable {
      /// Networks of half a group.
      package var first: Int
      package var second: Int
      package var between: [Int]
      package var withinFirst: [Int]
      package var withinSecond: [Int]
    }

    var observed: Double
    var sampling: Double
    var excess: Double
    var meanPart: Double
    var correlation: Double?
    package var halves: Halves
    var chance: Chance
  }

  package struct Ahead: Codable {
    package struct Example: Codable {
      package var index: Int
      package var frequency: Double
      package var chosen: Double
      package var judged: Double
    }

    var limit: Int
    var choices: Int
    var chosen: Double?
    var judged: Double?
    /// Those chosen most often.
    package var examples: [Example]
  }

  package struct Subsets: Codable {
    /// A class or a group of classes.
    package struct Difference: Codable {
      package var name: String
      package var difference: Double
      /// Of 95 %; left out where there is no test.
      package var interval: [Double]?
      package var adjustedP: Double?
    }

    /// In the order of the table.
    package var differences: [Difference]
    var count: Int
    var tested: Int
    package var level: Double
    var significant: Int
    var significantAdjusted: Int
  }

  struct Logistic: Codable {
    struct Model: Codable {
      var parameters: Int
      var logLikelihood: Double
      var aic: Double
    }

    struct Comparison: Codable {
      var chiSquared: Double
      var degreesOfFreedom: Int
    }

    /// That some networks got right and some wrong.
    var examples: Int
    /// Examples; and groups; and both together.
    var models: [Model]
    var groupEffect: Double?
    var group: Comparison
    var interaction: Comparison
    var effectSize: Double?
    var chance: Chance
  }

  struct Similarity: Codable {
    var withinFirst: Double
    var withinSecond: Double
    var between: Double
    var gap: Double
    var chance: Chance
  }

  var format = ErrorAgreementDocument.currentFormat
  var version = toolVersion
  var date: String? = RunRecord.date
  var commandLine: [String]? = RunRecord.commandLine
  /// A and B.
  package var groups: [Group]
  package var labels: String
  package var examples: Int
  package var classCount: Int
  package var repeats: Int
  package var seed: UInt64
  var accuracy: Accuracy
  package var dispersion: Dispersion
  package var firstAhead: Ahead
  package var secondAhead: Ahead
  package var classes: Subsets
  package var classGroups: Subsets?
  var logistic: Logistic
  /// By measure: agreement, divergence, hellinger.
  var outputs: [String: Similarity]
  /// Probabilities that counted as 1e-12 in the divergence.
  var raisedProbabilities: Int
  package var seconds: Double
}

extension ErrorAgreementDocument {
  package init(
    _ study: ErrorStudy, _ findings: ErrorFindings, labels: String, repeats: Int, seed: UInt64,
    seconds: Double
  ) {
    let (dispersion, control) = (findings.dispersion, findings.control)
    self.init(
      groups: [study.first, study.second].map { group in
        Group(
          name: group.name,
          networks: group.networks.map {
            Network(path: $0.name, form: $0.form.rawValue, accuracy: study.accuracy(of: $0))
          })
      }, labels: labels, examples: study.exampleCount, classCount: study.classCount,
      repeats: repeats, seed: seed, accuracy: Accuracy(findings.accuracy),
      dispersion: Dispersion(
        observed: dispersion.observed, sampling: dispersion.sampling, excess: dispersion.excess,
        meanPart: dispersion.meanPart, correlation: jsonNumber(dispersion.correlation),
        halves: .init(
          repeats: repeats, between: control.between, withinFirst: control.withinFirst,
          withinSecond: control.withinSecond, excess: control.excess,
          scatters: .init(
            first: control.scatters.firstCount, second: control.scatters.secondCount,
            between: control.scatters.between, withinFirst: control.scatters.withinFirst,
            withinSecond: control.scatters.withinSecond)),
        chance: Chance(findings.chance.excess)),
      firstAhead: Ahead(findings.ahead.first), secondAhead: Ahead(findings.ahead.second),
      classes: Subsets(findings.classes),
      classGroups: findings.groupsOfClasses.map { Subsets($0) },
      logistic: Logistic(findings.logistic, chance: findings.chance.effectSize),
      outputs: Dictionary(
        uniqueKeysWithValues: findings.outputs.map {
          (
            $0.measure.rawValue,
            Similarity(
              withinFirst: $0.means.withinFirst, withinSecond: $0.means.withinSecond,
              between: $0.means.between, gap: $0.gap.observed, chance: Chance($0.gap))
          )
        }), raisedProbabilities: findings.similarity.raisedCount, seconds: seconds)
  }
}

extension ErrorAgreementDocument.Mean {
  fileprivate init(_ sample: SampleMean) {
    self.init(
      mean: sample.mean, standardError: jsonNumber(sample.standardError), networks: sample.count)
  }
}

extension ErrorAgreementDocument.Accuracy {
  init(_ found: AccuracyDifference) {
    self.init(
      examples: found.exampleCount, first: .init(found.first), second: .init(found.second),
      difference: found.difference,
      welch: found.welch.map { welch in
        .init(
          t: welch.t, degreesOfFreedom: welch.degreesOfFreedom, p: welch.p,
          interval: welch.interval(confidence: 0.95).map { [$0.lowerBound, $0.upperBound] } ?? [])
      })
  }
}

extension ErrorAgreementDocument.Chance {
  fileprivate init(_ test: RelabelingTest) {
    self.init(
      mean: jsonNumber(test.mean), standardDeviation: jsonNumber(test.standardDeviation),
      p: jsonNumber(test.p), groups: test.count, areAll: test.isExhaustive)
  }
}

extension ErrorAgreementDocument.Ahead {
  fileprivate init(_ found: DifferingExamples) {
    self.init(
      limit: found.limit, choices: found.choices, chosen: jsonNumber(found.chosen),
      judged: jsonNumber(found.judged),
      examples: found.examples.prefix(found.limit).map {
        .init(index: $0.index, frequency: $0.frequency, chosen: $0.chosen, judged: $0.judged)
      })
  }
}

extension ErrorAgreementDocument.Subsets {
  fileprivate init(_ found: SubsetDifferences) {
    let counts = found.significantCounts(level: ErrorAgreementDocument.level)
    self.init(
      differences: found.subsets.map { subset in
        let interval = subset.accuracy.welch?.interval(confidence: 0.95)
        return Difference(
          name: subset.name, difference: subset.accuracy.difference,
          interval: interval.map { [$0.lowerBound, $0.upperBound] }, adjustedP: subset.adjustedP)
      },
      count: found.subsets.count, tested: found.testedCount, level: ErrorAgreementDocument.level,
      significant: counts.single, significantAdjusted: counts.adjusted)
  }
}

extension ErrorAgreementDocument.Logistic {
  fileprivate init(_ found: LogisticModels, chance: RelabelingTest) {
    func comparison(_ found: LogisticModels.Comparison) -> Comparison {
      Comparison(chiSquared: found.statistic, degreesOfFreedom: found.degreesOfFreedom)
    }
    self.init(
      examples: found.exampleCount,
      models: found.fits.map {
        Model(parameters: $0.parameters, logLikelihood: $0.logLikelihood, aic: $0.aic)
      }, groupEffect: found.groupEffect, group: comparison(found.group),
      interaction: comparison(found.interaction), effectSize: jsonNumber(found.effectSize),
      chance: .init(chance))
  }
}
