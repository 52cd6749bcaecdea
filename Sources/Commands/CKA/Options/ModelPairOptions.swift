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
    let second = layers2.isEmpty ? options.layers : layers2
    let opened = try paths.enumerated().map { index, path in
      // A model beside itself is spoken of once.
      try options.selection.open(path, layers: index == 0 ? options.layers : second) {
        if index == 0 || path != model { log.warning("\($0)") }
      }
    }
    let arrays = opened.map(\.arrays)
    try ModelSelection.check(options.exclude, of: arrays.flatMap { $0 }, in: paths)
    if layers2.isEmpty {
      try ModelSelection.check(options.layers, of: arrays.flatMap { $0 }, in: paths)
    } else {
      try ModelSelection.check(options.layers, of: arrays[0], in: [paths[0]])
      try ModelSelection.check(layers2, of: arrays[1], in: [paths[1]])
    }
    let named = names.rename(opened.map(\.model), paths: paths)
    return (named[0], named.count > 1 ? named[1] : nil)
  }
}
