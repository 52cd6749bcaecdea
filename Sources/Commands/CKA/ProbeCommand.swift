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
    abstract: "How well a linear classifier reads the classes from each layer.",
    discussion: """
      Fits a multinomial logistic regression to a part of the examples of every layer, judges it by the \
      others, and prints a table of accuracies. Writes probe.json, probe.csv, probe.png, .svg and .pdf \
      into the output folder.
      """)

  @Argument(help: "The model.", completion: .file())
  var model: String

  @OptionGroup var names: NameOption

  @Option(
    help: ArgumentHelp("The class of every example: whole numbers from 0.", valueName: "y.npy"),
    completion: .file())
  var labels: String

  @Option(
    help: """
      The weight of the squared weights against the summed losses: 1/C of scikit-learn's \
      LogisticRegression.
      """)
  var penalty = 1.0

  @Option(help: "The share of the examples of each class that is tested, not fitted.")
  var testFraction = 0.25

  @Option(help: "What decides which examples are tested, and which --examples takes.")
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp("At most so many examples, drawn by --seed.", valueName: "N"))
  var examples: Int?

  @OptionGroup var drop: DropOption

  @Option(
    help: ArgumentHelp(
      "A folder that cka blocks, or cka compare --blocks, wrote of the model: its blocks are shaded.",
      valueName: "result"),
    completion: .directory
  )
  var blocks: String?

  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption

  @OptionGroup var granted: MemoryOption

  @OptionGroup var output: OutputOptions<ProbeResult>

  func validate() throws {
    try names.check(count: 1)
    guard Probe.penalties.contains(penalty) else {
      throw ValidationError(
        "--penalty is \(penalty): \(Probe.penalties.lowerBound) to \(Probe.penalties.upperBound).")
    }
    guard testFraction > 0, testFraction < 1 else {
      throw ValidationError("--test-fraction is \(testFraction): between 0 and 1.")
    }
    if let examples, examples < 4 {
      throw ValidationError("--examples is \(examples): at least 4.")
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: output.quiet)
    try reportingFailures {
      let start = ContinuousClock.now
      let folder = try output.folder
      let opened = try layers.selection.open(model, layers: layers.layers) { log.warning("\($0)") }
      try ModelSelection.check(layers.patterns, of: opened.arrays, in: [model])
      let source = names.rename([opened.model], paths: [model])[0]
      let all = try readLabels(labels, count: source.exampleCount, of: model)
      let chosen: ExamplePairing
      do throws(ComparisonError) {
        chosen = try ExamplePairing(source, limit: examples, seed: seed)
      } catch {
        throw Failure(.data, "\(oneLine(model)): \(oneLine(error.description))")
      }
      let pairing = try drop.apply(to: chosen, source, nil, paths: [model], log: log)
      let probe = try Probe(
        source, examples: pairing.left, labels: all, from: labels, testFraction: testFraction,
        seed: seed, penalty: penalty)
      let spans = try blocks.map { try BlockSpans(at: $0, layers: source.layers.map(\.name)) }
      let choice = try device.choose(log: log)
      let team = deviceTeam(choice, memory: granted.memory, log: log)
      if granted.memory != nil { ProcessSetup.returnFreedMemory() }
      try probe.checkMemory(on: team, isLimited: granted.memory != nil)

      let (results, info) = try probe.run(on: team)
      log.tell(try probe.notes(of: results, path: model))
      guard results.contains(where: { $0.status == .ok }) else {
        throw Failure(.data, "\(oneLine(model)): no layer has a value; nothing was written")
      }
      var document = ProbeDocument(
        probe, results, path: model, labelsPath: labels, testFraction: testFraction, seed: seed,
        pooling: layers.pool.rawValue, precision: device.precision, device: info,
        blocks: spans?.ranges, seconds: start.elapsed)
      document.device.add(reasons: choice.reasons)
      document.examples.nonFinite = pairing.dropped
      let result = ProbeResult(document)
      try output.write(
        result, result.dataFiles, to: folder, text: document.table.text + document.summary + "\n")
    }
  }
}
