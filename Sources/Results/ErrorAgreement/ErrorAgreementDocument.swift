import Analyses
import Statistics
import Support

/// What `errors.json` holds, format `cka-errors/1` (`Documentation/FileFormats.md`). What does not exist
/// is left out.
public struct ErrorAgreementDocument: StoredDocument {
  /// The name of the file in the folder of a result.
  public static let name = "errors.json"
  /// What its format begins with; the rest is the number of the version.
  public static let formatFamily = "cka-errors/"
  /// The command that writes it.
  public static let command = "errors"
  /// Differences with p below it are counted.
  public static let level = 0.05

  /// A group of networks.
  public struct Group: Codable, Sendable {
    /// What it is called.
    public package(set) var name: String
    /// Its networks, in their order.
    public package(set) var networks: [Network]
  }

  /// One network.
  public struct Network: Codable, Sendable {
    /// The file or folder, as it was given.
    public package(set) var path: String
    /// `classes`, `probabilities` or `logits`.
    public package(set) var form: String
    /// The share of right answers, 0 to 1.
    public package(set) var accuracy: Double
  }

  /// A mean over networks.
  public struct Mean: Codable, Sendable {
    /// The mean.
    public package(set) var mean: Double
    /// The standard error; nil where there is none.
    public package(set) var standardError: Double?
    /// How many networks it is of.
    public package(set) var networks: Int
  }

  /// Welch's test of two means.
  public struct Welch: Codable, Sendable {
    /// The statistic.
    public package(set) var t: Double
    /// By Welch and Satterthwaite.
    public package(set) var degreesOfFreedom: Double
    /// The p-value.
    public package(set) var p: Double
    /// Of the difference, 95 %.
    public package(set) var interval: [Double]
  }

  /// The accuracies of both groups.
  public struct Accuracy: Codable, Sendable {
    /// Of how many examples.
    public package(set) var examples: Int
    /// Of the first group.
    public package(set) var first: Mean
    /// Of the second group.
    public package(set) var second: Mean
    /// Accuracy of the first group less that of the second.
    public package(set) var difference: Double
    /// The test of the difference; nil where there is no variation.
    public package(set) var welch: Welch?
  }

  /// A permutation test: `RelabelingTest`.
  public struct Chance: Codable, Sendable {
    /// The mean of random groups.
    public package(set) var mean: Double?
    /// The standard deviation of random groups.
    public package(set) var standardDeviation: Double?
    /// The share of random groups that reach what was observed.
    public package(set) var p: Double?
    /// How many random groups were tried.
    public package(set) var groups: Int
    /// Whether these are all there are.
    public package(set) var areAll: Bool
  }

  /// How accuracies of single examples spread: `ExampleDispersion`.
  public struct Dispersion: Codable, Sendable {
    /// The same of random halves of groups: `DispersionControl`.
    public struct Halves: Codable, Sendable {
      /// How many pairs of halves.
      public package(set) var repeats: Int
      /// Of halves of different groups.
      public package(set) var between: Double
      /// Of both halves of the first group.
      public package(set) var withinFirst: Double
      /// Of both halves of the second group.
      public package(set) var withinSecond: Double
      /// between − (withinFirst + withinSecond)/2.
      public package(set) var excess: Double
      /// How many examples of all repeats had so many right answers in one half (rows, from 0) and so many
      /// in the other: row by row. Rows and columns are networks of a half and one.
      public package(set) var scatters: Scatters
    }

    /// Counts of right answers in two halves.
    public struct Scatters: Codable, Sendable {
      /// Networks of half a group.
      public package(set) var first: Int
      /// See `first`.
      public package(set) var second: Int
      /// Halves of different groups.
      public package(set) var between: [Int]
      /// Both halves of the first group.
      public package(set) var withinFirst: [Int]
      /// Both halves of the second group.
      public package(set) var withinSecond: [Int]
    }

    /// The mean squared difference of accuracies.
    public package(set) var observed: Double
    /// What the variation between networks gives by itself.
    public package(set) var sampling: Double
    /// observed − sampling.
    public package(set) var excess: Double
    /// What the difference of the mean accuracies gives.
    public package(set) var meanPart: Double
    /// Of the two groups' accuracies over examples.
    public package(set) var correlation: Double?
    /// Random halves.
    public package(set) var halves: Halves
    /// The same number of random groups.
    public package(set) var chance: Chance
  }

  /// Examples on which one group is ahead: `DifferingExamples`.
  public struct Ahead: Codable, Sendable {
    /// An example, and how far the group is ahead.
    public struct Example: Codable, Sendable {
      /// Its place among the examples.
      public package(set) var index: Int
      /// The share of choices that it was in.
      public package(set) var frequency: Double
      /// The difference on the networks that chose it.
      public package(set) var chosen: Double
      /// The difference on the held-out networks.
      public package(set) var judged: Double
    }

    /// How many examples a choice takes.
    public package(set) var limit: Int
    /// How many choices there were.
    public package(set) var choices: Int
    /// The mean difference on the networks that chose.
    public package(set) var chosen: Double?
    /// The mean difference on the held-out networks.
    public package(set) var judged: Double?
    /// Those chosen most often.
    public package(set) var examples: [Example]
  }

