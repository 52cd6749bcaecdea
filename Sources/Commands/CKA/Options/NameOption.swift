import ArgumentParser

/// What models are called in results.
struct NameOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Name of a model in results; give one per model, in order (default: the name of its file or \
      folder, with enough of the path to be unique).
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
      throw ValidationError("--name: names must differ and not be empty.")
    }
  }
}
