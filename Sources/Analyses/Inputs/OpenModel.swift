import ActivationFiles
import Activations
import Support

/// Opens a model of which only the layers are wanted that one of `choices` takes by its name.
///
/// - Parameters:
///   - choices: None takes all layers.
///   - wanted: What the user called them.
func openModel(
  _ path: String, choosing choices: [(String) -> Bool], wanted: String
) throws -> ModelFiles {
  let contents = try ModelContents(path: path)
  guard choices.isEmpty || contents.names.contains(where: { name in choices.contains { $0(name) } })
  else {
    throw Failure(
      .usage, "\(oneLine(path)): no layer matches \(oneLine(wanted)); see cka inspect")
  }
  return try contents.model(choosing: choices)
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
  return "\(oneLine(model.path)): skipped \(count) "
    + "\(count == 1 ? "array that cannot be a layer" : "arrays that cannot be layers"): \(parts.joined(separator: ", "))"
}
