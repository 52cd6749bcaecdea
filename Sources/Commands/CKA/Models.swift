import ActivationFiles
import Activations
import ArgumentParser
import CKA
import Logging
import Support

/// Opens a model, or says why not.
func openModel(_ path: String) throws -> ModelFiles {
  try reportingFileErrors { () throws(ActivationFileError) in try ModelFiles(path: path) }
}

/// Opens a model of which only the layers are wanted that one of `choices` takes by its name.
///
/// - Parameters:
///   - choices: None takes all layers.
///   - wanted: What the user called them.
func openModel(
  _ path: String, choosing choices: [(String) -> Bool], wanted: String
) throws -> ModelFiles {
  let contents = try reportingFileErrors { () throws(ActivationFileError) in
    try ModelContents(path: path)
  }
  guard choices.isEmpty || contents.names.contains(where: { name in choices.contains { $0(name) } })
  else {
    throw Failure(
      .usage, "\(oneLine(path)): no layer matches \(oneLine(wanted)); see cka inspect")
  }
  return try reportingFileErrors { () throws(ActivationFileError) in
    try contents.model(choosing: choices)
  }
}

/// Turns what is wrong with a file of activations into a failure.
func reportingFileErrors<Result>(
  _ body: () throws(ActivationFileError) -> Result
) throws -> Result {
  do throws(ActivationFileError) { return try body() } catch {
    let code: Failure.Code =
      switch error.kind {
      case .noInput: .noInput
      case .data: .data
      case .io: .io
      }
    throw Failure(code, error.description)
  }
}

/// The arrays of `model` that are no layers, and why, in one line.
func skippedArrays(of model: ModelFiles) -> String? {
  guard !model.skipped.isEmpty else { return nil }
  let shown = 5
  var parts = model.skipped.prefix(shown).map { "\(oneLine($0.name)) (\($0.reason))" }
  if model.skipped.count > shown {
    parts.append("and \(model.skipped.count - shown) more, see cka inspect")
  }
  let count = model.skipped.count
  return "\(oneLine(model.path)): left out what cannot be a layer, \(count) "
    + "\(count == 1 ? "array" : "arrays"): \(parts.joined(separator: ", "))"
}

/// The models of a command that compares one with itself or two with each other.
struct ModelPairOptions: ParsableArguments {
  @Argument(help: "The first model: the rows of the result.", completion: .file())
  var model: String

  @Argument(
    help:
      "The second model: the columns; without it the layers of MODEL are compared with each other.",
    completion: .file())
  var model2: String?

  @OptionGroup var names: NameOption

  @Option(
    help: ArgumentHelp(
      "Of MODEL2, these layers in place of those of --layers; may be repeated.", valueName: "glob"))
  var layers2: [String] = []

  /// The paths of the models.
  var paths: [String] { [model, model2].compactMap { $0 } }

  func validate() throws {
    guard layers2.isEmpty || model2 != nil else {
      throw ValidationError("--layers2 belongs to a second model; there is no MODEL2.")
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
      try options.select(
        path, index == 0 ? options.layers : second, log: index > 0 && path == model ? nil : log)
    }
    let arrays = opened.map(\.arrays)
    try options.check(options.exclude, of: arrays.flatMap { $0 }, in: paths)
    if layers2.isEmpty {
      try options.check(options.layers, of: arrays.flatMap { $0 }, in: paths)
    } else {
      try options.check(options.layers, of: arrays[0], in: [paths[0]])
      try options.check(layers2, of: arrays[1], in: [paths[1]])
    }
    let named = names.rename(opened.map(\.model), paths: paths)
    return (named[0], named.count > 1 ? named[1] : nil)
  }
}

/// Refuses to write a map without any value.
func checkHasValues(_ similarity: Similarity, of model: String) throws {
  guard similarity.hasValues else {
    throw Failure(.data, "\(oneLine(model)): no pair of layers has a value; nothing was written")
  }
}
