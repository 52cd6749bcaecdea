import Activations
import ArgumentParser
import CKA
import CommandSupport
import Logging
import Results
import Support

extension ExamplePairing.Alignment: ExpressibleByArgument {}

/// Which examples are compared.
struct ExampleOptions: ParsableArguments {
  @Option(
    help: """
      How the examples of two models are matched. order (the default): by position; if both models \
      have IDs they must match. ids: by ID, which reorders them.
      """)
  var align: ExamplePairing.Alignment?

  @Option(
    help: ArgumentHelp(
      "Use at most N examples, drawn by --seed: the same of every model.", valueName: "N"))
  var examples: Int?

  @OptionGroup var drop: DropOption

  func validate() throws {
    try checkRange("--examples", examples, 2...)
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
      throw ValidationError("--examples is \(examples); \(words) at least \(least).")
    }
  }

  /// Rejects options that need a second model.
  func check(secondModel: String?) throws {
    guard align == nil || secondModel != nil else {
      throw ValidationError("--align needs two models; there is no MODEL2.")
    }
  }
}

/// Examples left out because of NaN or infinity.
struct DropOption: ParsableArguments {
  enum Rule: String, ExpressibleByArgument, CaseIterable { case nonFinite = "non-finite" }

  @Option(
    help: """
      Leave out examples with NaN or infinity in any compared layer (after --examples is applied).
      """)
  var dropExamples: Rule?

  /// `pairing` without them, of models whose paths messages name.
  func apply(
    to pairing: ExamplePairing, _ left: any ActivationSource, _ right: (any ActivationSource)?,
    paths: [String], log: Logger
  ) throws -> ExamplePairing {
    guard dropExamples == .nonFinite else { return pairing }
    let (rest, notes) = try pairing.withoutNonFinite(left, right, paths: paths)
    log.tell(notes)
    return rest
  }
}
