import Activations
import Analyses
import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Foundation
import Logging
import Results
import Support

struct ConvergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "converge",
    abstract: "How far minibatch CKA is from the exact value, by batch size and passes.",
    discussion: """
      Runs minibatch CKA in several independent orders, compares every pair of layers with the \
      unbiased value of all examples at once, and prints a table of the errors. Writes \
      converge.csv, converge.json, converge.png, .svg and .pdf, exact.npy and errors.npy into the \
      output folder.
      """)

  @OptionGroup var models: ModelPairOptions

  @Option(help: ArgumentHelp("Examples a minibatch, each at least 4.", valueName: "list"))
  var batchSizes = CountList([16, 32, 64, 128, 256])

  @Option(help: ArgumentHelp("How often minibatch goes through the examples.", valueName: "list"))
  var passes = CountList([1, 2, 5, 10])

  @Option(help: "Independent orders of the examples: those of --seed, --seed + 1, ….")
  var repeats = 10

  @Option(help: "What decides the first order, and which examples --examples takes.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Kernel") var kernel: KernelOptions
  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup var drop: DropOption
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption

  @OptionGroup var granted: MemoryOption

  @Option(
    help: ArgumentHelp("The folder that is written.", valueName: "dir"), completion: .directory)
  var output = "cka-converge"

  @Flag(help: "Replace the output folder if it holds an earlier result of converge.")
  var force = false

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

  func validate() throws {
    try examples.check(secondModel: models.model2)
    if let small = batchSizes.values.first(where: { $0 < 4 }) {
      throw ValidationError("--batch-sizes holds \(small): HSIC needs at least 4 examples.")
    }
    try batchSizes.check("--batch-sizes")
    try passes.check("--passes")
    if let smallest = batchSizes.values.min(), let most = examples.examples, most <= smallest {
      throw ValidationError(
        "--examples is \(most): more than the smallest of --batch-sizes \(batchSizes) are needed.")
    }
    let most = (passes: Convergence.mostPasses, repeats: Convergence.mostRepeats)
    if let large = passes.values.first(where: { $0 > most.passes }) {
      throw ValidationError("--passes holds \(large): at most \(most.passes).")
    }
    guard (1...most.repeats).contains(repeats) else {
      throw ValidationError("--repeats is \(repeats): 1 to \(most.repeats).")
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: quiet)
    try reportingFailures {
      let clock = ContinuousClock()
      let start = clock.now
      let folder = try ResultFolder(
        output, of: ConvergeResult.kind, replacing: force, warn: Console.warning)
      let (left, right) = try models.open(layers, log: log)
      let convergence = try convergence(left, right, log: log)
      let choice = try chooseDevice(device.device, precision: device.precision, log: log)
      let plan = try convergence.exact.plan(on: choice, memory: granted.memory, isMeasured: false)
      if let largest = convergence.batchSizes.last {
        _ = try convergence.comparison(batchSize: largest, repeat: 0).plan(
          on: choice, memory: granted.memory, isMeasured: false)
      }
      announceCost(of: convergence, to: log)
      announce(plan, memory: granted.memory, to: log)
      let opened = (clock.now - start) / .seconds(1)

      let outcome = try run(convergence, plan, on: choice, log: log)
      let nonFinite = try report(
        outcome.exact, convergence.exact, paths: models.paths, to: log)
      try check(outcome, of: convergence, log: log)
      var document = ConvergeDocument(
        convergence, outcome, paths: models.paths, pooling: layers.pool.rawValue,
        precision: device.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: (clock.now - start) / .seconds(1)))
      document.device.add(reasons: choice.reasons)
      for index in document.models.indices { document.models[index].add(nonFinite[index]) }
      let result = ConvergeResult(document, exact: outcome.exact.cka)
      let files = try result.files(with: result.dataFiles(outcome), report: page.isWanted)
      try folder.write(files)
      if !quiet {
        try Console.print(document.table.text, terminator: "")
        try Console.print(summary(document, folder, files))
      }
    }
  }

  private func convergence(
    _ left: ActivationModel, _ right: ActivationModel?, log: Logger
  ) throws -> Convergence {
    let all = try examples.pairing(left, right, paths: models.paths, seed: seed)
    let pairing = try drop.apply(to: all, left, right, paths: models.paths, log: log)
    if right == nil, left.layers.count == 1 {
      throw Failure(
        .data,
        "\(oneLine(models.model)): has one layer, and a layer equals itself in any estimate; "
          + "expected two layers or a second model")
    }
    let convergence = try Convergence(
      left, right, pairing: pairing, kernel: kernel.value(), batchSizes: batchSizes.values,
      passes: passes.values, repeats: repeats, seed: seed)
    guard !convergence.batchSizes.isEmpty else {
      throw Failure(
        .data,
        "\(oneLine(models.model)): \(convergence.exact.exampleWords); expected more than the smallest of "
          + "--batch-sizes \(batchSizes)")
    }
    return convergence
  }

  /// Says what is left out, what it costs, and what may not be expected.
  private func announceCost(of convergence: Convergence, to log: Logger) {
    let n = convergence.exact.pairing.count
    let large = batchSizes.values.filter { $0 >= n }.sorted().map(String.init)
    if !large.isEmpty {
      log.info(
        "\(large.joined(separator: ", ")) examples a minibatch are left out: all are only \(n)")
    }
    let bytes = saturatingProduct(convergence.exact.bytesRead, convergence.readings)
    log.info(
      "activations are read \(Format.count(convergence.readings)) times, \(Format.bytes(bytes)) in all"
    )
    if case .rbf(.sigma) = kernel.value() { return }
    if kernel.kernel == .rbf {
      log.info(
        """
        each minibatch has a median distance and so a kernel of its own: what that changes stays, \
        however many passes; --sigma has no such bias
        """)
    }
  }

  private func run(
    _ convergence: Convergence, _ plan: ExactPlan?, on choice: DeviceRegistry.Choice, log: Logger
  ) throws -> Convergence.Outcome {
    var convergence = convergence
    convergence.meter = Progress.meter
    do throws(DeviceError) {
      return try convergence.run(
        on: choice.devices, sharing: choice.sharing, plan: plan,
        memory: granted.memory?.bytes ?? Comparison.defaultMemory
      ) { event in
        report(event, to: log)
      }
    } catch {
      throw failure(of: error)
    }
  }

  /// Ends where there is nothing to show; names what is missing from the errors.
  private func check(
    _ outcome: Convergence.Outcome, of convergence: Convergence, log: Logger
  ) throws {
    guard outcome.points.contains(where: { $0.pairs > 0 }) else {
      throw Failure(
        .data,
        "\(oneLine(models.model)): no pair of layers has an exact value and estimates; nothing was "
          + "written")
    }
    guard outcome.points.contains(where: { $0.meanError > 0 }) else {
      throw Failure(
        .data,
        "\(oneLine(models.model)): all estimates equal the exact values, because the layers are the "
          + "same; nothing was written")
    }
    if let missing = outcome.points.first?.pairsWithoutExact, missing > 0 {
      log.warning("\(Format.count(missing)) pairs of layers have no exact value and are left out")
    }
    for point in outcome.points where point.undefinedPairs > 0 {
      log.warning(
        """
        \(point.undefinedPairs) of \(point.undefinedPairs + point.pairs) pairs of layers have no \
        estimate from \(point.passes) \(point.passes == 1 ? "pass" : "passes") in minibatches of \
        \(point.batchSize) and are left out there
        """)
    }
  }

  private func summary(
    _ document: ConvergeDocument, _ folder: ResultFolder, _ files: [ResultFile]
  ) -> String {
    let counts = document.models.map { String($0.layers.count) }
    return """
      errors of minibatch CKA, \(document.kernel.name), against all \
      \(Format.count(document.examples.compared)) examples: \(counts[0]) × \
      \(counts.last ?? counts[0]) layers, \(document.repeats) \
      \(document.repeats == 1 ? "order" : "orders"), in \(Format.seconds(document.timings.total))
      written to \(oneLine(folder.path)): \(files.map(\.name).joined(separator: ", "))
      """
  }
}

/// Counts with commas between them: `16,32,64`.
struct CountList: ExpressibleByArgument, CustomStringConvertible {
  let values: [Int]

  init(_ values: [Int]) { self.values = values }

  /// Nil where a part is not a whole number.
  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { Int($0) }
    guard values.count == parts.count else { return nil }
  }

  /// Refuses numbers that are no counts, or are there twice, of the option of that name.
  func check(_ option: String) throws {
    if let small = values.first(where: { $0 < 1 }) {
      throw ValidationError("\(option) holds \(small): at least 1.")
    }
    var seen: Set<Int> = []
    if let again = values.first(where: { !seen.insert($0).inserted }) {
      throw ValidationError("\(option) holds \(again) twice.")
    }
  }

  var description: String { values.map(String.init).joined(separator: ",") }
  var defaultValueDescription: String { description }
}
