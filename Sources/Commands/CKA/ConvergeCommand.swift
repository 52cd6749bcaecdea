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
  @OptionGroup(title: "Device") var device: DeviceOption

  @OptionGroup var granted: MemoryOption

  @OptionGroup var output: OutputOptions<ConvergeResult>

  func validate() throws {
    try examples.check(secondModel: models.model2)
    if let small = batchSizes.values.first(where: { $0 < 4 }) {
      throw ValidationError("--batch-sizes contains \(small); HSIC needs at least 4 examples.")
    }
    try batchSizes.check("--batch-sizes")
    try passes.check("--passes")
    if let smallest = batchSizes.values.min(), let most = examples.examples, most <= smallest {
      throw ValidationError(
        "--examples is \(most); it must be larger than the smallest of --batch-sizes \(batchSizes)."
      )
    }
    let most = (passes: Convergence.mostPasses, repeats: Convergence.mostRepeats)
    if let large = passes.values.first(where: { $0 > most.passes }) {
      throw ValidationError("--passes contains \(large); each must be at most \(most.passes).")
    }
    guard (1...most.repeats).contains(repeats) else {
      throw ValidationError("--repeats is \(repeats); it must be between 1 and \(most.repeats).")
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: output.quiet)
    try reportingFailures {
      let start = ContinuousClock.now
      let folder = try output.folder
      let (left, right) = try models.open(layers, log: log)
      let pairing = try examples.pairing(
        left, right, paths: models.paths, seed: seed, log: log)
      let convergence = try Convergence(
        left, right, pairing: pairing, kernel: kernel.value(), batchSizes: batchSizes.values,
        passes: passes.values, repeats: repeats, seed: seed)
      try convergence.check(batchSizes: batchSizes.values, path: models.model)
      let memory = granted.memory?.bytes
      let (team, choice) = try device.team(within: granted.memory, log: log)
      let plan = try convergence.exact.plan(on: team, isLimited: memory != nil)
      if let largest = convergence.batchSizes.last {
        _ = try convergence.comparison(batchSize: largest, repeat: 0).plan(
          on: team, isLimited: memory != nil)
      }
      log.tell(convergence.notes(batchSizes: batchSizes.values))
      log.tell(plan?.notes(memory: memory) ?? [])
      let opened = start.elapsed

      let outcome = try convergence.run(on: team, plan: plan)
      let undefined = try UndefinedLayers(
        of: outcome.exact, convergence.exact, paths: models.paths)
      log.tell(undefined.notes)
      try outcome.check(of: models.model)
      log.tell(outcome.notes)
      var document = ConvergeDocument(
        convergence, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: device.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: start.elapsed))
      document.device.add(reasons: choice.reasons)
      document.models.add(undefined.nonFinite)
      let result = ConvergeResult(document, exact: outcome.exact.cka)
      try output.write(
        result, result.dataFiles(outcome), to: folder,
        text: document.table.text + document.summary + "\n")
    }
  }
}
