import Analyses
import ArgumentParser
import CKA
import CommandSupport
import Device
import Inputs
import Results
import Support

struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Accuracy of a linear classifier on each layer.",
    discussion: """
      Fits a multinomial logistic regression to the training examples at every layer, tests it on \
      the others, and prints a table of accuracies. Writes probe.json, probe.csv, probe.png, .svg \
      and .pdf into the output folder.
      """)

  @Argument(help: "The model.", completion: .file())
  var model: String

  @OptionGroup var names: NameOption

  @Option(
    help: ArgumentHelp("Class of every example: integers from 0.", valueName: "y.npy"),
    completion: .file())
  var labels: String

  @Option(
    help: """
      Strength of the L2 penalty relative to the summed losses: 1/C of scikit-learn's \
      LogisticRegression.
      """)
  var penalty = 1.0

  @Option(help: "Fraction of each class's examples held out for testing.")
  var testFraction = 0.25

  @Option(help: "Random seed of the test examples and of --examples.")
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp("Use at most N examples, drawn by --seed.", valueName: "N"))
  var examples: Int?

  @OptionGroup var drop: DropOption

  @Option(
    help: ArgumentHelp(
      "Result folder of cka blocks or cka compare --blocks for this model; its blocks are shaded.",
      valueName: "result"),
    completion: .directory
  )
  var blocks: String?

  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var work: WorkOptions

  @OptionGroup var output: OutputOptions<ProbeResult>

  func validate() throws {
    try names.check(count: 1)
    try checkRange("--penalty", penalty, Probe.penalties)
    try checkRange("--examples", examples, 4...)
    guard testFraction > 0, testFraction < 1 else {
      throw ValidationError("--test-fraction is \(testFraction); it must be between 0 and 1.")
    }
  }

  func run() throws {
    try output.write { log in
      let start = ContinuousClock.now
      let source = try layers.selection.openPair(
        [model], layers: layers.layers, names: names.name
      ) { log.warning("\($0)") }[0]
      let all = try readLabels(labels, count: source.exampleCount, of: model)
      let taken = try ExamplePairing.of(
        source, nil, alignment: .order, limit: examples, seed: seed, paths: [model])
      let pairing = try drop.apply(to: taken, source, nil, paths: [model], log: log)
      let probe = try Probe(
        source, examples: pairing.left, labels: all, from: labels, testFraction: testFraction,
        seed: seed, penalty: penalty)
      let spans = try blocks.map { try BlockSpans(at: $0, layers: source.layers.map(\.name)) }
      let (team, choice) = try work.team(log: log)
      try probe.checkMemory(on: team, isLimited: work.isLimited)

      let (results, info) = try probe.run(on: team)
      log.tell(try probe.notes(of: results, path: model))
      try probe.checkValues(of: results, path: model)
      var document = ProbeDocument(
        probe, results, path: model, labelsPath: labels, testFraction: testFraction, seed: seed,
        pooling: layers.pool.rawValue, precision: work.precision, device: info,
        blocks: spans?.ranges, seconds: start.elapsed)
      document.device.add(reasons: choice.reasons)
      document.examples.nonFinite = pairing.dropped
      let result = ProbeResult(document)
      return (result, result.dataFiles, document.table.text + document.summary + "\n")
    }
  }
}
