import ActivationFiles
import Activations
import CKA
import CommandSupport
import Figures
import Foundation
import Report

/// The files of a result of `errors`, as bytes, ready to be written.
struct ErrorsFiles {
  /// The file that says what the result is.
  static let document = "errors.json"
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    command: "errors", document: document, formatFamily: ErrorsDocument.formatFamily,
    names: Set(
      [document, "networks.csv", "examples.csv"]
        + OutputSimilarity.Measure.allCases.map { "\($0.rawValue).npy" }
        + ["classes", "class-groups"].flatMap { ["\($0).csv", "\($0).png", "\($0).svg"] }
        + ["examples.png", "examples.svg", Report.fileName]))

  /// Names and bytes.
  let contents: [(name: String, bytes: [UInt8])]

  /// - Parameter report: whether a page is among them.
  init(
    _ document: ErrorsDocument, _ study: ErrorStudy, _ findings: ErrorFindings,
    exampleIDs: [String]?, report: Bool
  ) throws {
    var files: [(name: String, bytes: [UInt8])] = [
      (Self.document, try document.json), ("networks.csv", document.networks),
      ("examples.csv", Self.examples(study, findings, exampleIDs)),
      ("classes.csv", Self.table(findings.classes)),
    ]
    for (measure, values) in findings.similarity.values {
      files.append(("\(measure.rawValue).npy", npy(values)))
    }
    var charts: [IntervalChart] = []
    let names = (study.first.name, study.second.name)
    let density = try DensityChart(
      findings.control, names: names, repeats: document.repeats)
    let scatter = try density.data(.svg)
    files += [("examples.png", try density.data(.png)), ("examples.svg", scatter)]
    for (name, found, what) in [
      ("classes", findings.classes, "classes"),
      ("class-groups", findings.groupsOfClasses, "groups of classes"),
    ] {
      guard let found else { continue }
      let chart = try IntervalChart(found, what: what, names: names)
      files += try pictures(name, of: chart)
      charts.append(chart)
    }
    if let found = findings.groupsOfClasses {
      files.append(("class-groups.csv", Self.table(found)))
    }
    if report {
      let page = try Report(document, findings, scatter: scatter, differences: charts)
      files.append((Report.fileName, try page.bytes()))
    }
    contents = files
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
  fileprivate init(
    _ control: DispersionControl, names: (first: String, second: String), repeats: Int
  ) throws(FigureError) {
    let scatters = control.scatters
    let (rows, columns) = (scatters.firstCount + 1, scatters.secondCount + 1)
    func panel(
      _ title: String, _ y: String, _ x: String, _ rows: Int, _ columns: Int, _ counts: [Int]
    ) -> Panel {
      Panel(
        title: title, xTitle: "\(x): accuracy", yTitle: "\(y): accuracy", rows: rows,
        columns: columns, counts: counts.map { Double($0) / Double(repeats) })
    }
    let (a, b) = (names.first, names.second)
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
    _ found: SubsetDifferences, what: String, names: (first: String, second: String)
  ) throws(FigureError) {
    let sorted = found.subsets.sorted { $0.accuracy.difference < $1.accuracy.difference }
    let level = ErrorsDocument.level
    try self.init(
      bars: sorted.map { subset in
        Bar(
          name: subset.name, value: subset.accuracy.difference,
          interval: subset.accuracy.welch?.interval(confidence: 0.95),
          isStrong: (subset.adjustedP ?? 1) < level)
      }, xTitle: what, yTitle: "difference of accuracy",
      title: "\(names.first) less \(names.second)",
      note: "95 % intervals; in color: adjusted p < \(level)")
  }
}
