import CKA
import Device
import Figures
import Report
import Results
import Support

extension Report {
  /// The page of two models, or of one with itself: the map with statuses and z, and the layers.
  init(_ document: ResultDocument, cka: Matrix<Double>, z: Matrix<Double>?) throws {
    let names = document.models.map(\.name)
    let map = Map(
      try Heatmap(document, cka), name: "",
      extras: z.map { [(name: "z", values: $0.elements)] } ?? [],
      statuses: document.statuses(of: cka))
    let layers = document.models.map { model in
      Section("Layers of \(model.name)", panels: [.table(Table(model))])
    }
    self.init(
      title: names.count > 1 ? names.joined(separator: " × ") : "\(names[0]) with itself",
      facts: document.facts,
      sections: [
        Section(
          "Similarity of all layers", note: z.map { _ in Self.meaningOfZ },
          panels: [.maps([map], label: "")])
      ] + layers)
  }

  private static let meaningOfZ = """
    z: standard deviations above the value expected when examples are paired at random.
    """
}

extension Report.Table {
  /// The layers of a model.
  fileprivate init(_ model: ResultDocument.Model) {
    let hasStages = model.layers.contains { $0.stage != nil }
    let hasSigmas = model.layers.contains { $0.sigma != nil }
    var columns: [Column] = [.text("layer")]
    if hasStages { columns.append(.text("stage")) }
    columns += [.text("shape"), .text("type"), .number("features"), .text("status")]
    if hasSigmas { columns.append(.number("σ")) }
    self.init(
      columns,
      rows: model.layers.map { layer in
        var row = [layer.name]
        if hasStages { row.append(layer.stage ?? "") }
        row += [
          layer.shape.map(String.init).joined(separator: " × "), layer.scalarType,
          Format.count(layer.features), layer.status,
        ]
        if hasSigmas { row.append(layer.sigma.map { String(Float($0)) } ?? "") }
        return row
      })
  }
}

extension ResultDocument {
  /// What is known of the whole result, for the head of a page.
  fileprivate var facts: [Report.Fact] {
    var facts: [Report.Fact] = [
      .init("Estimator", Self.text(of: estimator)), .init("Kernel", Self.text(of: kernel)),
      .init("Examples", Self.text(used: examples.used, dropped: examples.dropped)),
      .init("Pooling", pooling),
      .init(
        "Device",
        ([device] + (sharingDevices ?? [])).map(\.id)
          .joined(separator: ", ")),
    ]
    if let seconds = timings?.total { facts.append(.init("Time", Format.seconds(seconds))) }
    return facts + models.map { .init($0.name, $0.path) }
  }

  /// An estimator in a few words.
  static func text(of estimator: Estimator) -> String {
    guard let size = estimator.batchSize, let passes = estimator.passes else {
      return "\(estimator.name), all examples at once"
    }
    let order = estimator.seed.map { "shuffled with seed \($0)" } ?? "in stored order"
    return "\(estimator.name), \(Format.count(size)) examples per minibatch, "
      + "\(passes) \(passes == 1 ? "pass" : "passes"), \(order)"
  }

  /// A kernel in a few words.
  static func text(of kernel: Kernel) -> String {
    if let sigma = kernel.sigma { return "\(kernel.name), σ = \(sigma)" }
    return kernel.medianMultiple.map { "\(kernel.name), σ = \($0) × the median distance" }
      ?? kernel.name
  }

  /// How many examples were compared.
  static func text(used: Int, dropped: Int) -> String {
    Format.count(used) + (dropped > 0 ? ", \(Format.count(dropped)) left out" : "")
  }

  /// The statuses of all cells, row by row; nil where all are `ok`.
  fileprivate func statuses(of cka: Matrix<Double>) -> [String]? {
    guard !undefinedCells.isEmpty else { return nil }
    var statuses = [String](repeating: Status.ok.rawValue, count: cka.elements.count)
    for cell in undefinedCells where cell.row < cka.rows && cell.column < cka.columns {
      statuses[cell.row * cka.columns + cell.column] = cell.status
    }
    return statuses
  }
}

extension ResultDocument.Layer {
  /// What layers say of the cells of their map, row by row: a cell is as good as the worse of its layers.
  static func statuses(_ rows: [Self], _ columns: [Self]) -> [String] {
    rows.flatMap { row in
      columns.map { column in row.status == Status.ok.rawValue ? column.status : row.status }
    }
  }
}
