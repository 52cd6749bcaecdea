import Figures
import Report
import Results
import Support

extension Report {
  /// The page of a result of `blocks`: the map of one network, or where the blocks of many lie and how
  /// alike these are at equal depth, and the blocks.
  init(_ document: BlocksDocument, _ figures: [Heatmap]) {
    let detector = document.detector
    let matching = document.matchingTable.map { table in
      Section(
        "Layers that find themselves",
        note:
          "How often the layer most alike in another model of the architecture is the same one.",
        panels: [.table(Table(table))])
    }
    self.init(
      title: document.models.count == 1
        ? "Block structure of \(document.models[0].name)"
        : "Block structure of \(Format.count(document.models.count)) models",
      facts: [
        .init("Least contrast", String(detector.minimumContrast)),
        .init("Largest p", String(detector.significance)),
        .init("Maps of chance", Format.count(detector.permutations)),
        .init("Seed", String(detector.seed)),
      ],
      sections: [
        Section("Maps", panels: figures.map { .maps([Map($0, name: "")], label: "") }),
        Section("Blocks", panels: [.table(Table(document.table))]),
      ] + (matching.map { [$0] } ?? []))
  }
}
