import Activations
import ArgumentParser

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
