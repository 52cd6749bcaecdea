import Analyses
import ArgumentParser
import CommandSupport
import Inputs
import ResultFigures
import Results
import Support

struct ErrorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "errors",
    abstract: "Compares the errors of two groups of networks.",
    discussion: """
      Reads the predictions of networks for the same examples and compares two groups: accuracy \
      overall, per example and per class, the examples that differ most, and the agreement of \
      predictions, each with the same number for random groups.

        cka errors --group 'wide=runs/wide-*.npy' --group 'deep=runs/deep-*.npy' --labels y.npy

      Predictions are a .npy file or a layer of a MODEL: examples × 1 whole numbers are predicted \
      classes, counted from 0; examples × classes are probabilities or, with --logits, logits. \
      Writes errors.json, CSV tables, matrices and pictures into the output folder.
      """)

  @Option(
    help: ArgumentHelp(
      """
      One of two groups: comma-separated paths or shell patterns. Repeating a name adds to its \
      group. The first group is A, the second B.
      """, valueName: "name=paths"))
  var group: [String]

  @Option(
    help: ArgumentHelp("True class of each example, counted from 0.", valueName: "file"),
    completion: .file())
  var labels: String

  @Option(
    help: ArgumentHelp(
      "Layer with the predictions, for models with several layers.", valueName: "name")
  )
  var layer: String?

  @Flag(help: "Predictions are logits, not probabilities.")
  var logits = false

  @Option(
    help: ArgumentHelp("Names of the classes, one per line.", valueName: "file"),
    completion: .file())
  var classNames: String?

  @Option(
    help: ArgumentHelp(
      """
      Groups of classes to compare as well: JSON, {"animal": ["cat", "dog"]}, or CSV with the \
      header child,parent.
      """, valueName: "file"), completion: .file())
  var hierarchy: String?

  @Option(
    help: ArgumentHelp("Minimum number of classes in such a group (default: 2).", valueName: "N"))
  var leastClasses: Int?

  @Option(
    help: ArgumentHelp("Number of examples with the largest differences to choose.", valueName: "N")
  )
  var top = 20

  @Option(help: "Number of random splits into halves, and at most as many random groups.")
  var repeats = 1000

  @Option(help: "Random seed of the halves and groups.")
  var seed: UInt64 = 0

  @OptionGroup var output: OutputOptions<ErrorAgreementResult>

  func validate() throws {
    try checkRange("--least-classes", leastClasses, 1...)
    try checkRange("--top", top, 1...)
    try checkRange("--repeats", repeats, 1...ErrorFindings.mostRepeats)
    guard leastClasses == nil || hierarchy != nil else {
      throw ValidationError("--least-classes needs --hierarchy.")
    }
  }

  func run() throws {
    try output.write { log in
      let start = ContinuousClock.now
      let (groups, ids) = try ErrorGroups(group).read(layer: layer, areLogits: logits)
      let study = try ErrorStudy(groups[0], groups[1], labels: readLabels(labels))
      let (names, groupsOfClasses) = try study.classes(
        named: classNames, hierarchy: hierarchy, least: leastClasses ?? 2)
      let findings = try ErrorFindings(
        study, classNames: names, groupsOfClasses: groupsOfClasses, limit: top, repeats: repeats,
        seed: seed)
      log.tell(findings.notes)
      let document = ErrorAgreementDocument(
        study, findings, labels: labels, seconds: start.elapsed)
      let result = ErrorAgreementResult(document, findings.similarity)
      return (result, result.dataFiles(study, findings, exampleIDs: ids), document.text)
    }
  }
}
