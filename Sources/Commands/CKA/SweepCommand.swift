import ArgumentParser
import CKA
import CommandSupport
import Device
import Inputs
import ResultFigures
import Results
import Support
import SweepStore

import class Foundation.ProcessInfo

extension SweepSettings.StorePrecision: ExpressibleByArgument {}

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Compares all layers of every pair of models, in a store that can be extended.",
    discussion: """
      The activations of each MODEL are read once; its Gram matrices are stored. A model added \
      later is compared with all models in the store. To resume a sweep that was stopped, give the \
      same command again. --drop-examples permanently leaves out, for all models, the examples \
      with NaN or infinity in any model the store is created with.
      """)

  @Argument(help: "The models: files or folders.", completion: .file())
  var models: [String]

  @OptionGroup var names: NameOption

  @OptionGroup(title: "Estimator") var estimator: EstimatorOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var work: WorkOptions

  @Option(
    help: ArgumentHelp("The store: a folder that is created or extended.", valueName: "dir"),
    completion: .directory)
  var output: String

  @Option(
    help: """
      The type of the Gram matrices in the store: float32, or float16 (half the size, CKA errors \
      up to 1e-3).
      """)
  var storePrecision = SweepSettings.StorePrecision.float32

  @Option(
    help: ArgumentHelp(
      "Compute only minibatches I, I + N, I + 2N, …; cka merge joins the shards.", valueName: "i/n"),
    transform: { text in
      guard let shard = Shard(text) else {
        throw ValidationError("expected I/N, with I from 1 to N.")
      }
      return shard
    })
  var shard: Shard?

  @OptionGroup(title: "Results") var wanted: StoreResultOptions

  func validate() throws {
    try estimator.checkSeed(with: examples)
    try names.check(count: models.count)
    try examples.check(for: estimator.value)
    if shard != nil, let name = wanted.given.first {
      throw ValidationError("\(name) cannot be combined with --shard; give it to cka merge.")
    }
  }

  /// What the options say of the store.
  var settings: SweepSettings {
    var settings = SweepSettings(
      estimator.value, estimator.kernel.value(), seed: estimator.seedValue)
    (settings.layers, settings.layout) = (layers.layers, layers.layout)
    if !layers.exclude.isEmpty { settings.exclude = layers.exclude }
    settings.pooling = layers.pool.rawValue
    (settings.precision, settings.storePrecision) = (work.precision, storePrecision)
    settings.alignment = examples.alignment.rawValue
    settings.exampleLimit = examples.examples
    settings.dropExamples = examples.drop.dropExamples?.rawValue
    return settings
  }

  func run() throws {
    try withRanks { ranks in
      let isQuiet = wanted.quiet || ranks.rank > 0
      let log = Console.bootstrapLogging(isQuiet: isQuiet)
      let groups = try wanted.groups
      let selection = try layers.selection
      try ModelSelection.checkPatterns(layers.patterns, of: models)
      try SweepFolder.check("\(output)/results")
      let (team, _) = try work.team(
        log: log, process: ranks.rankOnMachine, of: ranks.countOnMachine)
      let sweep = try Sweep(
        store: output, settings: settings, shard: shard,
        devices: team, models: models, team: ranks,
        openModel: selection.opener(layers: layers.layers) { log.warning("\($0)") },
        observe: { log.tell([$0.note]) })
      let plan = sweep.plan
      log.tell(plan.notes(exampleCount: plan.examplesUsed + plan.examplesDropped))
      let summary = try sweep.run(models: models, names: names.name)
      if !isQuiet { try Console.print(summary.text(of: sweep, shard: shard, store: output)) }
      guard ranks.rank == 0, !sweep.isShard else { return }
      try wanted.write(try sweep.results(), groups: groups, log: log)
    }
  }
}
