import Activations
import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Inputs
import Logging
import Report
import ResultFigures
import Results
import Support
import SweepStore

import class Foundation.ProcessInfo

extension SweepSettings.StorePrecision: ExpressibleByArgument {}

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Similarity of all layers of every pair of models, in a store that grows.",
    discussion: """
      Each MODEL's activations are read once: its Gram matrices are kept in the store. A model that \
      comes later is compared with all that are there. A sweep that was stopped, in whatever way, goes \
      on when the same command is given again. --drop-examples leaves out, of all models for good, the \
      examples that hold NaN or infinity in any of the models that the store is made with.
      """)

  @Argument(help: "The models: files or folders.", completion: .file())
  var models: [String]

  @OptionGroup var names: NameOption

  @OptionGroup(title: "Estimator") var estimator: EstimatorOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup var drop: DropOption
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption

  @Option(
    help: ArgumentHelp("The store: a folder that is made or added to.", valueName: "dir"),
    completion: .directory)
  var output: String

  @Option(
    help: """
      The type of the Gram matrices in the store: float32, or float16 for half the size and errors of \
      CKA of up to 1e-3.
      """)
  var storePrecision = SweepSettings.StorePrecision.float32

  @Option(
    help: ArgumentHelp(
      "Only the minibatches I, I + N, I + 2N, …, for cka merge to join.", valueName: "i/n"),
    transform: { text in
      guard let shard = Shard(text) else {
        throw ValidationError("share I of N is expected, with I from 1 to N.")
      }
      return shard
    })
  var shard: Shard?

  @OptionGroup(title: "Groups") var groups: GroupOptions

  @OptionGroup var granted: MemoryOption

  @OptionGroup var cells: TableOption

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

  func validate() throws {
    try estimator.checkSeed(with: examples)
    try names.check(count: models.count)
    try examples.check(for: estimator.value)
    guard shard != nil else { return }
    for (name, isGiven) in [
      ("--report", page.isWanted), ("--table", cells.isWanted),
      ("--models-csv", groups.modelsCsv != nil),
    ] where isGiven {
      throw ValidationError("\(name) belongs to cka merge: a shard has no results.")
    }
  }

  func run() throws {
    try withRanks { ranks in
      let isQuiet = quiet || ranks.rank > 0
      let log = Console.bootstrapLogging(isQuiet: isQuiet)
      try reportingStoreErrors {
        let table = try groups.table
        try ModelSelection.checkPatterns(layers.patterns, of: models)
        try SweepFolder.check("\(output)/results")
        let choice = try chooseDevice(device.device, precision: device.precision, log: log)
        var opened: Set<String> = []
        let sweep = try Sweep(
          store: output, settings: settings, shard: shard,
          memory: granted.memory?.bytes ?? Comparison.defaultMemory,
          devices: choice.devices, models: models, team: ranks, meter: Progress.meter,
          openModel: {
            // A sweep may open a model several times.
            let isFirst = opened.insert($0).inserted
            return try layers.selection.open($0, layers: layers.layers) {
              if isFirst { log.warning("\($0)") }
            }.model
          },
          observe: { report($0, to: log) })
        let plan = sweep.plan
        announceDropped(plan, exampleCount: plan.examplesUsed + plan.examplesDropped, to: log)
        let summary = try sweep.run(models: models, names: names.name)
        if !isQuiet { try Console.print(text(of: summary, sweep)) }
        if ranks.rank == 0, !sweep.isShard {
          try writeResults(
            try sweep.results(), groups: table, table: cells.isWanted, report: page.isWanted,
            log: log,
            isQuiet: quiet)
        }
      }
    }
  }

  private var settings: SweepSettings {
    var settings = SweepSettings()
    settings.estimator = .init(rawValue: estimator.estimator.rawValue) ?? .minibatch
    let hasMinibatches = settings.estimator == .minibatch
    settings.batchSize = hasMinibatches ? estimator.batchSize ?? settings.batchSize : 0
    settings.passes = hasMinibatches ? estimator.passes ?? settings.passes : 0
    settings.isStoredOrder = hasMinibatches && estimator.order == .stored
    settings.seed = estimator.seedValue
    if let ragged = estimator.ragged { settings.ragged = ragged.rawValue }
    let kernel = estimator.kernel
    settings.kernel = .init(rawValue: kernel.kernel.rawValue) ?? .linear
    settings.bandwidth =
      kernel.kernel == .rbf && kernel.sigma == nil ? kernel.bandwidth ?? 1 : nil
    settings.sigma = kernel.sigma
    settings.layers = layers.layers
    if !layers.exclude.isEmpty { settings.exclude = layers.exclude }
    settings.pooling = layers.pool.rawValue
    settings.layout = layers.layout
    settings.precision = device.precision
    settings.storePrecision = storePrecision
    settings.alignment = examples.alignment.rawValue
    settings.exampleLimit = examples.examples
    settings.dropExamples = drop.dropExamples?.rawValue
    return settings
  }

  private func text(of summary: Sweep.Summary, _ sweep: Sweep) -> String {
    func counts(_ found: Int, _ made: Int, _ seconds: Double, flops: Double? = nil) -> String {
      let rate = flops.map { ", \(Format.fixed($0 / seconds / 1e9, 0)) GFLOP/s" } ?? ""
      return "\(Format.count(found)) found, \(Format.count(made)) computed"
        + (made > 0 ? " in \(Format.seconds(seconds))\(rate)" : "")
    }
    let productCounts = counts(
      summary.productsFound, summary.productsMade, summary.productSeconds,
      flops: summary.productFlops)
    let share = shard.map { "shard \($0) of " } ?? ""
    return """
      \(share)\(summary.models) models, \(sweep.minibatchCount) minibatches
      Gram matrices of a model and minibatch: \
      \(counts(summary.gramsFound, summary.gramsMade, summary.gramSeconds))
      products of two models and a minibatch: \
      \(productCounts)
      kept in \(oneLine(output))
      """
  }
}

