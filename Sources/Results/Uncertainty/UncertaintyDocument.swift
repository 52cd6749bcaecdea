import Activations
import Analyses
import CKA
import Device
import Support

/// What `trust.json` holds, format `cka-trust/1` (`Documentation/FileFormats.md`).
public struct UncertaintyDocument: StoredDocument {
  /// The name of the file in the folder of a result.
  public static let name = "trust.json"
  /// What its format begins with; the rest is the number of the version.
  public static let formatFamily = "cka-trust/"
  /// The command that writes it.
  public static let command = "trust"

  /// What is known of a layer.
  public struct Layer: Codable, Sendable {
    /// What the model calls the layer.
    public package(set) var name: String
    /// The stage of the network; nil where the model does not say.
    public package(set) var stage: String?
    /// `ok`, or why there is no value.
    public package(set) var status: String
    /// The least share of the examples that holds half of the Gram matrix's ⟨A, A⟩.
    public package(set) var halfShare: Double?
    /// Whether that is `Uncertainty.fewExamples` or less.
    public package(set) var isCarriedByFew: Bool?
    /// The share of the examples in the smaller of two groups that stand apart; left out where none do.
    public package(set) var groupShare: Double?
  }

  /// A model and its layers.
  public struct Model: Codable, Sendable {
    /// What results call the model.
    public package(set) var name: String
    /// The file or folder, as it was given.
    public package(set) var path: String
    /// The layers, in the order of the model.
    public package(set) var layers: [Layer]
  }

  /// The shuffled map against what is expected of it.
  public struct Control: Codable, Sendable {
    /// Cells with a value.
    public package(set) var cells: Int
    /// The mean of all values.
    public package(set) var mean: Double
    /// The root of the mean square.
    public package(set) var deviation: Double
    /// √(2/(n(n−3))).
    public package(set) var expectedDeviation: Double
    /// The value of largest magnitude.
    public package(set) var largest: Double
  }

  /// Which cells of the map stand out from chance, as many tests as there are pairs of different layers.
  public struct Significance: Codable, Sendable {
    /// Pairs of different layers with a value.
    public package(set) var tests: Int
    /// How many of them stand out: of these, at most the share `level` is expected to be chance.
    public package(set) var standOut: Int
    /// 0.05.
    public package(set) var level: Double
    /// Random pairings of the whole map.
    public package(set) var permutations: Int
    /// The share of them, the true one included, whose largest value is at least the map's; nil without any.
    public package(set) var largestP: Double?
  }

  /// CKA without some of the examples.
  public struct Drop: Codable, Sendable {
    /// The share of all examples.
    public package(set) var fraction: Double
    /// How many examples were dropped.
    public package(set) var dropped: Int
    /// Without those that contribute most.
    public package(set) var withoutContributors: Double?
    /// Without those of the largest weight.
    public package(set) var withoutHeaviest: Double?
    /// One a draw; null where nothing but rounding was left.
    public package(set) var withoutRandom: [Double?]
  }

  /// An example of the pair of `--cell`.
  public struct Carrier: Codable, Sendable {
    /// Its sample ID, or its place in the first model.
    public package(set) var example: String
    /// What it adds to CKA.
    public package(set) var contribution: Double
    /// The larger of its shares in the two layers' own ⟨A, A⟩.
    public package(set) var weight: Double
  }

  /// The pair of `--cell`.
  public struct Pair: Codable, Sendable {
    /// The place of the row, counted from 0.
    public package(set) var row: Int
    /// The place of the column, counted from 0.
    public package(set) var column: Int
    /// Debiased CKA.
    public package(set) var cka: Double
    /// The estimated bias; nil where there is none.
    public package(set) var bias: Double?
    /// The standard error; nil where there is none.
    public package(set) var standardError: Double?
    /// The lower end of the 95 % interval.
    public package(set) var low: Double?
    /// The upper end of the 95 % interval.
    public package(set) var high: Double?
    /// Why the four above exist, or do not.
    public package(set) var jackknifeStatus: String
    /// Whether the weights are so uneven that the 95 % interval covers less than 95 %.
    public package(set) var isIntervalShort: Bool
    /// Null standard deviations above 0.
    public package(set) var z: Double
    /// p ≤ this, by Cantelli.
    public package(set) var bound: Double
    /// Random pairings or maps that were tried.
    public package(set) var permutations: Int
    /// The p-value of the permutation test.
    public package(set) var p: Double
    /// Mean CKA of the random pairings.
    public package(set) var permutationMean: Double
    /// Nil of one pairing.
    public package(set) var permutationDeviation: Double?
    /// The largest CKA of the random pairings.
    public package(set) var permutationLargest: Double
    /// What is left without some examples.
    public package(set) var drops: [Drop]
    /// See `PairUncertainty.isCarriedByFew`.
    public package(set) var isCarriedByFew: Bool
    /// Left out where no groups stand apart in either layer.
    public package(set) var groups: Groups?
    /// See `PairUncertainty.isCarriedByGroups`.
    public package(set) var isCarriedByGroups: Bool
    /// Those that add most to CKA.
    public package(set) var carriers: [Carrier]
  }

