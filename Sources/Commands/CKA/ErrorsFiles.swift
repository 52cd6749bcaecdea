import ActivationFiles
import Activations
import Analyses
import Device
import Figures
import Foundation
import Report
import Support

/// What `errors` finds, as far as it is drawn.
struct ErrorsResult: DrawableResult {
  let document: ErrorsDocument
  /// Networks × networks, of the measures there are, in their order.
  let outputs: [(measure: OutputSimilarity.Measure, values: Matrix<Double>)]

  init(_ document: ErrorsDocument, _ similarity: OutputSimilarity) {
    self.document = document
    outputs = Self.measures(of: document).compactMap { measure in
      similarity.values[measure].map { (measure, $0) }
    }
  }

  init(in folder: String) throws {
    let document = try ErrorsDocument(in: folder)
    self.document = document
    let count = document.networkCount
    outputs = try Self.measures(of: document).map { measure in
      let path = "\(folder)/\(measure.rawValue).npy"
      let values = try writtenMatrix(at: path, rows: count, columns: count)
      if let other = values.elements.first(where: { $0.magnitude > plainNumbers.upperBound }) {
        throw Failure(.data, "\(oneLine(path)): holds \(other), expected a similarity")
      }
      return (measure, values)
    }
  }

  private static func measures(of document: ErrorsDocument) -> [OutputSimilarity.Measure] {
    OutputSimilarity.Measure.allCases.filter { document.outputs[$0.rawValue] != nil }
  }

  private func scatter() throws -> DensityChart { try DensityChart(document) }

  private func differences() throws -> [(name: String, chart: IntervalChart)] {
    let classes = try IntervalChart(document.classes, what: "classes", of: document)
    let groups = try document.classGroups.map {
      try IntervalChart($0, what: "groups of classes", of: document)
    }
    return [("classes", classes)] + (groups.map { [("class-groups", $0)] } ?? [])
  }

  func figures() throws -> [NamedFigure] {
    try [NamedFigure(name: "examples", figure: scatter())]
      + differences().map { NamedFigure(name: $0.name, figure: $0.chart) }
  }

  func report() throws -> Report {
    try Report(self, scatter: scatter().data(.svg), differences: differences().map(\.chart))
  }
}

/// The files of a result of `errors`, as bytes, ready to be written.
struct ErrorsFiles {
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    ErrorsDocument.self,
    names: ["networks.csv", "examples.csv", "classes.csv", "class-groups.csv"]
      + OutputSimilarity.Measure.allCases.map { "\($0.rawValue).npy" },
    figures: ["examples", "classes", "class-groups"])

  /// Names and bytes.
  let contents: [(name: String, bytes: [UInt8])]

  /// - Parameter report: whether a page is among them.
  init(
    _ document: ErrorsDocument, _ study: ErrorStudy, _ findings: ErrorFindings,
    exampleIDs: [String]?, report: Bool
  ) throws {
    var files: [(name: String, bytes: [UInt8])] = [
      (ErrorsDocument.name, try document.json), ("networks.csv", document.networks),
      ("examples.csv", Self.examples(study, findings, exampleIDs)),
      ("classes.csv", Self.table(findings.classes)),
    ]
    for (measure, values) in findings.similarity.values {
      files.append(("\(measure.rawValue).npy", npy(values)))
    }
    if let found = findings.groupsOfClasses {
      files.append(("class-groups.csv", Self.table(found)))
    }
    let result = ErrorsResult(document, findings.similarity)
    contents = try files + result.drawings(report: report).map { try $0() }
  }

  /// Accuracies on each set of examples; what does not exist is empty.
  private static func table(_ found: SubsetDifferences) -> [UInt8] {
    found.subsets.reduce(
      into: csvLine([
        "name", "classes", "examples", "first_accuracy", "first_se", "second_accuracy", "second_se",
        "difference", "lower95", "upper95", "t", "df", "p", "p_holm_sidak",
      ])
    ) { bytes, subset in
      let (accuracy, welch) = (subset.accuracy, subset.accuracy.welch)
      let interval = welch?.interval(confidence: 0.95)
      let numbers: [Double?] = [
        accuracy.first.mean, accuracy.first.standardError, accuracy.second.mean,
        accuracy.second.standardError, accuracy.difference, interval?.lowerBound,
        interval?.upperBound, welch?.t, welch?.degreesOfFreedom, welch?.p, subset.adjustedP,
      ]
      bytes += csvLine(
        [
          subset.name, subset.classes.map(String.init).joined(separator: " "),
          String(accuracy.exampleCount),
        ] + numbers.map { csvNumber($0 ?? .nan) })
    }
  }

  private static func examples(
    _ study: ErrorStudy, _ findings: ErrorFindings, _ ids: [String]?
  ) -> [UInt8] {
    func byIndex(_ found: DifferingExamples) -> [Int: DifferingExamples.Example] {
      Dictionary(uniqueKeysWithValues: found.examples.map { ($0.index, $0) })
    }
    let (first, second) = (byIndex(findings.ahead.first), byIndex(findings.ahead.second))
    let accuracies = study.exampleAccuracies
    return study.labels.indices.reduce(
      into: csvLine([
        "example", "id", "label", "first_accuracy", "second_accuracy", "difference",
        "first_ahead_frequency", "first_ahead_judged", "second_ahead_frequency",
        "second_ahead_judged",
      ])
    ) { bytes, index in
      let (a, b) = (accuracies.first[index], accuracies.second[index])
      let numbers: [Double?] = [
        a, b, a - b, first[index]?.frequency ?? 0, first[index]?.judged,
        second[index]?.frequency ?? 0, second[index]?.judged,
      ]
      bytes += csvLine(
        [String(index), ids?[index] ?? "", String(study.labels[index])]
          + numbers.map { csvNumber($0 ?? .nan) })
    }
  }
}