/// Which models are of one architecture.
struct GroupOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A table with the header model,group,seed: which models are one architecture. Without it, names \
      that differ in a seed only (net-seed0, net_s1) are.
      """, valueName: "file"), completion: .file())
  var modelsCsv: String?

  /// The table, or the rule for names.
  var table: ModelTable {
    get throws { try modelsCsv.map { try ModelTable(path: $0) } ?? ModelTable() }
  }
}

/// Writes the results of a store beside its data, and says what there is.
func writeResults(
  _ results: SweepResults, groups: ModelTable, table: Bool, report: Bool, log: Logger, isQuiet: Bool
) throws {
  let clock = ContinuousClock()
  let start = clock.now
  let count = results.models.count
  Progress.begin(isQuiet: isQuiet)
  Progress.meter.begin(Double(count * (count + 1) / 2), as: "results")
  defer { Progress.meter.end() }
  var outputs = try SweepOutputs(results, table: groups, warn: Console.warning)
  let summary = try outputs.write(table: table, report: report) { Progress.meter.reach($0) }
  for warning in summary.warnings { log.warning("\(warning)") }
  guard !isQuiet else { return }
  try Console.print(
    """
    results of pairs: \(Format.count(summary.found)) found, \(Format.count(summary.written)) \
    written in \(Format.seconds((clock.now - start) / .seconds(1)))
    written to \(oneLine(summary.path)): \(SweepDocument.name), pairs, groups, grid.png, .svg and .pdf, \
    models.npy, models.csv, models.png, .svg and .pdf\
    \(table ? ", \(SweepTable.name)" : "")\(report ? ", \(ResultNames.page)" : "")
    """)
}

/// Tells what happens in a sweep.
private func report(_ event: Sweep.Event, to log: Logger) {
  switch event {
  case .littleRoom(let path, let bytes, let models, let free):
    log.warning(
      """
      a model like \(oneLine(path)) takes \(Format.bytes(bytes)), \(Format.count(models)) of them \
      \(Format.bytes(models.multipliedReportingOverflow(by: bytes).overflow ? .max : models * bytes)), \
      and \(Format.bytes(free)) are free
      """)
  case .note(let text):
    log.warning("\(oneLine(text))")
  case .dropped(let examples, let count):
    log.info(
      """
      \(Format.count(examples.count)) of \(Format.count(count)) examples hold NaN or infinity in a layer of a \
      model and are left out of all: \(listed(examples, of: examples.count))
      """)
  case .fellBack(let from, let to, let error):
    log.warning(
      "\(from.id) failed, \(to.id) goes on: \(oneLine(error.description))")
  }
}

/// Runs `body`; errors of stores and devices become failures with their exit codes.
func reportingStoreErrors(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as StoreError {
    let code: Failure.Code =
      switch error.kind {
      case .usage: .usage
      case .data: .data
      case .noInput: .noInput
      case .cannotCreate: .cannotCreate
      case .io: .io
      }
    throw Failure(code, error.description)
  } catch let error as SweepMemoryError {
    throw Failure(
      .usage,
      "--memory: \(Format.bytes(error.granted)) do not suffice: minibatches of \(error.batchSize) "
        + "examples need \(Format.bytes(error.needed))")
  } catch let error as ComparisonError {
    throw Failure(.data, oneLine(error.description))
  } catch let error as ActivationReadError {
    throw Failure(error.isDamaged ? .data : .io, error.description)
  } catch let error as DeviceError {
    throw failure(of: error)
  }
}
