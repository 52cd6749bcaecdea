import Activations
import Analyses
import CKA
import Device
import Support

/// What `trust.json` holds, format `cka-trust/1` (`Documentation/FileFormats.md`).
package struct UncertaintyDocument: StoredDocument {
  package static let name = "trust.json"
  package static let formatFamily = "cka-trust/"
  package static let command = "trust"

  package struct Layer: Codable {
    package var name: String
    package var stage: String?
    package var status: String
    /// The least share of the examples that holds half of the Gram matrix's ⟨A, A⟩.
    package var halfShare: Double?
    /// Whether that is `Uncertainty.fewExamples` or less.
    package var isCarriedByFew: Bool?
    /// The share of the examples in the smaller of two groups that stand apart; left out where none do.
    package var groupShare: Double?
  }

  package struct Model: Codable {
    package var name: String
    package var path: String
    package var layers: [Layer]
  }

  /// The shuffled map against what is expected of it.
  struct Control: Codable {
    var cells: Int
    var mean: Double
    /// The root of the mean square.
    var deviation: Double
    /// √(2/(n(n−3))).
    var expectedDeviation: Double
    var largest: Double
  }

  package struct Drop: Codable {
    package var fraction: Double
    var dropped: Int
    package var withoutContributors: Double?
    package var withoutHeaviest: Double?
    /// One a draw; null where nothing but rounding was left.
    package var withoutRandom: [Double?]
  }

  /// An example of the pair of `--cell`.
  struct Carrier: Codable {
    /// Its sample ID, or its place in the first model.
    var example: String
    var contribution: Double
    var weight: Double
  }

  /// The pair of `--cell`.
  package struct Pair: Codable {
    package var row: Int
    package var column: Int
    package var cka: Double
    var bias: Double?
    var standardError: Double?
    var low: Double?
    var high: Double?
    /// Why the four above exist, or do not.
    var jackknifeStatus: String
    /// Whether the weights are so uneven that the 95 % interval covers less than 95 %.
    var isIntervalShort: Bool
    var z: Double
    var bound: Double
    var permutations: Int
    var p: Double
    var permutationMean: Double
    /// Nil of one pairing.
    var permutationDeviation: Double?
    var permutationLargest: Double
    package var drops: [Drop]
    package var isCarriedByFew: Bool
    /// Left out where no groups stand apart in either layer.
    var groups: Groups?
    package var isCarriedByGroups: Bool
    /// Those that add most to CKA.
    var carriers: [Carrier]
  }

  /// Two groups of examples that stand apart in one layer of the pair.
  struct Groups: Codable {
    /// Whether it is the layer of the columns.
    var isOfColumn: Bool
    /// Examples of the smaller group.
    var count: Int
    /// Between the groups, of the variance along the layer's first direction.
    var separation: Double
    /// CKA within the groups.
    var within: Double?
  }

  package struct Examples: Codable {
    var total: Int
    package var compared: Int
    var alignment: String?
    /// Examples that were left out for NaN or infinity; left out itself unless that was asked for.
    var nonFinite: [Int]?
  }

  var format = UncertaintyDocument.currentFormat
  var version = toolVersion
  var date: String? = RunRecord.date
  var commandLine: [String]? = RunRecord.commandLine
  package var kernel: ResultDocument.Kernel
  package var pooling: String
  var precision: Precision
  package var device: ResultDocument.Worker
  package var models: [Model]
  package var undefinedCells: [ResultDocument.Cell]
  /// Cells with a value, but no standard error.
  package var undefinedErrors: [ResultDocument.Cell]
  package var examples: Examples
  var seed: UInt64
  /// Of the off-diagonal cells of one model, or of all cells of two.
  package var largestStandardError: Double?
  var control: Control
  package var pair: Pair?
  package var seconds: Double?
}

extension UncertaintyDocument {
  package init(
    _ comparison: Comparison, _ outcome: Uncertainty.Outcome, paths: [String], pooling: String,
    precision: Precision, alignment: ExamplePairing.Alignment, seed: UInt64
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
    let n = Double(comparison.pairing.count)
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
        expectedDeviation: (2 / (n * (n - 3))).squareRoot(),
        largest: shuffled.max { abs($0) < abs($1) } ?? 0))
  }
}