  /// Two groups of examples that stand apart in one layer of the pair.
  public struct Groups: Codable, Sendable {
    /// Whether it is the layer of the columns.
    public package(set) var isOfColumn: Bool
    /// Examples of the smaller group.
    public package(set) var count: Int
    /// Between the groups, of the variance along the layer's first direction.
    public package(set) var separation: Double
    /// CKA within the groups.
    public package(set) var within: Double?
  }

  /// How many examples were compared.
  public struct Examples: Codable, Sendable {
    /// Examples of the first model.
    public package(set) var total: Int
    /// Examples that were compared.
    public package(set) var compared: Int
    /// `ids` where examples found each other by their sample IDs, not by their order.
    public package(set) var alignment: String?
    /// Examples that were left out for NaN or infinity; left out itself unless that was asked for.
    public package(set) var nonFinite: [Int]?
  }

  /// The format of the file.
  public package(set) var format = UncertaintyDocument.currentFormat
  /// The version of cka that wrote it.
  public package(set) var version = toolVersion
  /// When it was written, in UTC; nil where results must not differ by it.
  public package(set) var date: String? = RunRecord.date
  /// The program that wrote it and its arguments.
  public package(set) var commandLine: [String]? = RunRecord.commandLine
  /// The function of two examples.
  public package(set) var kernel: ResultDocument.Kernel
  /// What was done with the positions of feature maps: `flatten` or `mean`.
  public package(set) var pooling: String
  /// How devices were allowed to round products.
  public package(set) var precision: Precision
  /// The device that did the work, or the first of those that shared it.
  public package(set) var device: ResultDocument.Worker
  /// One model, or the two that were compared: rows, columns.
  public package(set) var models: [Model]
  /// Cells without a value.
  public package(set) var undefinedCells: [ResultDocument.Cell]
  /// Cells with a value, but no standard error.
  public package(set) var undefinedErrors: [ResultDocument.Cell]
  /// How many examples were compared, and which were left out.
  public package(set) var examples: Examples
  /// Decides everything that is drawn at random.
  public package(set) var seed: UInt64
  /// Of the off-diagonal cells of one model, or of all cells of two.
  public package(set) var largestStandardError: Double?
  /// The map of randomly paired examples.
  public package(set) var control: Control
  /// Which cells stand out from chance; nil in older results.
  public package(set) var significance: Significance?
  /// The pair of layers that was examined, where there is one.
  public package(set) var pair: Pair?
  /// Seconds of the whole run by the wall clock; nil or 0 where nobody took the time.
  public package(set) var seconds: Double?
}