  /// Accuracies on classes, or on groups of them.
  public struct Subsets: Codable, Sendable {
    /// A class or a group of classes.
    public struct Difference: Codable, Sendable {
      /// The class or the group of classes.
      public package(set) var name: String
      /// Accuracy of the first group less that of the second.
      public package(set) var difference: Double
      /// Of 95 %; left out where there is no test.
      public package(set) var interval: [Double]?
      /// By Holm and Šidák.
      public package(set) var adjustedP: Double?
    }

    /// In the order of the table.
    public package(set) var differences: [Difference]
    /// How many subsets.
    public package(set) var count: Int
    /// How many have a test.
    public package(set) var tested: Int
    /// See `ErrorAgreementDocument.level`.
    public package(set) var level: Double
    /// How many have p below `level`.
    public package(set) var significant: Int
    /// The same of adjusted p.
    public package(set) var significantAdjusted: Int
  }

  /// Whether groups explain errors beyond examples: `LogisticModels`.
  public struct Logistic: Codable, Sendable {
    /// One of three nested models.
    public struct Model: Codable, Sendable {
      /// How many there are.
      public package(set) var parameters: Int
      /// At its maximum.
      public package(set) var logLikelihood: Double
      /// Akaike's criterion.
      public package(set) var aic: Double
    }

    /// A likelihood-ratio statistic.
    public struct Comparison: Codable, Sendable {
      /// The statistic.
      public package(set) var chiSquared: Double
      /// Of its χ² distribution.
      public package(set) var degreesOfFreedom: Int
    }

    /// That some networks got right and some wrong.
    public package(set) var examples: Int
    /// Examples; and groups; and both together.
    public package(set) var models: [Model]
    /// γ: the second group's log odds less the first's; nil where it has no finite estimate.
    public package(set) var groupEffect: Double?
    /// Groups beside examples.
    public package(set) var group: Comparison
    /// Whether it depends on the example which group is better.
    public package(set) var interaction: Comparison
    /// v², the share of the deviance that the interaction explains, 0 to 1.
    public package(set) var effectSize: Double?
    /// The same number of random groups.
    public package(set) var chance: Chance
  }

  /// How similar outputs of networks are.
  public struct Similarity: Codable, Sendable {
    /// Between networks of the first group.
    public package(set) var withinFirst: Double
    /// Between networks of the second group.
    public package(set) var withinSecond: Double
    /// Between networks of different groups.
    public package(set) var between: Double
    /// Within groups less between them, turned so that unlike groups have a positive one.
    public package(set) var gap: Double
    /// The same number of random groups.
    public package(set) var chance: Chance
  }

  /// The format of the file.
  public package(set) var format = ErrorAgreementDocument.currentFormat
  /// The version of cka that wrote it.
  public package(set) var version = toolVersion
  /// When it was written, in UTC; nil where results must not differ by it.
  public package(set) var date: String? = RunRecord.date
  /// The program that wrote it and its arguments.
  public package(set) var commandLine: [String]? = RunRecord.commandLine
  /// A and B.
  public package(set) var groups: [Group]
  /// The file of the labels.
  public package(set) var labels: String
  /// n.
  public package(set) var examples: Int
  /// C.
  public package(set) var classCount: Int
  /// Random halves, and the most random groups.
  public package(set) var repeats: Int
  /// Decides everything that is drawn at random.
  public package(set) var seed: UInt64
  /// Over all examples.
  public package(set) var accuracy: Accuracy
  /// Over single examples.
  public package(set) var dispersion: Dispersion
  /// Where the first group is ahead.
  public package(set) var firstAhead: Ahead
  /// Where the second group is ahead.
  public package(set) var secondAhead: Ahead
  /// Class by class.
  public package(set) var classes: Subsets
  /// Group of classes by group, where there are any.
  public package(set) var classGroups: Subsets?
  /// Logistic models of all answers.
  public package(set) var logistic: Logistic
  /// By measure: agreement, divergence, hellinger.
  public package(set) var outputs: [String: Similarity]
  /// Probabilities that counted as 1e-12 in the divergence.
  public package(set) var raisedProbabilities: Int
  /// Seconds of the whole run by the wall clock; nil or 0 where nobody took the time.
  public package(set) var seconds: Double
}

extension ErrorAgreementDocument {
  /// What a study found.
  ///
  /// - Parameters:
  ///   - study: the networks.
  ///   - findings: what its analyses found.
  ///   - labels: the file of the labels.
  ///   - seconds: of the whole run; 0 where nobody took the time.
  public init(
    _ study: ErrorStudy, _ findings: ErrorFindings, labels: String, seconds: Double = 0
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
      repeats: findings.repeats, seed: findings.seed, accuracy: Accuracy(findings.accuracy),
      dispersion: Dispersion(
        observed: dispersion.observed, sampling: dispersion.sampling, excess: dispersion.excess,
        meanPart: dispersion.meanPart, correlation: jsonNumber(dispersion.correlation),
        halves: .init(
          repeats: findings.repeats, between: control.between, withinFirst: control.withinFirst,
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
