import Figures
import Report
import Results
import Support

extension Report {
  /// The page of a result of `components`: the four panels, the examples that dominate, and the layers.
  init(_ document: ComponentsDocument, _ figures: ComponentFigures) throws {
    let panels = try Report.panels(try figures.panels)
    let projections = try figures.projections
    let removal = try figures.removal
    let dominant = Table(
      [.number("example"), .text("ID"), .number("share")],
      rows: document.dominantExamples.map { example in
        [String(example.example), example.id ?? "", Format.fixed(example.share, 4)]
      }, caption: "The examples with the largest shares of first components")
    var sections = [
      Section(
        "First components and CKA", note: "All maps share cursor and zoom.",
        panels: panels.map { $0.with(document) }),
      Section(
        "Dominant examples", panels: (removal.map { [.chart($0)] } ?? []) + [.table(dominant)]),
    ]
    if let projections {
      sections.append(Section("Projections on first components", panels: [.chart(projections)]))
    }
    sections.append(Section("Layers", panels: [.table(Table(document.table))]))
    self.init(
      title: "Principal components of \(document.models.map(\.name).joined(separator: " and "))",
      facts: [
        .init("Estimator", ResultDocument.text(of: document.estimator)),
        .init("Components", Format.count(document.components)),
        .init("Examples", Format.count(document.examples.compared)),
        .init("Pooling", document.pooling), .init("Device", document.device.id),
        .init("Time", Format.seconds(document.timings.total)),
      ] + document.models.map { .init($0.name, $0.path) },
      sections: sections)
  }
}

extension Report.Panel {
  /// The panel; if it is a map of layers, with what these say of its cells.
  fileprivate func with(_ document: ComponentsDocument) -> Self {
    guard case .maps(var maps, let label) = self else { return self }
    let rows = document.models[0].layers
    let columns = (document.models.last ?? document.models[0]).layers
    for index in maps.indices where maps[index].heatmap.values.contains(where: \.isNaN) {
      maps[index].statuses = ResultDocument.Layer.statuses(rows, columns)
    }
    return .maps(maps, label: label)
  }
}
