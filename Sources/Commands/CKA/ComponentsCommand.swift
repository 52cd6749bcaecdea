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

  enum EstimatorName: String, ExpressibleByArgument, CaseIterable { case unbiased, biased }

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
  @OptionGroup(title: "Device") var work: WorkOptions

  @OptionGroup var output: OutputOptions<ComponentsResult>

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try examples.check(least: GramCentering.unbiased.leastExamples, words: "components need")
    try remove.check("--remove", 1...Int.max)
    try checkRange("--components", components, 1...)
    if let large = remove.values.first(where: { $0 > components }) {
      throw ValidationError(
        "--remove contains \(large); it must be at most --components, \(components).")
    }
    try checkRange("--controls", controls, 0...ComponentAnalysis.Removal.mostControls)
  }

  func run() throws {
    try output.write { log in
      let start = ContinuousClock.now
      let (left, right, pairing) = try models.open(layers, examples, seed: seed, log: log)
      let estimated = estimator == .biased ? Estimator.biased : .unbiased
      let comparison = try Comparison(left, right, pairing: pairing, estimator: estimated)
      try ComponentAnalysis.check(
        comparison, components: components, removed: remove.values, path: models.model)
      let place = try layer.map { try layerPlace($0, of: left, path: models.model) }
      let analysis = try ComponentAnalysis(
        left, right, pairing: pairing, components: components, removed: remove.values,
        estimator: estimated, removal: .init(controls: controls, seed: seed, layer: place))
      let (team, choice) = try work.team(log: log)
      log.tell(try analysis.memoryNotes(on: team, isLimited: work.isLimited))
      log.tell(comparison.notes(nil, sharing: choice.sharing, device: choice.devices[0].info))
      let opened = start.elapsed

      let outcome = try analysis.run(on: team)
      let nonFinite = try outcome.similarity.explainUndefined(
        comparison, paths: models.paths, tell: log.tell)
      let traits = try analysis.traits
      var document = try ComponentsDocument(
        analysis, outcome, traits, paths: models.paths, pooling: layers.pool.rawValue,
        precision: work.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: start.elapsed))
      document.device.add(reasons: choice.reasons)
      document.models.add(nonFinite)
      log.tell(document.notes)
      let result = try ComponentsResult(document, outcome)
      let text = document.table.text + document.summary(of: outcome) + "\n"
      return (result, try result.dataFiles(analysis, outcome, traits), text)
    }
  }
}
