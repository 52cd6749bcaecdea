import Device
import Figures
import Report
import Results
import Support

extension Report {
  /// The page of a result of `errors`.
  ///
  /// - Parameters:
  ///   - scatter: accuracies of each example, as an SVG file.
  ///   - differences: of classes, and of groups of them.
  init(_ result: ErrorAgreementResult, scatter: [UInt8], differences: [IntervalChart]) throws {
    let document = result.document
    let names = document.groups.map(\.name)
    let halves = """
      Accuracy of each example: a half of \(names[0]) against a half of \(names[1]), beside each group \
      against itself. The root mean square differences are in the table above.
      """
    let networks = Table(
      [.text("group"), .text("network"), .text("predictions"), .number("accuracy")],
      rows: document.groups.flatMap { group in
        group.networks.map { [group.name, $0.path, $0.form, Format.fixed($0.accuracy, 4)] }
      })
    let maps = try result.outputMaps()
    var sections = [
      Section(
        "Findings",
        panels: [
          .table(Table(document.table)),
          .table(Table([.text("summary")], rows: document.sentences.map { [$0] })),
        ]),
      Section("Examples", panels: [.picture(svg: scatter, description: halves)]),
      Section("Classes", panels: differences.map { .intervals($0) }),
    ]
    let ahead = zip(names, [document.firstAhead, document.secondAhead]).filter {
      !$1.examples.isEmpty
    }
    if !ahead.isEmpty {
      sections.append(
        Section(
          "Examples that differ most",
          note: "Chosen on half of the networks, evaluated on the held-out half.",
          panels: ahead.map { .table(Table($1, leader: $0)) }))
    }
    if !maps.isEmpty { sections.append(Section("Outputs of all networks", panels: maps)) }
    sections.append(Section("Networks", panels: [.table(networks)]))
    self.init(
      title: "Errors of \(names[0]) and \(names[1])",
      facts: [
        .init("Examples", Format.count(document.examples)),
        .init("Classes", Format.count(document.classCount)),
        .init("Labels", document.labels), .init("Seed", String(document.seed)),
        .init("Time", Format.seconds(document.seconds)),
      ], sections: sections)
  }
}

extension Report.Table {
  fileprivate init(_ ahead: ErrorAgreementDocument.Ahead, leader: String) {
    self.init(
      [
        .number("example"), .number("chosen in % of repeats"), .number("difference where chosen"),
        .number("difference on held-out networks"),
      ],
      rows: ahead.examples.map { example in
        [
          String(example.index), Format.fixed(100 * example.frequency, 1),
          Format.fixed(example.chosen, 3), Format.fixed(example.judged, 3),
        ]
      }, caption: "Examples on which \(leader) is better")
  }
}

extension ErrorAgreementResult {
  /// How alike the outputs of all networks are, a map a measure.
  fileprivate func outputMaps() throws -> [Report.Panel] {
    let groups = document.groups
    var start = 0
    let ranges = groups.map { group in
      defer { start += group.networks.count }
      return Heatmap.Group(name: group.name, range: start..<start + group.networks.count)
    }
    let axis = Heatmap.Axis(
      labels: groups.flatMap { $0.networks.map { splitPath($0.path).name } }, groups: ranges)
    var panels: [Report.Panel] = []
    for (measure, values) in outputs {
      let most = values.elements.filter(\.isFinite).max() ?? 1
      let heatmap = try Heatmap(
        values: values.elements, rows: values.rows, columns: values.columns, rowAxis: axis,
        columnAxis: axis, range: 0...(most > 0 ? most : 1), scoreName: measure.rawValue,
        title: measure.rawValue)
      panels.append(.maps([Report.Map(heatmap, name: "")], label: ""))
    }
    return panels
  }
}
