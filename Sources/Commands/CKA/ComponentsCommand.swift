import Analyses
import ArgumentParser
import CKA
import CommandSupport
import Device
import Inputs
import Results
import Support

struct ComponentsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "components",
    abstract: "Principal components of all layers and how much of CKA they explain.",
    discussion: """
      Computes the first principal components of every layer over all examples: their variances, \
      the alignment of first components of two layers, the contribution of each pair of components \
      to CKA, and CKA without the first component. Lists the examples that dominate first \
      components and recomputes CKA without them. Writes figures, tables and matrices to the \
      output folder and prints a table.
      """)

  enum EstimatorName: String, ExpressibleByArgument, CaseIterable {
    case unbiased, biased
    var value: Estimator { self == .biased ? .biased : .unbiased }
  }

  @OptionGroup var models: ModelPairOptions

  @Option(name: [.customShort("k"), .long], help: "Number of components per layer.")
  var components = 10

  @Option(
    help: ArgumentHelp(
      "Numbers of first components to remove before CKA is recomputed.", valueName: "list"))
  var remove = CountList([1])

  @Option(help: "CKA estimator over all examples; contributions always use biased.")
  var estimator = EstimatorName.unbiased

  @Option(
    help: ArgumentHelp(
      """
      Layer of MODEL whose first component ranks the dominant examples (default: the mean over all \
      layers).
      """, valueName: "name"))
  var layer: String?

  @Option(help: "Number of random drops to compare with.")
  var controls = 3

  @Option(help: "Random seed of these and of --examples.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption

  @OptionGroup var granted: MemoryOption

  @OptionGroup var output: OutputOptions<ComponentsResult>

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try examples.check(least: GramCentering.unbiased.leastExamples, words: "components need")
    try remove.check("--remove")
    guard components >= 1 else {
      throw ValidationError("--components is \(components); it must be at least 1.")
    }
    if let large = remove.values.first(where: { $0 > components }) {
      throw ValidationError(
        "--remove contains \(large); it must be at most --components, \(components).")
    }
    let most = ComponentAnalysis.Removal.mostControls
    guard (0...most).contains(controls) else {
      throw ValidationError("--controls is \(controls); it must be between 0 and \(most).")
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
      let comparison = try Comparison(left, right, pairing: pairing, estimator: estimator.value)
      try ComponentAnalysis.check(
        comparison, components: components, removed: remove.values, path: models.model)
      let place = try layer.map { try layerPlace($0, of: left, path: models.model) }
      let analysis = try ComponentAnalysis(
        left, right, pairing: pairing, components: components, removed: remove.values,
        estimator: estimator.value, removal: .init(controls: controls, seed: seed, layer: place))
      let (team, choice) = try device.team(within: granted.memory, log: log)
      log.tell(try analysis.memoryNotes(on: team, isLimited: granted.memory != nil))
      log.tell(comparison.notes(nil, sharing: choice.sharing, device: choice.devices[0].info))
      let opened = start.elapsed

      let outcome = try analysis.run(on: team)
      let undefined = try UndefinedLayers(of: outcome.similarity, comparison, paths: models.paths)
      log.tell(undefined.notes)
      try outcome.similarity.checkValues(of: models.model)
      let traits = try analysis.traits
      var document = try ComponentsDocument(
        analysis, outcome, traits, paths: models.paths, pooling: layers.pool.rawValue,
        precision: device.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: start.elapsed))
      document.device.add(reasons: choice.reasons)
      document.models.add(undefined.nonFinite)
      log.tell(document.notes)
      let result = try ComponentsResult(document, outcome)
      try output.write(
        result, result.dataFiles(analysis, outcome, traits), to: folder,
        text: document.table.text + document.summary(of: outcome) + "\n")
    }
  }
}
