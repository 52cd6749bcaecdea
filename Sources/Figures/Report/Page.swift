import CReportPage
import Figures
import FoundationEssentials

extension Report {
  /// The page as the bytes of an HTML file.
  ///
  /// Numbers of maps are float32, or, where they would take more than 10 MB, 16 bits: a step is 1/65534
  /// of what lies between the least and the greatest number of a map.
  ///
  /// - Throws: `FigureError` of kind `invalid` where the parts of the report contradict each other, or a number
  ///   that is written as text is none.
  public func page() throws(FigureError) -> [UInt8] {
    try check()
    var writer = DocumentWriter(total: maps.reduce(0) { $0 + $1.count })
    let document = writer.document(of: self)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json: Data
    do {
      json = try encoder.encode(document)
    } catch {
      throw .invalid("the report holds a number that JSON has not: \(error)")
    }
    let script = [
      cka_report_elements_js, cka_report_numbers_js, cka_report_geometry_js, cka_report_painter_js,
      cka_report_map_js, cka_report_chooser_js, cka_report_table_js, cka_report_chart_js,
      cka_report_main_js,
    ].map { String(cString: $0) }.joined(separator: "\n")
    return Self.filled(
      String(cString: cka_report_html),
      [
        ("title", Self.markup(displayText(title))),
        ("style", Array(String(cString: cka_report_css).utf8)),
        ("document", Self.inScript(json)),
        ("numbers", writer.blocks.markup), ("script", Array(script.utf8)),
      ])
  }

  /// All maps, those of pairs and their overviews included.
  private var maps: [Map] {
    sections.flatMap(\.panels).flatMap { panel -> [Map] in
      switch panel {
      case .maps(let maps, label: _): return maps
      case .pairs(let pairs): return pairs.maps + [Map(pairs.overview, name: "")]
      case .chart, .intervals, .picture, .table: return []
      }
    }
  }

  /// `template` with each `{{name}}` replaced, in their order; what is put in is not looked at again.
  private static func filled(_ template: String, _ parts: [(name: String, text: [UInt8])])
    -> [UInt8]
  {
    var page: [UInt8] = []
    page.reserveCapacity(parts.reduce(template.utf8.count) { $0 + $1.text.count })
    var rest = template[...]
    for part in parts {
      guard let place = rest.firstRange(of: "{{\(part.name)}}") else {
        preconditionFailure("the page has no place for \(part.name)")
      }
      page += rest[..<place.lowerBound].utf8
      page += part.text
      rest = rest[place.upperBound...]
    }
    return page + rest.utf8
  }

  /// Text between tags.
  private static func markup(_ text: String) -> [UInt8] {
    text.utf8.flatMap { byte -> [UInt8] in
      switch byte {
      case UInt8(ascii: "<"): Array("&lt;".utf8)
      case UInt8(ascii: "&"): Array("&amp;".utf8)
      default: [byte]
      }
    }
  }

  /// JSON that cannot end the element it stands in: `<` occurs in its strings only.
  private static func inScript(_ json: Data) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(json.count)
    for byte in json {
      if byte == UInt8(ascii: "<") { bytes += Array("\\u003c".utf8) } else { bytes.append(byte) }
    }
    return bytes
  }
}

/// Turns a report into a document and blocks of numbers.
private struct DocumentWriter {
  var blocks: NumberBlocks
  private var axes: [Heatmap.Axis] = []
  private var indices: [Heatmap.Axis: Int] = [:]

  init(total: Int) { blocks = NumberBlocks(total: total) }

  mutating func document(of report: Report) -> Document {
    let sections = report.sections.map { section in
      Document.Section(
        title: displayText(section.title), note: section.note,
        panels: section.panels.map { panel(of: $0, isAlone: section.panels.count == 1) })
    }
    return Document(
      title: displayText(report.title),
      facts: report.facts.map { .init(name: $0.name, value: displayText($0.value)) },
      axes: axes.map(Document.Axis.init),
      sections: sections, footer: report.footer, colors: Document.Colors())
  }

  private mutating func panel(of panel: Report.Panel, isAlone: Bool) -> Document.Panel {
    switch panel {
    case .maps(let maps, let label):
      let heading = maps[0].heatmap.title ?? (isAlone ? nil : maps[0].heatmap.scoreName)
      return Document.Panel(
        kind: "maps", heading: maps.count == 1 ? heading.map(displayText) : nil, label: label,
        maps: maps.map { map(of: $0) })
    case .pairs(let pairs):
      return Document.Panel(
        kind: "pairs", maps: pairs.maps.map { map(of: $0) },
        overview: map(of: Report.Map(pairs.overview, name: "")), entries: pairs.entries,
        missing: pairs.missing)
    case .chart(let chart):
      return Document.Panel(kind: "chart", chart: Document.Chart(chart))
    case .intervals(let chart):
      return Document.Panel(kind: "chart", chart: Document.Chart(chart))
    case .picture(let svg, let description):
      return Document.Panel(
        kind: "picture", picture: "data:image/svg+xml;base64,\(Data(svg).base64EncodedString())",
        description: displayText(description))
    case .table(let table):
      return Document.Panel(
        kind: "table", columns: table.columns, caption: table.caption.map(displayText),
        cells: table.rows.map { $0.map(displayText) })
    }
  }

  private mutating func map(of map: Report.Map) -> Document.Map {
    let heatmap = map.heatmap
    return Document.Map(
      name: displayText(map.name), rows: heatmap.rows, columns: heatmap.columns,
      rowAxis: index(of: heatmap.rowAxis), columnAxis: index(of: heatmap.columnAxis),
      low: heatmap.range.lowerBound, high: heatmap.range.upperBound, score: heatmap.scoreName,
      values: blocks.add(heatmap.values),
      extras: map.extras.map { .init(name: $0.name, values: blocks.add($0.values)) },
      statuses: statuses(of: map),
      outlines: heatmap.outlines.map { outline in
        Document.Map.Outline(
          rows: [outline.rows.lowerBound, outline.rows.upperBound],
          columns: [outline.columns.lowerBound, outline.columns.upperBound])
      }, outlineName: heatmap.outlineName,
      faint: heatmap.faint.contains(true) ? blocks.add(heatmap.faint.map { $0 ? 1 : 0 }) : nil,
      faintName: heatmap.faintName, below: heatmap.meaningOfBelow)
  }

  /// Nothing where every cell with a value is `ok` and every other has no status of its own.
  private mutating func statuses(of map: Report.Map) -> Document.Map.Statuses? {
    guard let statuses = map.statuses, statuses.contains(where: { $0 != "ok" }) else { return nil }
    let names = Array(Set(statuses)).sorted()
    let codes = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, UInt8($0)) })
    return Document.Map.Statuses(
      names: names, codes: blocks.add(codes: statuses.compactMap { codes[$0] }))
  }

  private mutating func index(of axis: Heatmap.Axis) -> Int {
    if let index = indices[axis] { return index }
    axes.append(axis)
    indices[axis] = axes.count - 1
    return axes.count - 1
  }
}
