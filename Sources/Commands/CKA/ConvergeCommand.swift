import Analyses
import ArgumentParser
import CKA
import CommandSupport
import Device
import Results
import Support

struct ConvergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "converge",
    abstract: "Error of minibatch CKA against the exact value, by batch size and passes.",
    discussion: """
      Runs minibatch CKA in several independent orders, compares every pair of layers with the \
      unbiased value of all examples at once, and prints a table of the errors. Writes \
      converge.csv, converge.json, converge.png, .svg and .pdf, exact.npy and errors.npy into the \
      output folder.
      """)

  @OptionGroup var models: ModelPairOptions

  @Option(help: ArgumentHelp("Batch sizes, each at least 4.", valueName: "list"))
  var batchSizes = CountList([16, 32, 64, 128, 256])

  @Option(help: ArgumentHelp("Numbers of passes over the examples.", valueName: "list"))
  var passes = CountList([1, 2, 5, 10])

  @Option(
    help: "Number of independent orders of the examples, with seeds --seed, --seed + 1, ….")
  var repeats = 10

  @Option(help: "Random seed of the first order and of --examples.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Kernel") var kernel: KernelOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var work: WorkOptions

  @OptionGroup var output: OutputOptions<ConvergeResult>

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try batchSizes.check("--batch-sizes", 4...Estimator.Minibatches.mostSize)
    try passes.check("--passes", 1...Convergence.mostPasses)
    if let smallest = batchSizes.values.min(), let most = examples.examples, most <= smallest {
      throw ValidationError(
        "--examples is \(most); it must be larger than the smallest of --batch-sizes \(batchSizes)."
      )
    }
    try checkRange("--repeats", repeats, 1...Convergence.mostRepeats)
  }

  func run() throws {
    try output.write { log in
      let start = ContinuousClock.now
      let (left, right, pairing) = try models.open(layers, examples, seed: seed, log: log)
      let convergence = try Convergence(
        left, right, pairing: pairing, kernel: kernel.value(), batchSizes: batchSizes.values,
        passes: passes.values, repeats: repeats, seed: seed)
      try convergence.check(batchSizes: batchSizes.values, path: models.model)
      let memory = work.memory?.bytes
      let (team, choice) = try work.team(log: log)
      let plan = try convergence.plan(on: team, isLimited: memory != nil)
      log.tell(convergence.notes(batchSizes: batchSizes.values))
      log.tell(plan?.notes(memory: memory) ?? [])
      let opened = start.elapsed

      let outcome = try convergence.run(on: team, plan: plan)
      let nonFinite = try outcome.exact.explainUndefined(
        convergence.exact, paths: models.paths, tell: log.tell)
      try outcome.check(of: models.model)
      log.tell(outcome.notes)
      var document = ConvergeDocument(
        convergence, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: work.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: start.elapsed))
      document.device.add(reasons: choice.reasons)
      document.models.add(nonFinite)
      let result = ConvergeResult(document, exact: outcome.exact.cka)
      return (result, result.dataFiles(outcome), document.table.text + document.summary + "\n")
    }
  }
}
