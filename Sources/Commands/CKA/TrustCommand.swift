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
      its p-value, also adjusted for the number of pairs, and a null map from randomly re-paired \
      examples. For one pair (--cell) also a permutation test, the examples that contribute most, \
      and the value without them. Writes trust.json, trust.csv, cka.npy, z.npy, p.npy, \
      adjusted-p.npy, standard-error.npy, control.npy and pictures into the output folder.
      """)

  @OptionGroup var models: ModelPairOptions

  @Option(
    help: ArgumentHelp(
      "Pair of layers to examine, one of each model.", valueName: "layer,layer"))
  var cell: String?

  @Option(help: "Number of random pairings for --cell (default: 999).")
  var permutations: Int?

  @Option(
    help: """
      Number of random pairings of the whole map for the p-value of its largest cells (default: 99 \
      for layers of up to 8 million numbers in all, else none).
      """)
  var mapPermutations: Int?

  @Option(help: "Number of examples to print that contribute most to --cell (default: 10).")
  var top: Int?

  @Option(help: "Random seed of pairings, drops and --examples.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Kernel") var kernel: KernelOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var work: WorkOptions

  @OptionGroup var output: OutputOptions<UncertaintyResult>

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try examples.check(for: .unbiased)
    try checkRange("--permutations", permutations, 1...Uncertainty.PairSettings.mostPermutations)
    try checkRange("--map-permutations", mapPermutations, 0...100_000)
    try checkRange("--top", top, 0...)
    if cell == nil, permutations != nil || top != nil {
      throw ValidationError("\(permutations == nil ? "--top" : "--permutations") needs --cell.")
    }
  }

  func run() throws {
    try output.write { log in
      let start = ContinuousClock.now
      let (left, right, pairing) = try models.open(
        layers, examples, usual: Uncertainty.usualExamples, seed: seed, log: log)
      let pair = try cell.map { try MapCell($0, of: left, right ?? left) }
      let comparison = try Comparison(
        left, right, pairing: pairing, estimator: .unbiased, kernel: kernel.value())
      try comparison.checkExampleCount(path: models.model)
      let trust = try Uncertainty(comparison, seed: seed, permutations: mapPermutations)
      let (team, choice) = try work.team(log: log)
      try trust.checkMemory(on: team, isLimited: work.isLimited, pair: cell != nil)

      let outcome = try trust.run(on: team)
      _ = try outcome.similarity.explainUndefined(
        comparison, paths: models.paths, tell: log.tell)
      let details = try pair.map {
        try outcome.details(of: $0, called: cell ?? "", permutations, path: models.model)
      }
      var document = UncertaintyDocument(
        comparison, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: work.precision, alignment: examples.alignment, seed: seed)
      document.device.add(reasons: choice.reasons)
      if let pair, let details {
        document.add(details, row: pair.row, column: pair.column, of: comparison, top: top ?? 10)
      }
      log.tell(document.notes(cell: cell))
      document.seconds = start.elapsed
      let result = UncertaintyResult(document, outcome)
      return (result, result.dataFiles(comparison, outcome, details), document.text)
    }
  }
}
