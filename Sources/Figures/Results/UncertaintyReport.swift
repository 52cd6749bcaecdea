import CKA
import Figures
import Report
import Results
import Support

extension Report {
  /// The page of a result of `trust`.
  ///
  /// - Parameters:
  ///   - maps: CKA, its standard error, and the null map.
  ///   - extras: further numbers of each cell of the first map.
  ///   - drops: CKA without some examples, of the pair of `--cell`.
  init(
    _ document: UncertaintyDocument, maps: [Heatmap], extras: [(name: String, values: [Double])],
    drops: LineChart?
  ) {
    let tables = document.tables
    func cells(_ undefined: [ResultDocument.Cell]) -> [String]? {
      guard !undefined.isEmpty else { return nil }
      var found = [String](repeating: Status.ok.rawValue, count: maps[0].values.count)
      for cell in undefined { found[cell.row * maps[0].columns + cell.column] = cell.status }
      return found
    }
    let statuses = cells(document.undefinedCells)
    // CKA, its standard error, and the control.
    let ofMaps = [
      statuses, cells(document.undefinedCells + document.undefinedErrors), statuses,
    ]
    var first = Map(maps[0], name: "", statuses: statuses)
    first.extras = [("standard error", maps[1].values)] + extras
    var sections = [
      Section(
        "Debiased CKA, its standard error, and a null map",
        note: """
          The null map has the examples of one model re-paired at random. All maps share cursor \
          and zoom.
          """,
        panels: [.maps([first], label: "")]
          + zip(maps, ofMaps).dropFirst().map {
            .maps([Map($0, name: "", statuses: $1)], label: "")
          }),
      Section("Summary", panels: [.table(Table(tables[0]))]),
    ]
    if tables.count > 1 {
      sections.append(
        Section(
          tables[1].headings[0],
          panels: (drops.map { [.chart($0)] } ?? []) + tables.dropFirst().map { .table(Table($0)) })
      )
    }
    self.init(
      title: "Uncertainty of the similarities of "
        + document.models.map(\.name).joined(separator: " × "),
      facts: [
        .init("Kernel", ResultDocument.text(of: document.kernel)),
        .init("Examples", Format.count(document.examples.compared)),
        .init("Pooling", document.pooling), .init("Device", document.device.id),
      ] + (document.seconds.map { [.init("Time", Format.seconds($0))] } ?? [])
        + document.models.map { .init($0.name, $0.path) },
      sections: sections)
  }
}
