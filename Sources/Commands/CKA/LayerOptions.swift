import ActivationFiles
import Activations
import ArgumentParser
import Foundation
import Inputs
import Logging
import Support

extension LayerShape.Layout: ExpressibleByArgument {}

/// Which layers are compared, and as what.
struct LayerOptions: ParsableArguments {
  enum Pool: String, ExpressibleByArgument, CaseIterable { case flatten, mean }

  @Option(
    help: ArgumentHelp(
      "Only layers whose names match this shell pattern; may be repeated.", valueName: "glob"))
  var layers: [String] = []

  @Option(
    help: ArgumentHelp(
      "No layers whose names match this shell pattern; may be repeated.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: """
      flatten, or the mean over the positions of a map: of C×H×W or C×L over all axes but the first, of \
      H×W×C or tokens×D over all but the last, as --layout says.
      """)
  var pool = Pool.flatten

  @Option(
    help: """
      Which axis of a map holds its channels (see cka inspect): needed by --pool mean where layers.json does \
      not say it.
      """)
  var layout: LayerShape.Layout?

  func validate() throws {
    guard layout == nil || pool == .mean else {
      throw ValidationError("--layout belongs to --pool mean.")
    }
  }

  /// What the options say.
  var selection: ModelSelection {
    ModelSelection(exclude: exclude, takesMean: pool == .mean, layout: layout)
  }

  /// All patterns of layers' names.
  var patterns: [String] { layers + exclude }
}

/// What models are called in results.
struct NameOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      What a model is called in results: once a model, in the order of the models. Without it, the name \
      of its file or folder, with as much of the path as tells it from the others.
      """, valueName: "name"))
  var name: [String] = []

  /// Refuses names that are not one a model, or not different.
  func check(count: Int) throws {
    guard !name.isEmpty else { return }
    guard name.count == count else {
      throw ValidationError(
        "--name is given \(name.count == 1 ? "once" : "\(name.count) times"), expected once for each of "
          + "\(count) \(count == 1 ? "model" : "models").")
    }
    guard Set(name).count == count, !name.contains("") else {
      throw ValidationError("--name: expected different names of at least one letter.")
    }
  }

  /// The models at `paths` with their names.
  func rename(_ models: [ActivationModel], paths: [String]) -> [ActivationModel] {
    let names = ModelNames(paths: paths)
    return models.indices.map { index in
      let model = models[index]
      return ActivationModel(
        name: name.isEmpty ? names.name(of: model.name, path: paths[index]) : name[index],
        layers: model.layers, exampleIDs: model.exampleIDs)
    }
  }
}
