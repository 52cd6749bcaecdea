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
    abstract: "Where two groups of networks err differently.",
    discussion: """
      Reads what networks predict for the same examples and compares two kinds of them: accuracy, \
      accuracy of each example and class, the examples that differ most, and how alike the \
      predictions are, each beside what chance makes of networks of one kind.

        cka errors --group 'wide=runs/wide-*.npy' --group 'deep=runs/deep-*.npy' --labels y.npy

      Predictions are a .npy file or a layer of a MODEL: examples × 1 whole numbers are predicted \
      classes, counted from 0; examples × classes are probabilities or, with --logits, logits. \
      Writes errors.json, CSV tables, matrices and pictures into the output folder.
      """)

  @Option(
    help: ArgumentHelp(
      """
      One of two groups: paths or shell patterns with commas between them; a name that comes again \
      adds to its group. The first is A, the second B.
      """, valueName: "name=paths"))
  var group: [String]

  @Option(
    help: ArgumentHelp("The true class of each example, counted from 0.", valueName: "file"),
    completion: .file())
  var labels: String

  @Option(
    help: ArgumentHelp("The layer with the predictions, of models with several.", valueName: "name")
  )
  var layer: String?

  @Flag(help: "Numbers of several classes are logits, not probabilities.")
  var logits = false

  @Option(
    help: ArgumentHelp("What the classes are called, one a line.", valueName: "file"),
    completion: .file())
  var classNames: String?

  @Option(
    help: ArgumentHelp(
      """
      Groups of classes that are compared, too: JSON, {"animal": ["cat", "dog"]}, or CSV with the \
      header child,parent.
      """, valueName: "file"), completion: .file())
  var hierarchy: String?

  @Option(
    help: ArgumentHelp("The fewest classes of such a group: 2 unless given.", valueName: "N"))
  var leastClasses: Int?

  @Option(help: ArgumentHelp("How many differing examples are chosen at a time.", valueName: "N"))
  var top = 20

  @Option(help: "Random halves of the groups, and at most so many random groups.")
  var repeats = 1000

  @Option(help: "What decides the random halves and groups.")
  var seed: UInt64 = 0

  @OptionGroup var output: OutputOptions<ErrorsResult>

  /// The most random halves and groups.
  private static let mostRepeats = 1_000_000

  func validate() throws {
    for (name, value) in [
      ("--least-classes", leastClasses ?? 2), ("--top", top), ("--repeats", repeats),
    ] where value < 1 {
      throw ValidationError("\(name) is \(value): at least 1.")
    }
    guard repeats <= Self.mostRepeats else {
      throw ValidationError("--repeats is \(repeats): at most \(Self.mostRepeats).")
    }
    guard leastClasses == nil || hierarchy != nil else {
      throw ValidationError("--least-classes belongs to --hierarchy, which groups classes.")
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: output.quiet)
    try reportingFailures {
      let start = ContinuousClock.now
      let folder = try output.folder
      let (groups, ids) = try ErrorGroups(group).read(layer: layer, areLogits: logits)
      let study = try ErrorStudy(groups[0], groups[1], labels: readLabels(labels))
      let names = try classNames.map { try readClassNames($0, count: study.classCount) }
      let groupsOfClasses = try hierarchy.map {
        try readGroups($0, of: names ?? study.classNumbers, least: leastClasses ?? 2)
      }
      let findings = try ErrorFindings(
        study, classNames: names, groupsOfClasses: groupsOfClasses, limit: top, repeats: repeats,
        seed: seed)
      log.tell(findings.notes)
      let document = ErrorsDocument(
        study, findings, labels: labels, repeats: repeats, seed: seed, seconds: start.elapsed)
      let result = ErrorsResult(document, findings.similarity)
      try output.write(
        result, result.dataFiles(study, findings, exampleIDs: ids), to: folder,
        text: document.text)
    }
  }
}
