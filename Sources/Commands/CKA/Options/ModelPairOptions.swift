import ActivationFiles
import Activations
import ArgumentParser
import CKA
import Inputs
import Logging
import Results
import Support

/// The models of a command that compares one with itself or two with each other.
struct ModelPairOptions: ParsableArguments {
  @Argument(help: "First model: the rows of the result.", completion: .file())
  var model: String

  @Argument(
    help:
      "Second model: the columns of the result (default: MODEL with itself).",
    completion: .file())
  var model2: String?

  @OptionGroup var names: NameOption

  @Option(
    help: ArgumentHelp(
      "Layers of MODEL2, in place of --layers (repeatable).", valueName: "glob"))
  var layers2: [String] = []

  @Option(
    help: ArgumentHelp("Mask of MODEL2, in place of --mask.", valueName: "file"),
    completion: .file())
  var mask2: String?

  /// The paths of the models.
  var paths: [String] { [model, model2].compactMap { $0 } }

  func validate() throws {
    for (name, isGiven) in [("--layers2", !layers2.isEmpty), ("--mask2", mask2 != nil)]
    where isGiven && model2 == nil {
      throw ValidationError("\(name) needs a second model; there is no MODEL2.")
    }
    try names.check(count: paths.count)
  }

  /// Opens the models, with the layers that the user wants, and pairs their examples.
  ///
  /// - Parameter usual: the most examples where the user names no number.
  func open(
    _ layers: LayerOptions, _ examples: ExampleOptions, usual: Int? = nil, seed: UInt64, log: Logger
  ) throws -> (left: ActivationModel, right: ActivationModel?, pairing: ExamplePairing) {
    let opened = try layers.selection.openPair(
      paths, layers: layers.layers, ofSecond: layers2, names: names.name,
      secondMask: mask2.map { try TokenMask(path: $0) }
    ) { log.warning("\($0)") }
    let right = opened.count > 1 ? opened[1] : nil
    if let usual, examples.examples == nil, opened[0].exampleCount > usual {
      log.tell([.limited(to: usual, of: opened[0].exampleCount, seed: seed)])
    }
    let pairing = try examples.drop.apply(
      to: .of(
        opened[0], right, alignment: examples.alignment, limit: examples.examples ?? usual,
        seed: seed, paths: paths), opened[0], right, paths: paths, log: log)
    return (opened[0], right, pairing)
  }
}
