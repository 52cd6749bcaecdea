import Analyses
import ArgumentParser
import CKA
import CommandSupport
import Device
import ResultFigures
import Results
import Support

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares all layers of MODEL with each other, or with those of MODEL2.",
    discussion: """
      Writes cka.npy, cka.csv, z.npy, result.json, heatmap.png, .svg and .pdf into the output \
      folder and prints a map.
      """)

  @OptionGroup var models: ModelPairOptions

  @OptionGroup(title: "Estimator") var estimator: EstimatorOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption
  @OptionGroup(title: "Memory") var planning: PlanOptions

  @OptionGroup var output: OutputOptions<CompareResult>

  @Flag(help: "Find block structure as cka blocks does and outline it in the map (one model only).")
  var blocks = false

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try estimator.checkSeed(with: examples)
    try examples.check(for: estimator.value)
    if blocks, models.model2 != nil {
      throw ValidationError("--blocks works with one model, not two.")
    }
    guard planning.median != nil else { return }
    guard estimator.estimator != .minibatch, estimator.kernel.kernel == .rbf,
      estimator.kernel.sigma == nil
    else {
      throw ValidationError(
        "--median needs --estimator unbiased or biased, and --kernel rbf without --sigma."
      )
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: output.quiet)
    try reportingFailures {
      let start = ContinuousClock.now
      let folder =
        planning.dryRun
        ? nil
        : try output.folder
      let (left, right) = try models.open(layers, log: log)
      let pairing = try examples.pairing(
        left, right, paths: models.paths, seed: estimator.seedValue, log: log)
      let comparison = try Comparison(
        left, right, pairing: pairing, estimator: estimator.value,
        kernel: estimator.kernel.value(isSampled: planning.median == .sample))
      try comparison.checkExampleCount(path: models.model)
      let memory = planning.memory?.bytes
      let (team, choice) = try device.team(within: planning.memory, log: log)
      let plan = try comparison.plan(
        on: team, isLimited: memory != nil, isMeasured: planning.dryRun)
      log.tell(
        comparison.notes(plan, sharing: choice.sharing, device: choice.devices[0].info))
      guard let folder else {
        let dryRun = try DryRun(comparison, plan, on: team, memory: memory)
        return try Console.print(dryRun.text, terminator: "")
      }
      log.tell(plan?.notes(memory: memory) ?? [])
      let opened = start.elapsed

      let outcome = try comparison.run(on: team, plan: plan)
      let undefined = try UndefinedLayers(of: outcome.similarity, comparison, paths: models.paths)
      log.tell(undefined.notes)
      try outcome.similarity.checkValues(of: models.model)
      var document = ResultDocument(
        comparison, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: device.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: start.elapsed))
      document.device.add(reasons: choice.reasons)
      document.models.add(undefined.nonFinite)
      document.plan = plan.map { .init($0, of: comparison, memory: memory) }
      if blocks { document.add(try BlockDetector().structure(of: outcome.similarity.cka)) }
      let result = CompareResult(document, outcome.similarity)
      try output.write(
        result, result.dataFiles, to: folder,
        text: result.heatmap().terminalText() + document.summary + "\n")
    }
  }
}
