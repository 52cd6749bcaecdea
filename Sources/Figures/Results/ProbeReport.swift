import Figures
import Report
import Results
import Support

extension Report {
  /// The page of a result of `probe`: accuracy over depth, and the layers.
  init(_ document: ProbeDocument, _ chart: LineChart) {
    self.init(
      title: "Linear probes of \(document.model)",
      facts: [
        .init("Classes", Format.count(document.classes.count)),
        .init("Training examples", Format.count(document.examples.train)),
        .init("Test examples", Format.count(document.examples.test)),
        .init("C", String(document.penalty)), .init("Pooling", document.pooling),
        .init("Device", document.device.id), .init("Time", Format.seconds(document.seconds)),
        .init("Model", document.path), .init("Labels", document.labels),
      ],
      sections: [
        Section("Accuracy over depth", panels: [.chart(chart)]),
        Section("Layers", note: "Accuracies in %.", panels: [.table(Table(document.table))]),
      ])
  }
}
