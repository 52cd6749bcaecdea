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

  enum Median: String, ExpressibleByArgument, CaseIterable { case exact, sample }

  @OptionGroup var models: ModelPairOptions

  @OptionGroup(title: "Estimator") var estimator: EstimatorOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var work: WorkOptions

  @Option(
    help: """
      The median that sets the RBF bandwidth of unbiased and biased: exact, over all pairs of \
      examples, or sample, over 1,024 evenly spaced examples.
      """)
  var median: Median?

  @Flag(help: "Print the plan and its cost; write nothing.")
  var dryRun = false

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
    guard median == nil || estimator.takesMedian else {
      throw ValidationError(
        "--median needs --estimator unbiased or biased, and --kernel rbf without --sigma."
      )
    }
  }

  func run() throws {
    try output.write(isDry: dryRun) { log in
      let start = ContinuousClock.now
      let (left, right, pairing) = try models.open(
        layers, examples, seed: estimator.seedValue, log: log)
      let comparison = try Comparison(
        left, right, pairing: pairing, estimator: estimator.value,
        kernel: estimator.kernel.value(isSampled: median == .sample))
      try comparison.checkExampleCount(path: models.model)
      let memory = work.memory?.bytes
      let (team, choice) = try work.team(log: log)
      let plan = try comparison.plan(
        on: team, isLimited: memory != nil, isMeasured: dryRun)
      log.tell(
        comparison.notes(plan, sharing: choice.sharing, device: choice.devices[0].info))
      guard !dryRun else {
        let dryRun = try DryRun(comparison, plan, on: team, memory: memory)
        try Console.print(dryRun.text, terminator: "")
        return nil
      }
      log.tell(plan?.notes(memory: memory) ?? [])
      let opened = start.elapsed

      let outcome = try comparison.run(on: team, plan: plan)
      let nonFinite = try outcome.similarity.explainUndefined(
        comparison, paths: models.paths, tell: log.tell)
      var document = ResultDocument(
        comparison, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: work.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: start.elapsed))
      document.device.add(reasons: choice.reasons)
      document.models.add(nonFinite)
      document.plan = plan.map { .init($0, of: comparison, memory: memory) }
      if blocks { document.add(try BlockDetector().structure(of: outcome.similarity.cka)) }
      let result = CompareResult(document, outcome.similarity)
      let map = try result.heatmap().terminalText()
      return (result, result.dataFiles, map + document.summary + "\n")
    }
  }
}
