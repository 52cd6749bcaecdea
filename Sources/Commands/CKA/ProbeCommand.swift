import Activations
import Analyses
import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Foundation
import Inputs
import Logging
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

  @Option(
    help: ArgumentHelp("The folder that is written.", valueName: "dir"), completion: .directory)
  var output = "cka-probe"

  @Flag(help: "Replace the output folder if it holds an earlier result of probe.")
  var force = false

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

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
    let log = Console.bootstrapLogging(isQuiet: quiet)
    try reportingFailures {
      let clock = ContinuousClock()
      let start = clock.now
      let folder = try ResultFolder(
        output, of: ProbeResult.kind, replacing: force, warn: Console.warning)
      let opened = try layers.selection.open(model, layers: layers.layers) { log.warning("\($0)") }
      try ModelSelection.check(layers.patterns, of: opened.arrays, in: [model])
      let source = names.rename([opened.model], paths: [model])[0]
      let all = try readLabels(labels, count: source.exampleCount, of: model)
      let pairing = try drop.apply(
        to: try chosenExamples(of: source), source, nil, paths: [model], log: log)
      let probe = try probe(source, all, pairing.left)
      let spans = try blocks.map { try BlockSpans(at: $0, layers: source.layers.map(\.name)) }
      try checkMemory(probe)
      let choice = try chooseDevice(device.device, precision: device.precision, log: log)
      let (results, info) = try run(probe, on: choice, log: log)
      try warn(results, probe, to: log)
      guard results.contains(where: { $0.status == .ok }) else {
        throw Failure(.data, "\(oneLine(model)): no layer has a value; nothing was written")
      }
      var document = ProbeDocument(
        probe, results, path: model, labelsPath: labels, testFraction: testFraction, seed: seed,
        pooling: layers.pool.rawValue, precision: device.precision, device: info,
        blocks: spans?.ranges, seconds: (clock.now - start) / .seconds(1))
      document.device.add(reasons: choice.reasons)
      document.examples.nonFinite = pairing.dropped
      let result = ProbeResult(document)
      let files = try result.files(with: result.dataFiles, report: page.isWanted)
      try folder.write(files)
      if !quiet {
        try Console.print(document.table.text, terminator: "")
        try Console.print(document.summary)
        try Console.print(
          "written to \(oneLine(folder.path)): \(files.map(\.name).joined(separator: ", "))"
        )
      }
    }
  }

  private func chosenExamples(of source: ActivationModel) throws -> ExamplePairing {
    do throws(ComparisonError) {
      return try ExamplePairing(source, limit: examples, seed: seed)
    } catch {
      throw Failure(.data, "\(oneLine(model)): \(oneLine(error.description))")
    }
  }

  private func probe(
    _ source: ActivationModel, _ all: [Int], _ chosen: [Int]
  ) throws -> Probe {
    let classes = ClassLabels(chosen.map { all[$0] })
    do throws(ProbeError) {
      let split = try ProbeSplit(classes, testFraction: testFraction, seed: seed)
      return try Probe(source, examples: chosen, labels: classes, split: split, penalty: penalty)
    } catch {
      throw Failure(.data, "\(oneLine(labels)): \(error.description)")
    }
  }

  /// Packed sums, the matrix of the fit with its rows for the test, a slab of features, and the solver's own.
  private func checkMemory(_ probe: Probe) throws {
    let n = probe.examples.count
    let bytes = saturatingSum(saturatingProduct(18, n, n), probe.solverBytes)
    guard bytes > Comparison.defaultMemory else { return }
    throw Failure(
      .usage,
      "\(oneLine(model)): \(Format.count(n)) examples take \(Format.bytes(bytes)), more than half of "
        + "what this process may have; --examples takes fewer")
  }

  private func run(
    _ probe: Probe, on choice: DeviceRegistry.Choice, log: Logger
  ) throws -> (layers: [Probe.LayerResult], device: DeviceInfo) {
    var probe = probe
    probe.meter = Progress.meter
    do throws(DeviceError) {
      return try probe.run(on: choice.devices) { report($0, to: log) }
    } catch {
      throw failure(of: error)
    }
  }

  private func warn(_ results: [Probe.LayerResult], _ probe: Probe, to log: Logger) throws {
    let nonFinite = try nonFiniteExamples(
      of: probe.model.layers, results.map(\.status), probe.examples)
    for (index, (layer, result)) in zip(probe.model.layers, results).enumerated() {
      let name = "\(oneLine(model)): layer \(oneLine(layer.name))"
      switch result.status {
      case .constant:
        log.warning("\(name) is left undefined: constant over the examples that are fitted")
      case .ok where !result.isConverged:
        log.warning("\(name): the fit had not converged after \(result.iterations) steps")
      case .ok: break
      default:
        let reason = nonFinite[index]?.words ?? result.status.rawValue
        log.warning("\(name) is left undefined: \(reason)")
      }
    }
  }
}