extension UncertaintyDocument {
  /// What was found of a map.
  ///
  /// - Parameters:
  ///   - comparison: what was compared.
  ///   - outcome: what the analysis of `comparison` found.
  ///   - paths: the files or folders of its one or two models.
  ///   - pooling: what was done with the positions of feature maps: `flatten` or `mean`.
  ///   - precision: how devices were allowed to round products.
  ///   - alignment: how the examples of two models found each other.
  ///   - seed: that of the analysis.
  public init(
    _ comparison: Comparison, _ outcome: Uncertainty.Outcome, paths: [String],
    pooling: String = "flatten", precision: Precision = .exact,
    alignment: ExamplePairing.Alignment = .order, seed: UInt64 = 0
  ) {
    func model(
      _ model: any ActivationSource, _ path: String, _ statuses: [Status], _ shares: [Double],
      _ groupShares: [Double]
    ) -> Model {
      let layers = model.layers.indices.map { index in
        let share = jsonNumber(shares[index])
        return Layer(
          name: model.layers[index].name, stage: model.layers[index].stage,
          status: statuses[index].rawValue, halfShare: share,
          isCarriedByFew: share.map { $0 <= Uncertainty.fewExamples },
          groupShare: jsonNumber(groupShares[index]))
      }
      return Model(name: model.name, path: path, layers: layers)
    }
    let similarity = outcome.similarity
    var models = [
      model(
        comparison.left, paths[0], similarity.leftStatuses, outcome.leftHalfShares,
        outcome.leftGroupShares)
    ]
    if let right = comparison.right {
      models.append(
        model(
          right, paths[1], similarity.rightStatuses, outcome.rightHalfShares,
          outcome.rightGroupShares))
    }
    let shuffled = outcome.control.elements.filter { !$0.isNaN }
    let count = Double(shuffled.count)
    let errors = outcome.standardErrors.elements.filter { !$0.isNaN }
    self.init(
      kernel: ResultDocument.Kernel(comparison.kernel), pooling: pooling, precision: precision,
      device: ResultDocument.Worker(outcome.device.identity, minibatches: 1), models: models,
      undefinedCells: ResultDocument.Cell.undefined(in: similarity.statuses),
      undefinedErrors: ResultDocument.Cell.undefined(in: outcome.jackknifeStatuses).filter {
        similarity.statuses[$0.row, $0.column] == .ok
      },
      examples: Examples(
        total: comparison.left.exampleCount, compared: comparison.pairing.count,
        alignment: alignment == .ids ? alignment.rawValue : nil,
        nonFinite: comparison.pairing.dropped),
      seed: seed, largestStandardError: errors.max(),
      control: Control(
        cells: shuffled.count, mean: shuffled.reduce(0, +) / count,
        deviation: (shuffled.reduce(0) { $0 + $1 * $1 } / count).squareRoot(),
        expectedDeviation: PermutationMoments.deviation(exampleCount: comparison.pairing.count),
        largest: shuffled.max { abs($0) < abs($1) } ?? 0),
      significance: Significance(outcome.significance))
  }
}

extension UncertaintyDocument {
  /// Adds a pair of layers that was examined, which the figure of drops shows.
  ///
  /// - Parameters:
  ///   - details: what `Uncertainty.Outcome.pair(row:column:settings:)` found.
  ///   - row: the layer's place in the first model, counted from 0.
  ///   - column: the other layer's place in the second model; of a model with itself, in the same.
  ///   - comparison: what was compared.
  ///   - top: how many of the examples that contribute most are listed.
  public mutating func add(
    _ details: PairUncertainty, row: Int, column: Int, of comparison: Comparison, top: Int = 10
  ) {
    pair = Pair(
      details, row: row, column: column, exampleNames: comparison.exampleNames, top: top)
  }
}

extension UncertaintyDocument.Significance {
  fileprivate init(_ found: MapSignificance) {
    let (tests, standOut) = found.counts
    self.init(
      tests: tests, standOut: standOut, level: MapSignificance.level,
      permutations: found.permutations, largestP: found.largestP)
  }
}

extension UncertaintyDocument.Pair {
  /// - Parameters:
  ///   - exampleNames: what the compared examples are called.
  ///   - top: how many examples are listed.
  fileprivate init(
    _ details: PairUncertainty, row: Int, column: Int, exampleNames: [String], top: Int
  ) {
    let (jackknife, permutation) = (details.jackknife, details.permutation)
    self.init(
      row: row, column: column, cka: details.value, bias: jackknife?.bias,
      standardError: jackknife?.standardError, low: jackknife?.interval.lowerBound,
      high: jackknife?.interval.upperBound, jackknifeStatus: details.jackknifeStatus.rawValue,
      isIntervalShort: details.isIntervalShort,
      z: details.z, bound: details.significance,
      permutations: permutation.permutations, p: permutation.p,
      permutationMean: permutation.mean,
      permutationDeviation: jsonNumber(permutation.standardDeviation),
      permutationLargest: permutation.largest,
      drops: details.drops.points.map { point in
        UncertaintyDocument.Drop(
          fraction: point.fraction, dropped: point.dropped,
          withoutContributors: jsonNumber(point.withoutContributors),
          withoutHeaviest: jsonNumber(point.withoutHeaviest),
          withoutRandom: point.withoutRandom.map(jsonNumber))
      }, isCarriedByFew: details.isCarriedByFew,
      groups: details.groups.map { groups in
        UncertaintyDocument.Groups(
          isOfColumn: groups.isOfSecondLayer, count: groups.smaller.count,
          separation: groups.separation, within: jsonNumber(groups.within))
      }, isCarriedByGroups: details.isCarriedByGroups,
      carriers: details.byContribution.prefix(top).map { example in
        UncertaintyDocument.Carrier(
          example: exampleNames[example], contribution: details.contributions[example],
          weight: details.weights[example])
      })
  }
}
