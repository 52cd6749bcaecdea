import Activations
import Analyses
import Device
import Statistics
import Support

/// What `errors` finds, as far as it is drawn.
public struct ErrorAgreementResult: FolderResult {
  /// All but the matrices.
  public let document: ErrorAgreementDocument
  /// Networks × networks, of the measures there are, in their order.
  public let outputs: [(measure: OutputSimilarity.Measure, values: Matrix<Double>)]

  /// See the properties.
  public init(_ document: ErrorAgreementDocument, _ similarity: OutputSimilarity) {
    self.document = document
    outputs = Self.measures(of: document).compactMap { measure in
      similarity.values[measure].map { (measure, $0) }
    }
  }

  /// Reads what the command, or `write`, wrote.
  ///
  /// - Throws: `Failure` where a file is missing, damaged or of another format.
  public init(in folder: String) throws {
    let document = try ErrorAgreementDocument(in: folder)
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

  private static func measures(of document: ErrorAgreementDocument) -> [OutputSimilarity.Measure] {
    OutputSimilarity.Measure.allCases.filter { document.outputs[$0.rawValue] != nil }
  }

  /// The folder that is written.
  public static let kind = ResultFolder.Kind(
    ErrorAgreementDocument.self,
    names: ["networks.csv", "examples.csv", "classes.csv", "class-groups.csv"]
      + OutputSimilarity.Measure.allCases.map { "\($0.rawValue).npy" },
    figures: ["examples", "classes", "class-groups"])

  /// All but the pictures.
  ///
  /// - Parameters:
  ///   - study: the predictions of two groups of networks.
  ///   - findings: what was found of `study`.
  ///   - exampleIDs: what the examples are called, where they have names.
  public func dataFiles(
    _ study: ErrorStudy, _ findings: ErrorFindings, exampleIDs: [String]? = nil
  ) -> [FileMaker] {
    var files: [FileMaker] = [
      { (ErrorAgreementDocument.name, try document.json) }, { ("networks.csv", document.networks) },
      { ("examples.csv", Self.examples(study, findings, exampleIDs)) },
      { ("classes.csv", Self.table(findings.classes)) },
    ]
    for (measure, values) in outputs {
      files.append { ("\(measure.rawValue).npy", npy(values)) }
    }
    if let found = findings.groupsOfClasses {
      files.append { ("class-groups.csv", Self.table(found)) }
    }
    return files
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

extension ErrorAgreementDocument {
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