extension ErrorsDocument {
  /// The networks' accuracies as a table for programs, in the order of the matrices' rows.
  fileprivate var networks: [UInt8] {
    groups.reduce(into: csvLine(["group", "network", "form", "accuracy"])) { bytes, group in
      for network in group.networks {
        bytes += csvLine([
          group.name, network.path, network.form, csvNumber(network.accuracy),
        ])
      }
    }
  }
}

extension DensityChart {
  /// Per-example accuracies of halves: of A against B, and of each group against itself.
  fileprivate init(_ document: ErrorsDocument) throws(FigureError) {
    let scatters = document.dispersion.halves.scatters
    let (rows, columns) = (scatters.first + 1, scatters.second + 1)
    let repeats = document.repeats
    func panel(
      _ title: String, _ y: String, _ x: String, _ rows: Int, _ columns: Int, _ counts: [Int]
    ) -> Panel {
      Panel(
        title: title, xTitle: "\(x): accuracy", yTitle: "\(y): accuracy", rows: rows,
        columns: columns, counts: counts.map { Double($0) / Double(repeats) })
    }
    let (a, b) = (document.groups[0].name, document.groups[1].name)
    try self.init(
      panels: [
        panel("group against group", a, b, rows, columns, scatters.between),
        panel("\(a) against itself", a, "others of it", rows, rows, scatters.withinFirst),
        panel("\(b) against itself", b, "others of it", columns, columns, scatters.withinSecond),
      ], countName: "examples",
      title: "accuracy of each example, half of a group against another half")
  }
}

extension IntervalChart {
  /// Differences from the least to the most.
  fileprivate init(
    _ found: ErrorsDocument.Subsets, what: String, of document: ErrorsDocument
  ) throws(FigureError) {
    try self.init(
      bars: found.differences.sorted { $0.difference < $1.difference }.map { subset in
        Bar(
          name: subset.name, value: subset.difference,
          interval: subset.interval.map { $0[0]...$0[1] },
          isStrong: (subset.adjustedP ?? 1) < found.level)
      }, xTitle: what, yTitle: "difference of accuracy",
      title: "\(document.groups[0].name) less \(document.groups[1].name)",
      note: "95 % intervals; in color: adjusted p < \(found.level)")
  }
}
