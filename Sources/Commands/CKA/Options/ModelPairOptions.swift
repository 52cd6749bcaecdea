import Activations
import ArgumentParser
import Inputs
import Logging

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

  /// The paths of the models.
  var paths: [String] { [model, model2].compactMap { $0 } }

  func validate() throws {
    guard layers2.isEmpty || model2 != nil else {
      throw ValidationError("--layers2 needs a second model; there is no MODEL2.")
    }
    try names.check(count: paths.count)
  }

  /// Opens the models, with the layers that the user wants.
  func open(
    _ options: LayerOptions, log: Logger
  ) throws -> (left: ActivationModel, right: ActivationModel?) {
    let opened = try options.selection.openPair(
      paths, layers: options.layers, ofSecond: layers2, names: names.name
    ) { log.warning("\($0)") }
    return (opened[0], opened.count > 1 ? opened[1] : nil)
  }
}
