import Activations
import ArgumentParser
import CKA
import Device
import DeviceRegistry
import Logging
import Support

extension DeviceSelection: ExpressibleByArgument {
  /// Reads what stands behind `--device`.
  public init?(argument: String) { self.init(argument) }

  /// As it stands behind `--device`.
  public var defaultValueDescription: String {
    switch self {
    case .automatic: "auto"
    case .cpu: "cpu"
    case .openCL(let index): index.map { "opencl:\($0)" } ?? "opencl"
    case .allOpenCL: "opencl:all"
    }
  }
}

extension Estimator.Ragged: ExpressibleByArgument {}
extension ExamplePairing.Alignment: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}

/// How CKA is estimated: the options of `compare`.
struct EstimatorOptions: ParsableArguments {
  enum Name: String, ExpressibleByArgument, CaseIterable { case minibatch, unbiased, biased }
  enum Order: String, ExpressibleByArgument, CaseIterable { case shuffled, stored }

  @Option(
    help: ArgumentHelp(
      "minibatch averages HSIC over minibatches; unbiased and biased use all examples at once."))
  var estimator = Name.minibatch

  // What belongs to minibatch alone is optional, so that it can be refused elsewhere.
  @Option(
    help: ArgumentHelp(
      """
      Examples a minibatch, at least 4 (256, or fewer where that would leave out more than 1 % of the \
      examples).
      """, valueName: "B"))
  var batchSize: Int?

  @Option(help: "How often minibatch goes through the examples: once unless given.")
  var passes: Int?

  @Option(help: "The order in which minibatch goes through the examples: shuffled unless given.")
  var order: Order?

  @Option(
    help: """
      What decides the shuffled order and which examples --examples takes, the same for both models and \
      on every machine: 0 unless given.
      """)
  var seed: UInt64?

  @Option(
    help: "What happens to examples that do not fill a minibatch: drop unless given, or keep.")
  var ragged: Estimator.Ragged?

  @OptionGroup(title: "Kernel") var kernel: KernelOptions

  func validate() throws {
    let sizes = 4...Estimator.Minibatches.mostSize
    if let batchSize, !sizes.contains(batchSize) {
      throw ValidationError(
        "--batch-size is \(batchSize): HSIC needs at least 4 examples, and a minibatch has at most "
          + "\(sizes.upperBound); unbiased and biased take all examples at once.")
    }
    let most = Estimator.Minibatches.mostPasses
    if let passes, !(1...most).contains(passes) {
      throw ValidationError("--passes is \(passes): between 1 and \(most).")
    }
    if let passes, passes > 1, order == .stored {
      throw ValidationError(
        "--passes \(passes) with --order stored: all passes would be the same.")
    }
    guard estimator != .minibatch else { return }
    let given = [
      ("--batch-size", batchSize != nil), ("--passes", passes != nil), ("--order", order != nil),
      ("--ragged", ragged != nil),
    ]
    if let (name, _) = given.first(where: \.1) {
      throw ValidationError(
        "\(name) belongs to --estimator minibatch: \(estimator) uses all examples at once.")
    }
  }

  /// Refuses a seed that decides nothing.
  func checkSeed(with examples: ExampleOptions) throws {
    guard seed != nil, examples.examples == nil else { return }
    guard estimator == .minibatch else {
      throw ValidationError(
        "--seed decides nothing: \(estimator) uses all examples at once, and there is no --examples."
      )
    }
    guard order != .stored else {
      throw ValidationError(
        "--seed decides nothing: --order is stored, and there is no --examples.")
    }
  }

  /// What decides the shuffled order and which examples are taken.
  var seedValue: UInt64 { seed ?? 0 }

  /// The estimator of the library.
  var value: Estimator {
    switch estimator {
    case .minibatch:
      .minibatch(
        .init(
          size: batchSize, passes: passes ?? 1,
          order: order == .stored ? .stored : .shuffled(seed: seedValue), ragged: ragged ?? .drop))
    case .unbiased: .unbiased
    case .biased: .biased
    }
  }
}

/// What fills Gram matrices.
struct KernelOptions: ParsableArguments {
  enum Kernel: String, ExpressibleByArgument, CaseIterable { case linear, rbf }

  @Option(help: "The function of two examples that fills the Gram matrices.")
  var kernel = Kernel.linear

  @Option(
    help: ArgumentHelp(
      "RBF's σ as a multiple T of the root of the median squared distance (1 unless given).",
      valueName: "T"))
  var bandwidth: Double?

  @Option(help: ArgumentHelp("RBF's σ itself, in units of the activations.", valueName: "S"))
  var sigma: Double?

