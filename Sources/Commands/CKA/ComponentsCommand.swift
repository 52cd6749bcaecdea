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

struct ComponentsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "components",
    abstract: "Principal components of all layers, and what they explain of CKA.",
    discussion: """
      Finds the first components of every layer's activations over all examples: their variances, how \
      alike the first ones of two layers are, what each pair of components contributes to CKA, and CKA \
      without the first. Names the examples that dominate first components, and shows CKA as they are \
      dropped. Writes figures, tables and matrices into the output folder and prints a table.
      """)

  enum EstimatorName: String, ExpressibleByArgument, CaseIterable {
    case unbiased, biased
    var value: Estimator { self == .biased ? .biased : .unbiased }
  }

  @OptionGroup var models: ModelPairOptions

  @Option(name: [.customShort("k"), .long], help: "How many components of each layer are found.")
  var components = 10

  @Option(
    help: ArgumentHelp(
      "How many first components are taken out before CKA is made again.", valueName: "list"))
  var remove = CountList([1])

  @Option(
    help: "The estimator of CKA, of all examples at once; contributions are of the biased one.")
  var estimator = EstimatorName.unbiased

  @Option(
    help: ArgumentHelp(
      """
      The layer of MODEL whose first component says which examples dominate; without it, the mean of \
      all layers.
      """, valueName: "name"))
  var layer: String?

  @Option(help: "How often examples are dropped at random beside the dominant ones.")
  var controls = 3

  @Option(help: "What decides those, and which examples --examples takes.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Examples") var examples: ExampleOptions
  @OptionGroup var drop: DropOption
  @OptionGroup(title: "Layers") var layers: LayerOptions
  @OptionGroup(title: "Device") var device: DeviceOption

  @OptionGroup var granted: MemoryOption

  @Option(
    help: ArgumentHelp("The folder that is written.", valueName: "dir"), completion: .directory)
  var output = "cka-components"

  @Flag(help: "Replace the output folder if it holds an earlier result of components.")
  var force = false

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

  func validate() throws {
    try examples.check(secondModel: models.model2)
    try examples.check(
      least: GramCentering.unbiased.leastExamples, words: "components need")
    try remove.check("--remove")
    guard components >= 1 else {
      throw ValidationError("--components is \(components): at least 1.")
    }
    if let large = remove.values.first(where: { $0 > components }) {
      throw ValidationError("--remove holds \(large): at most --components, \(components).")
    }
    let most = ComponentAnalysis.Removal.mostControls
    guard (0...most).contains(controls) else {
      throw ValidationError("--controls is \(controls): 0 to \(most).")
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: quiet)
    try reportingFailures {
      let clock = ContinuousClock()
      let start = clock.now
      let folder = try ResultFolder(
        output, of: ComponentsResult.kind, replacing: force, warn: Console.warning)
      let (left, right) = try models.open(layers, log: log)
      let all = try examples.pairing(left, right, paths: models.paths, seed: seed)
      let pairing = try drop.apply(to: all, left, right, paths: models.paths, log: log)
      let comparison = try Comparison(left, right, pairing: pairing, estimator: estimator.value)
      guard pairing.count >= GramCentering.unbiased.leastExamples else {
        throw Failure(
          .data,
          "\(oneLine(models.model)): \(comparison.exampleWords), components need at least 4"
        )
      }
      if let large = remove.values.first(where: { $0 > pairing.count - 1 }) {
        throw Failure(
          .usage,
          "--remove holds \(large): \(Format.count(pairing.count)) examples have "
            + "\(pairing.count - 1) components")
      }
      let most = ComponentAnalysis.mostComponents
      guard pairing.count <= 4 * most || components <= most else {
        throw Failure(
          .usage,
          "--components is \(components): at most \(Format.count(most)) of more than "
            + "\(Format.count(4 * most)) examples")
      }
      let analysis = try analysis(comparison)
      let choice = try chooseDevice(device.device, precision: device.precision, log: log)
      try prepareMemory(analysis, on: choice.devices[0].info, log: log)
      announce(comparison, nil, on: choice, to: log)
      let opened = (clock.now - start) / .seconds(1)

      let outcome = try run(analysis, on: choice, log: log)
      let nonFinite = try report(outcome.similarity, comparison, paths: models.paths, to: log)
      try checkHasValues(outcome.similarity, of: models.model)
      let traits = try traits(analysis)
      var document = try ComponentsDocument(
        analysis, outcome, traits, paths: models.paths, pooling: layers.pool.rawValue,
        precision: device.precision, alignment: examples.alignment, limit: examples.examples,
        timings: .init(outcome.timings, open: opened, total: (clock.now - start) / .seconds(1)))
      document.device.add(reasons: choice.reasons)
      warn(document, to: log)
      for index in document.models.indices { document.models[index].add(nonFinite[index]) }
      let result = try ComponentsResult(document, outcome)
      let files = try result.files(
        with: result.dataFiles(analysis, outcome, traits), report: page.isWanted)
      try folder.write(files)
      if !quiet {
        try Console.print(document.table.text, terminator: "")
        try Console.print(
          summary(document, outcome, written: files.map(\.name), to: folder))
      }
    }
  }

  private func analysis(_ comparison: Comparison) throws -> ComponentAnalysis {
    let place = try layer.map { name in
      guard let place = comparison.left.layers.firstIndex(where: { $0.name.isSameName(as: name) })
      else {
        throw Failure(
          .usage, "\(oneLine(models.model)): no layer is called \(oneLine(name)); see cka inspect")
      }
      return place
    }
    return try ComponentAnalysis(
      comparison.left, comparison.right, pairing: comparison.pairing, components: components,
      removed: remove.values, estimator: estimator.value,
      removal: .init(controls: controls, seed: seed, layer: place))
  }

  private var limit: Int { granted.memory?.bytes ?? Comparison.defaultMemory }

  /// Refuses what does not fit, and makes ready for a layer at a time where that does.
  private func prepareMemory(
    _ analysis: ComponentAnalysis, on device: DeviceInfo, log: Logger
  ) throws {
    guard analysis.contributionBytes < limit / 2 else {
      throw Failure(
        .usage,
        "contributions of \(Format.count(analysis.components)) × \(Format.count(analysis.components)) "
          + "components of every pair of layers take \(Format.bytes(analysis.contributionBytes)), more "
          + "than half of --memory \(Format.bytes(limit)); fewer --components or --layers take less"
      )
    }
    let whose = granted.memory == nil ? ", half of what this process may have," : ""
    let least = analysis.leastMemory(on: device)
    guard least <= limit else {
      throw Failure(
        .usage,
        "--memory \(Format.bytes(limit))\(whose) is too little for the Gram matrix of a layer: "
          + "at least --memory \((least >> 20) / 8 * 8 + 16)M, or fewer --examples")
    }
    if !analysis.isAtOnce(on: device, memory: limit) {
      ProcessSetup.returnFreedMemory()
      log.info(
        """
        the Gram matrices of all layers do not fit \(Format.bytes(limit)): they are made a layer at a \
        time and again for every map, which takes longer
        """)
    }
  }

  private func run(
    _ analysis: ComponentAnalysis, on choice: DeviceRegistry.Choice, log: Logger
  ) throws -> ComponentAnalysis.Outcome {
    var analysis = analysis
    analysis.meter = Progress.meter
    do throws(DeviceError) {
      return try analysis.run(on: choice.devices, memory: limit) { event in
        guard case .fellBack(let from, let to, let error) = event else {
          return report(event, to: log)
        }
        log.warning(
          "\(from.id) failed, \(to.id) begins anew: \(oneLine(error.description))")
      }
    } catch {
      throw failure(of: error)
    }
  }

  /// Names layers whose first components say nothing.
  private func warn(_ document: ComponentsDocument, to log: Logger) {
    for (model, layers) in zip(document.models, document.layers) {
      let names = zip(model.layers, layers).filter {
        $1.firstComponent == Status.degenerate.rawValue
      }.map(\.0.name)
      guard let first = names.first else { continue }
      let others = names.count > 1 ? ", as of \(names.count - 1) more" : ""
      log.warning(
        """
        \(oneLine(model.path)): the first two eigenvalues of layer \(oneLine(first))\(others) are equal beside \
        rounding: which component is the first is arbitrary, and what follows from it is left undefined
        """)
    }
  }

  private func traits(_ analysis: ComponentAnalysis) throws -> [[ActivationTraits]] {
    do throws(ActivationReadError) {
      var traits = [
        try ActivationTraits.traits(of: analysis.left.layers, examples: analysis.pairing.left)
      ]
      if let right = analysis.right {
        traits.append(
          try ActivationTraits.traits(of: right.layers, examples: analysis.pairing.right))
      }
      return traits
    } catch {
      throw Failure(.io, error.description)
    }
  }

  private func summary(
    _ document: ComponentsDocument, _ outcome: ComponentAnalysis.Outcome, written: [String],
    to folder: ResultFolder
  ) -> String {
    let counts = document.models.map { String($0.layers.count) }
    let whole = outcome.removal.first { $0.dropped.isEmpty }
    let least = outcome.removal.last
    let curve =
      if let whole, let least, !least.dropped.isEmpty, !least.mean.isNaN {
        "mean CKA of all examples \(Format.fixed(whole.mean, 3)), without the "
          + "\(least.dropped.count) that dominate \(Format.fixed(least.mean, 3))"
          + (least.controlMeans.isEmpty
            ? ""
            : ", without as many others "
              + Format.fixed(
                least.controlMeans.reduce(0, +) / Double(least.controlMeans.count), 3)) + "\n"
      } else { "" }
    return """
      \(curve)components of \(counts[0])\(counts.count > 1 ? " and \(counts[1])" : "") layers, \
      \(Format.count(document.examples.compared)) examples, \(document.estimator.name) CKA, on \
      \(document.device.id) in \(Format.seconds(document.timings.total))
      written to \(oneLine(folder.path)): \(written.joined(separator: ", "))
      """
  }
}
