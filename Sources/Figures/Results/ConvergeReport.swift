import Device
import Figures
import Report
import Results
import Support

extension Report {
  /// The page of a result of `converge`: the curves, the table, the map that estimates are held against.
  init(_ document: ConvergeDocument, exact: Matrix<Double>) throws {
    let rows = document.models[0]
    let columns = document.models.last ?? rows
    let chart = try LineChart(document)
    let heatmap = try Heatmap(
      values: exact.elements, rows: exact.rows, columns: exact.columns, rowAxis: rows.axis,
      columnAxis: columns.axis,
      scoreName: "CKA (\(document.kernel.name), unbiased)")
    self.init(
      title: "Error of minibatch CKA against the exact value",
      facts: [
        .init("Kernel", ResultDocument.text(of: document.kernel)),
        .init("Examples", Format.count(document.examples.compared)),
        .init("Orders", Format.count(document.repeats)), .init("Pooling", document.pooling),
        .init("Device", document.device.id),
        .init("Time", Format.seconds(document.timings.total)),
      ] + document.models.map { .init($0.name, $0.path) },
      sections: [
        Section("Errors", panels: [.chart(chart)]),
        Section(
          "Errors as numbers",
          note: "Over all pairs of layers; range over all repeats.",
          panels: [.table(Table(document.table))]
        ),
        Section("The exact values", panels: [.maps([Map(heatmap, name: "")], label: "")]),
      ])
  }
}