  func validate() throws {
    if bandwidth != nil, sigma != nil {
      throw ValidationError("--bandwidth and --sigma exclude each other.")
    }
    if kernel == .linear, bandwidth != nil || sigma != nil {
      throw ValidationError("--bandwidth and --sigma belong to --kernel rbf.")
    }
    for (name, value) in [("--bandwidth", bandwidth), ("--sigma", sigma)] {
      if let value, !(value > 0 && value.isFinite) {
        throw ValidationError("\(name) is \(value): it must be positive and finite.")
      }
    }
  }

  /// The kernel of the library; its median, where it has one, of a sample of the examples or of all.
  func value(isSampled: Bool = false) -> GramKernel {
    switch (kernel, sigma) {
    case (.linear, _): .linear
    case (.rbf, let sigma?): .rbf(.sigma(sigma))
    case (.rbf, nil) where isSampled:
      .rbf(.sampledMedianMultiple(bandwidth ?? 1, examples: PlanOptions.sampleSize))
    case (.rbf, nil): .rbf(.medianMultiple(bandwidth ?? 1))
    }
  }
}

/// Which examples are compared.
struct ExampleOptions: ParsableArguments {
  @Option(
    help: """
      How the examples of two models find each other: by their order unless given, which sample IDs must \
      confirm where both have them, or by their ids.
      """)
  var align: ExamplePairing.Alignment?

  @Option(
    help: ArgumentHelp(
      "At most so many examples, drawn by --seed: the same of every model.", valueName: "N"))
  var examples: Int?

  func validate() throws {
    if let examples, examples < 2 {
      throw ValidationError("--examples is \(examples): CKA compares at least 2.")
    }
  }

  /// How the examples of two models find each other.
  var alignment: ExamplePairing.Alignment { align ?? .order }

  /// Refuses fewer examples than an estimator needs.
  func check(for estimator: Estimator) throws {
    try check(
      least: estimator.centering.leastExamples, words: "the \(estimator.name) estimator needs")
  }

  /// Refuses fewer examples than something needs, which is named with its verb.
  func check(least: Int, words: String) throws {
    if let examples, examples < least {
      throw ValidationError("--examples is \(examples): \(words) at least \(least).")
    }
  }

  /// Refuses what only a second model gives a meaning.
  func check(secondModel: String?) throws {
    guard align == nil || secondModel != nil else {
      throw ValidationError("--align belongs to two models; there is no MODEL2.")
    }
  }

  /// Pairs the examples of two models, whose paths messages name.
  func pairing(
    _ left: any ActivationSource, _ right: (any ActivationSource)?, paths: [String], seed: UInt64
  ) throws -> ExamplePairing {
    do throws(ComparisonError) {
      return try ExamplePairing(left, right, alignment: alignment, limit: examples, seed: seed)
    } catch {
      throw Failure(.data, oneLine("\(paths.last ?? left.name): \(error.description)"))
    }
  }
}

/// Which examples are left out for what they hold.
struct DropOption: ParsableArguments {
  enum Rule: String, ExpressibleByArgument, CaseIterable { case nonFinite = "non-finite" }

  @Option(
    help: """
      Leave out the examples that hold NaN or infinity in any layer that is compared, of those that --examples \
      takes.
      """)
  var dropExamples: Rule?

  /// `pairing` without them, of models whose paths messages name.
  func apply(
    to pairing: ExamplePairing, _ left: any ActivationSource, _ right: (any ActivationSource)?,
    paths: [String], log: Logger
  ) throws -> ExamplePairing {
    guard dropExamples == .nonFinite else { return pairing }
    let rest: ExamplePairing
    do throws(ActivationReadError) { rest = try pairing.withoutNonFinite(left, right) } catch {
      throw Failure(.io, error.description)
    }
    let models = paths.map(oneLine).joined(separator: ", ")
    guard rest.count > 0 else {
      throw Failure(
        .data,
        "\(models): all \(Format.count(pairing.count)) examples hold NaN or infinity in a layer; "
          + "--exclude leaves out layers")
    }
    if let dropped = rest.dropped, !dropped.isEmpty {
      log.info(
        """
        \(models): \(Format.count(dropped.count)) of \(Format.count(pairing.count)) examples hold NaN or \
        infinity and are left out: \(listed(dropped, of: dropped.count))
        """)
    }
    return rest
  }
}

/// Where the work is done.
struct DeviceOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto, cpu, opencl, opencl:INDEX (see `cka devices`) or opencl:all.", valueName: "device"))
  var device = DeviceSelection.automatic

  @Option(
    help: """
      exact, or what a GPU's 16-bit matrix units may do instead: compensated (three passes, as \
      accurate) or fast (one pass, errors up to 1e-3).
      """)
  var precision = Precision.exact
}