extension UncertaintyDocument.Pair {
  /// - Parameters:
  ///   - exampleNames: what the compared examples are called.
  ///   - top: how many examples are listed.
  package init(_ details: PairUncertainty, row: Int, column: Int, exampleNames: [String], top: Int)
  {
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

extension UncertaintyDocument {
  /// The printed output: a summary of the map and tables for the pair of `--cell`.
  package var text: String { tables.map(\.text).joined(separator: "\n") }

  /// The map in a few lines; with `--cell` the pair, what is left without some examples, and those that
  /// carry it.
  package var tables: [TextTable] {
    let counts = models.map { String($0.layers.count) }
    var table = TextTable([("map", .left), ("", .right), ("", .left)])
    table.add([
      "layers", "\(counts[0]) × \(counts.last ?? counts[0])",
      "\(Format.count(examples.compared)) examples, debiased CKA, \(kernel.name)",
    ])
    table.add([
      "largest standard error", largestStandardError.map { Format.fixed($0, 4) } ?? "undefined",
      "jackknife, leave one out",
    ])
    if let reason = undefinedErrorReason {
      table.add(["no standard error", Format.count(undefinedErrors.count), "cells: \(reason)"])
    }
    table.add([
      "null map", Format.fixed(control.deviation, 4),
      "root mean square; expected by chance: \(Format.fixed(control.expectedDeviation, 4))",
    ])
    table.add([
      "largest null value", Format.fixed(control.largest, 4),
      "of \(Format.count(control.cells)) cells",
    ])
    let few = models.flatMap(\.layers).filter { $0.isCarriedByFew ?? false }
    table.add([
      "layers dominated by few examples", Format.count(few.count),
      "\(Format.fixed(100 * Uncertainty.fewExamples, 0)) % of the examples hold half of the Gram matrix",
    ])
    let inGroups = models.flatMap(\.layers).filter { $0.groupShare != nil }
    table.add([
      "layers with two groups of examples", Format.count(inGroups.count),
      "the groups are separate and hold half of the Gram matrix",
    ])
    guard let pair else { return [table] }
    return [table, self.table(of: pair), drops(of: pair), carriers(of: pair)]
  }

  /// Why some cells have no standard error; nil where none lacks one.
  package var undefinedErrorReason: String? {
    undefinedErrors.first.map { Self.reason(forJackknife: $0.status) }
  }

  private static func reason(forJackknife status: String) -> String {
    status == Status.tooFewExamples.rawValue
      ? "with four examples there is no CKA without one of them"
      : "without one of the examples only rounding errors of a layer remain"
  }

  private func table(of pair: Pair) -> TextTable {
    let (row, column) = (models[0], models.last ?? models[0])
    let names = [row.layers[pair.row].name, column.layers[pair.column].name].map(oneLine)
    var table = TextTable([(names.joined(separator: " and "), .left), ("", .right), ("", .left)])
    let interval =
      if let low = pair.low, let high = pair.high {
        "95 % interval \(Format.fixed(low, 4)) … \(Format.fixed(high, 4))"
          + (pair.isIntervalShort ? ", likely too short" : "")
      } else { "no interval" }
    table.add(["CKA", Format.fixed(pair.cka, 4), interval])
    table.add([
      "standard error", pair.standardError.map { Format.fixed($0, 4) } ?? "undefined",
      pair.bias.map { "bias \(Format.scientific($0))" }
        ?? Self.reason(forJackknife: pair.jackknifeStatus),
    ])
    table.add(["z", Format.fixed(pair.z, 1), "above chance; p ≤ \(Format.scientific(pair.bound))"])
    table.add([
      "permutation p", Format.scientific(pair.p),
      "\(Format.count(pair.permutations)) pairings, the largest CKA "
        + Format.fixed(pair.permutationLargest, 4),
    ])
    if let groups = pair.groups {
      table.add([
        "within two groups", groups.within.map { Format.fixed($0, 4) } ?? "undefined",
        "CKA within the groups; \(Format.count(groups.count)) examples are separate in "
          + names[groups.isOfColumn ? 1 : 0],
      ])
    }
    return table
  }

  private func drops(of pair: Pair) -> TextTable {
    var table = TextTable([
      ("dropped", .right), ("examples", .right), ("top contributors", .right),
      ("largest weight", .right), ("random", .right),
    ])
    func number(_ value: Double?) -> String { value.map { Format.fixed($0, 4) } ?? "undefined" }
    for drop in pair.drops {
      let random = drop.withoutRandom.compactMap { $0 }
      let range = [random.min(), random.max()].map(number)
      table.add([
        "\(Format.fixed(100 * drop.fraction, 0)) %", Format.count(drop.dropped),
        number(drop.withoutContributors), number(drop.withoutHeaviest),
        range.joined(separator: " … "),
      ])
    }
    return table
  }

  private func carriers(of pair: Pair) -> TextTable {
    var table = TextTable([("example", .left), ("contribution", .right), ("weight", .right)])
    for carrier in pair.carriers {
      table.add([
        oneLine(carrier.example), Format.fixed(carrier.contribution, 5),
        Format.fixed(carrier.weight, 5),
      ])
    }
    return table
  }
}
