import Figures
import Report
import Results
import Support

extension Report {
  /// The page of a result of `blocks`: the map of one network, or where the blocks of many lie and
  /// how alike these are at equal relative depth, and the blocks.
  init(_ document: BlocksDocument, _ figures: [Heatmap]) {
    let detector = document.detector
    let reasons = document.models.compactMap { document.reason(of: $0) }
    let matching = document.matchingTable.map { table in
      Section(
        "Layer matching across seeds",
        note:
          "How often the most similar layer in another model of the architecture is the "
          + "corresponding one.",
        panels: [.table(Table(table))])
    }
    self.init(
      title: document.models.count == 1
        ? "Block structure of \(document.models[0].name)"
        : "Block structure of \(Format.count(document.models.count)) models",
      facts: [
        .init("Minimum contrast", String(detector.minimumContrast)),
        .init("Largest p-value", String(detector.significance)),
        .init("Null maps", Format.count(detector.permutations)),
        .init("Seed", String(detector.seed)),
      ],
      sections: [
        Section("Maps", panels: figures.map { .maps([Map($0, name: "")], label: "") }),
        Section(
          "Blocks", note: reasons.isEmpty ? nil : reasons.joined(separator: ". "),
          panels: [.table(Table(document.table))]),
      ] + (matching.map { [$0] } ?? []))
  }
}
