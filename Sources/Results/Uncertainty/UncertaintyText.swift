import Analyses
import CKA
import Support

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
    if let significance {
      table.add([
        "cells above chance", Format.count(significance.standOut),
        "of \(Format.count(significance.tests)), \(Format.fixed(100 * significance.level, 0)) % of them "
          + "expected to be false",
      ])
      if let p = significance.largestP {
        table.add([
          "p of the largest", Format.scientific(p),
          "of the map, \(Format.count(significance.permutations)) random pairings of all layers",
        ])
      }
    }
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
