import Analyses
import ArgumentParser
import CKA
import CommandSupport
import Device
import Inputs
import Results
import Support

struct TrustCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract:
      "Standard errors and null values of a similarity map, and the examples it depends on.",
    discussion: """
      For every pair of layers: debiased CKA, its standard error (jackknife), its z above chance, \
      and a null map from randomly re-paired examples. For one pair (--cell) also a permutation \
      test, the examples that contribute most, and the value without them. Writes trust.json, \
      trust.csv, cka.npy, z.npy, standard-error.npy, control.npy and pictures into the output \
      folder.
      """)

  @OptionGroup var models: ModelPairOptions

  @Option(
    help: ArgumentHelp(
      "Pair of layers to examine, one of each model.", valueName: "layer,layer"))
  var cell: String?

  @Option(help: "Number of random pairings for --cell (default: 999).")
  var permutations: Int?

  @Option(help: "Number of examples to print that contribute most to --cell (default: 10).")
  var top: Int?

  @Option(help: "Random seed of pairings, drops and --examples.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Kernel") var kernel: KernelOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption

  @OptionGroup var granted: MemoryOption

  @OptionGroup var output: OutputOptions<UncertaintyResult>

  /// The most examples that are taken where `--examples` does not say.
  private static let defaultExamples = 4096

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try examples.check(for: .unbiased)
    let most = Uncertainty.PairSettings.mostPermutations
    if let permutations, !(1...most).contains(permutations) {
      throw ValidationError("--permutations is \(permutations); it must be between 1 and \(most).")
    }
    if let top, top < 0 { throw ValidationError("--top is \(top); it must be at least 0.") }
    guard cell == nil else { return }
    for (name, value) in [("--permutations", permutations), ("--top", top)] where value != nil {
      throw ValidationError("\(name) needs --cell.")
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: output.quiet)
    try reportingFailures {
      let start = ContinuousClock.now
      let folder = try output.folder
      let (left, right) = try models.open(layers, log: log)
      let pair = try cell.map { try MapCell($0, of: left, right ?? left) }
      var examples = examples
      if examples.examples == nil, left.exampleCount > Self.defaultExamples {
        examples.examples = Self.defaultExamples
        log.info(
          """
          \(Format.count(Self.defaultExamples)) of \(Format.count(left.exampleCount)) examples are \
          used, drawn with seed \(seed); --examples can use more
          """)
      }
      let pairing = try examples.pairing(left, right, paths: models.paths, seed: seed, log: log)
      let comparison = try Comparison(
        left, right, pairing: pairing, estimator: .unbiased, kernel: kernel.value())
      try comparison.checkExampleCount(path: models.model)
      let trust = try Uncertainty(comparison, seed: seed)
      let (team, choice) = try device.team(within: granted.memory, log: log)
      try trust.checkMemory(on: team, isLimited: granted.memory != nil, pair: cell != nil)

      let outcome = try trust.run(on: team)
      let undefined = try UndefinedLayers(of: outcome.similarity, comparison, paths: models.paths)
      log.tell(undefined.notes)
      try outcome.similarity.checkValues(of: models.model)
      let details = try pair.map {
        try outcome.details(of: $0, called: cell ?? "", permutations, path: models.model)
      }
      var document = UncertaintyDocument(
        comparison, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: device.precision, alignment: examples.alignment, seed: seed)
      document.device.add(reasons: choice.reasons)
      if let pair, let details {
        document.add(details, row: pair.row, column: pair.column, of: comparison, top: top ?? 10)
      }
      log.tell(document.notes(cell: cell))
      document.seconds = start.elapsed
      let result = UncertaintyResult(document, outcome)
      try output.write(
        result, result.dataFiles(comparison, outcome, details), to: folder, text: document.text)
    }
  }
}
