import Activations
import Analyses
import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Foundation
import Logging
import Report
import Results
import Support

struct TrustCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract: "How far a similarity map can be trusted, and which examples carry it.",
    discussion: """
      For every pair of layers: debiased CKA with its standard error (jackknife), how far it lies above \
      chance, and its value after the examples were paired at random. For one pair (--cell) also a \
      permutation test, the examples that carry the value, and how it moves without them. Writes \
      trust.json, trust.csv, cka.npy, z.npy, standard-error.npy, control.npy and pictures into the \
      output folder.
      """)

  @OptionGroup var models: ModelPairOptions

  @Option(
    help: ArgumentHelp(
      "The pair of layers to look into, a layer of each model.", valueName: "layer,layer"))
  var cell: String?

  @Option(help: "Random pairings of the examples for the pair of --cell: 999 unless given.")
  var permutations: Int?

  @Option(help: "How many of the examples that carry --cell most are printed: 10 unless given.")
  var top: Int?

  @Option(help: "What decides random pairings, random drops and which examples --examples takes.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Kernel") var kernel: KernelOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup var drop: DropOption
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption

  @Option(
    help: ArgumentHelp("The folder that is written.", valueName: "dir"), completion: .directory)
  var output = "cka-trust"

  @Flag(help: "Replace the output folder if it holds an earlier result of trust.")
  var force = false

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

  /// The most examples that are taken where `--examples` does not say.
  private static let defaultExamples = 4096

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try examples.check(for: .unbiased)
    let most = Trust.PairSettings.mostPermutations
    if let permutations, !(1...most).contains(permutations) {
      throw ValidationError("--permutations is \(permutations): 1 to \(most).")
    }
    if let top, top < 0 { throw ValidationError("--top is \(top): at least 0.") }
    guard cell == nil else { return }
    for (name, value) in [("--permutations", permutations), ("--top", top)] where value != nil {
      throw ValidationError("\(name) belongs to --cell, which names a pair of layers.")
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: quiet)
    try reportingFailures {
      let clock = ContinuousClock()
      let start = clock.now
      let folder = try ResultFolder(
        output, of: TrustResult.kind, replacing: force, warn: Console.warning)
      let (left, right) = try models.open(layers, log: log)
      let pair = try cell.map { try place(of: $0, left, right ?? left) }
      var comparison = try comparison(left, right, log: log)
      comparison.meter = Progress.meter
      try checkExampleCount(comparison, path: models.model)
      let trust = try Trust(comparison, seed: seed)
      let choice = try chooseDevice(device.device, precision: device.precision, log: log)
      try checkMemory(trust, on: choice)

      let outcome = try run(trust, on: choice, log: log)
      try report(outcome.similarity, comparison, paths: models.paths, to: log)
      try checkHasValues(outcome.similarity, of: models.model)
      let details = try pair.map { try look(into: $0, outcome, comparison) }
      var document = TrustDocument(
        comparison, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: device.precision, alignment: examples.alignment, seed: seed)
      document.device.add(reasons: choice.reasons)
      document.pair = details.map {
        .init(
          $0, row: pair?.row ?? 0, column: pair?.column ?? 0,
          exampleNames: comparison.exampleNames, top: top ?? 10)
      }
      warn(document, to: log)
      document.seconds = (clock.now - start) / .seconds(1)
      let result = TrustResult(document, outcome)
      let files = try result.files(
        with: result.dataFiles(outcome, details, comparison), report: page.isWanted)
      try folder.write(files)
      if !quiet {
        try Console.print(document.text, terminator: "")
        let names = files.map(\.name).joined(separator: ", ")
        try Console.print("written to \(oneLine(folder.path)): \(names)")
      }
    }
  }

  private func comparison(
    _ left: ActivationModel, _ right: ActivationModel?, log: Logger
  ) throws -> Comparison {
    var options = examples
    if options.examples == nil, left.exampleCount > Self.defaultExamples {
      options.examples = Self.defaultExamples
      log.info(
        """
        \(Format.count(Self.defaultExamples)) of \(Format.count(left.exampleCount)) examples are drawn \
        by --seed \(seed); --examples takes more
        """)
    }
    let all = try options.pairing(left, right, paths: models.paths, seed: seed)
    let pairing = try drop.apply(to: all, left, right, paths: models.paths, log: log)
    return try Comparison(
      left, right, pairing: pairing, estimator: .unbiased, kernel: kernel.value())
  }

  private func checkMemory(_ trust: Trust, on choice: DeviceRegistry.Choice) throws {
    let comparison = trust.comparison
    let bytes = choice.devices.map { trust.leastMemory(on: $0.info, pair: cell != nil) }.max() ?? 0
    guard bytes > Comparison.defaultMemory else { return }
    let layers = comparison.left.layers.count + (comparison.right?.layers.count ?? 0)
    throw Failure(
      .usage,
      "\(oneLine(models.model)): \(Format.count(comparison.pairing.count)) examples of "
        + "\(Format.count(layers)) layers take \(Format.bytes(bytes)), more than half of what this process "
        + "may have; --examples or --layers takes fewer")
  }

  /// Where `LAYER,LAYER` is in the map. Names may hold commas themselves.
  private func place(
    of cell: String, _ left: ActivationModel, _ right: ActivationModel
  ) throws -> (row: Int, column: Int) {
    for comma in cell.indices where cell[comma] == "," {
      let first = String(cell[..<comma])
      let second = String(cell[cell.index(after: comma)...])
      if let row = left.layers.firstIndex(where: { $0.name.isSameName(as: first) }),
        let column = right.layers.firstIndex(where: { $0.name.isSameName(as: second) })
      {
        return (row, column)
      }
    }
    throw Failure(
      .usage,
      "--cell \(oneLine(cell)): expected a layer of \(oneLine(left.name)), a comma and a layer of "
        + "\(oneLine(right.name)); see cka inspect")
  }

  private func run(
    _ trust: Trust, on choice: DeviceRegistry.Choice, log: Logger
  ) throws -> Trust.Outcome {
    do throws(DeviceError) {
      return try trust.run(on: choice.devices) { report($0, to: log) }
    } catch {
      throw failure(of: error)
    }
  }

  private func look(
    into pair: (row: Int, column: Int), _ outcome: Trust.Outcome, _ comparison: Comparison
  ) throws -> PairTrust {
    let details = try outcome.pair(
      row: pair.row, column: pair.column, settings: .init(permutations: permutations ?? 999))
    guard let details else {
      let status = outcome.similarity.statuses[pair.row, pair.column]
      throw Failure(
        .data,
        "\(oneLine(models.model)): the pair --cell \(oneLine(cell ?? "")) has no value: \(status.rawValue)"
      )
    }
    return details
  }

  private func warn(_ document: TrustDocument, to log: Logger) {
    for model in document.models {
      let few = model.layers.filter { $0.isCarriedByFew ?? false }
      guard let first = few.first, let share = first.halfShare else { continue }
      let others = few.count > 1 ? ", as of \(few.count - 1) more" : ""
      log.warning(
        """
        \(oneLine(model.path)): half of layer \(oneLine(first.name))'s Gram matrix\(others) lies with \
        \(Format.fixed(100 * share, 1)) % of the examples: its similarities are theirs
        """)
    }
    if let reason = document.undefinedErrorReason {
      log.warning(
        "\(Format.count(document.undefinedErrors.count)) cells have no standard error: \(reason)")
    }
    for model in document.models {
      // Those that few examples carry are named already.
      let layers = model.layers.filter { $0.groupShare != nil && !($0.isCarriedByFew ?? false) }
      guard let first = layers.first, let share = first.groupShare else { continue }
      let others = layers.count > 1 ? ", as of \(layers.count - 1) more" : ""
      log.warning(
        """
        \(oneLine(model.path)): in layer \(oneLine(first.name))\(others) a group of examples \
        (\(Format.fixed(100 * share, 1)) %) stands apart from the rest, as a class may: its similarities are \
        those of the two groups; --cell says what is left within them
        """)
    }
    if document.pair?.isCarriedByGroups ?? false {
      log.warning(
        "--cell \(oneLine(cell ?? "")): two groups of examples decide the value; see within two groups"
      )
    }
    if document.pair?.isCarriedByFew ?? false {
      log.warning("--cell \(oneLine(cell ?? "")): few examples decide the value; see the drops")
    }
  }
}
