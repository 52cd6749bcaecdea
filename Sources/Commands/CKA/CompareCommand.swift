import ActivationFiles
import Activations
import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Foundation
import Logging
import Report
import ResultFigures
import Results
import Support

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Similarity of all layers of MODEL, with those of MODEL2 if given.",
    discussion: """
      Writes cka.npy, cka.csv, z.npy, result.json, heatmap.png, .svg and .pdf into the output \
      folder and prints a map.
      """)

  @OptionGroup var models: ModelPairOptions

  @OptionGroup(title: "Estimator") var estimator: EstimatorOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup var drop: DropOption
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption
  @OptionGroup(title: "Memory") var planning: PlanOptions

  @Option(
    help: ArgumentHelp("The folder that is written.", valueName: "dir"), completion: .directory)
  var output = "cka-result"

  @Flag(help: "Replace the output folder if it holds an earlier result.")
  var force = false

  @Flag(help: "Find the blocks of one model, as cka blocks does, and outline them in its map.")
  var blocks = false

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try estimator.checkSeed(with: examples)
    try examples.check(for: estimator.value)
    if blocks, models.model2 != nil {
      throw ValidationError("--blocks belongs to one model, not to two.")
    }
    guard planning.median != nil else { return }
    guard estimator.estimator != .minibatch, estimator.kernel.kernel == .rbf,
      estimator.kernel.sigma == nil
    else {
      throw ValidationError(
        "--median belongs to unbiased and biased with --kernel rbf and its bandwidth by the median."
      )
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: quiet)
    try reportingFailures {
      let clock = ContinuousClock()
      let start = clock.now
      let folder =
        planning.dryRun
        ? nil
        : try ResultFolder(output, of: CompareResult.kind, replacing: force, warn: Console.warning)
      let (left, right) = try models.open(layers, log: log)
      let comparison = try pair(left, right, log: log)
      try checkExampleCount(comparison, path: models.model)
      let choice = try chooseDevice(device.device, precision: device.precision, log: log)
      let plan = try comparison.plan(
        on: choice, memory: planning.memory, isMeasured: planning.dryRun)
      announce(comparison, plan, on: choice, to: log)
      guard let folder else {
        let dryRun = try reportingDeviceErrors { () throws(DeviceError) in
          try DryRun(
            comparison, plan, on: choice.devices, sharing: choice.sharing,
            memory: planning.memory?.bytes)
        }
        return try Console.print(dryRun.text, terminator: "")
      }
      announce(plan, memory: planning.memory, to: log)
      let opened = (clock.now - start) / .seconds(1)

      let outcome = try run(comparison, plan, on: choice, log: log)
      let nonFinite = try report(
        outcome.similarity, comparison, paths: models.paths, to: log)
      try checkHasValues(outcome.similarity, of: models.model)
      var result = ResultDocument(
        comparison, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: device.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: (clock.now - start) / .seconds(1)))
      result.device.add(reasons: choice.reasons)
      for index in result.models.indices { result.models[index].add(nonFinite[index]) }
      result.plan = plan.map { .init($0, of: comparison, memory: planning.memory?.bytes) }
      if blocks { try result.findBlocks(in: outcome.similarity.cka) }
      let found = CompareResult(result, outcome.similarity)
      let files = try found.files(with: found.dataFiles, report: page.isWanted)
      try folder.write(files)
      if !quiet {
        try Console.print(found.heatmap().terminalText(), terminator: "")
        try Console.print(summary(result, folder))
      }
    }
  }

  private func pair(
    _ left: ActivationModel, _ right: ActivationModel?, log: Logger
  ) throws -> Comparison {
    let all = try examples.pairing(left, right, paths: models.paths, seed: estimator.seedValue)
    let pairing = try drop.apply(to: all, left, right, paths: models.paths, log: log)
    return try Comparison(
      left, right, pairing: pairing, estimator: estimator.value,
      kernel: estimator.kernel.value(isSampled: planning.median == .sample))
  }

  private func run(
    _ comparison: Comparison, _ plan: ExactPlan?, on choice: DeviceRegistry.Choice, log: Logger
  ) throws -> Comparison.Outcome {
    var comparison = comparison
    comparison.meter = Progress.meter
    do throws(DeviceError) {
      return try comparison.run(
        on: choice.devices, sharing: choice.sharing, plan: plan,
        memory: planning.memory?.bytes ?? Comparison.defaultMemory
      ) { event in
        report(event, to: log)
      }
    } catch {
      throw failure(of: error)
    }
  }

  private func summary(_ result: ResultDocument, _ folder: ResultFolder) -> String {
    let counts = result.models.map { String($0.layers.count) }
    let layers = "\(counts[0]) × \(counts.last ?? counts[0]) layers"
    let method = "\(result.estimator.name) CKA, \(result.kernel.name)"
    let workers = ([result.device] + (result.sharingDevices ?? [])).map(\.id)
    return """
      \(layers), \(Format.count(result.examples.used)) examples, \(method), on \
      \(workers.joined(separator: ", ")) in \(Format.seconds(result.timings?.total ?? 0))
      written to \(oneLine(folder.path)): heatmap.png, heatmap.svg, heatmap.pdf, cka.npy, cka.csv, \
      \(result.hasSignificance ? "z.npy, " : "")result.json\
      \(page.isWanted ? ", \(ResultNames.page)" : "")
      """
  }
}
