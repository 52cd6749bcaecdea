import ActivationFiles
import Activations
import CKA
import CommandSupport
import Foundation
import Logging

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

/// The layers of the model at `path` that the user wants, pooled as the user wants.
///
/// - Parameters:
///   - patterns: shell patterns of layer names; none takes all layers.
///   - log: is told which arrays were skipped.
func select(
  _ path: String, patterns: [String], pooling: LayerShape.Pooling, log: Logger?
) throws -> ActivationModel {
  let model = try openModel(
    path, choosing: patterns.map { pattern in { matches($0, pattern) } },
    wanted: patterns.joined(separator: ", "))
  if let log, let note = skippedArrays(of: model) { log.warning("\(note)") }
  var layers = model.layers
  for index in layers.indices { layers[index].pooling = pooling }
  return ActivationModel(name: model.name, layers: layers, exampleIDs: model.exampleIDs)
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

/// Checks that each pattern has chosen a layer of any model: another is likely misspelled.
func checkPatterns(_ patterns: [String], of models: [ActivationModel], paths: [String]) throws {
  let names = models.flatMap { $0.layers.map(\.name) }
  for pattern in patterns where !names.contains(where: { matches($0, pattern) }) {
    let places = paths.map(oneLine).joined(separator: ", ")
    throw Failure(.usage, "\(places): no layer matches \(oneLine(pattern)); see cka inspect")
  }
}

/// The models of a command that compares one with itself or two with each other, with the layers that
/// the user wants, and their paths.
func openModels(
  _ model: String, _ model2: String?, _ layers: LayerOptions, log: Logger
) throws -> (left: ActivationModel, right: ActivationModel?, paths: [String]) {
  let left = try select(model, patterns: layers.layers, pooling: layers.pooling, log: log)
  let right = try model2.map {
    try select(
      $0, patterns: layers.layers, pooling: layers.pooling, log: $0 == model ? nil : log)
  }
  let paths = [model, model2].compactMap { $0 }
  try checkPatterns(layers.layers, of: [left, right].compactMap { $0 }, paths: paths)
  return (left, right, paths)
}

/// Refuses to write a map without any value.
func checkHasValues(_ similarity: Similarity, of model: String) throws {
  guard similarity.hasValues else {
    throw Failure(.data, "\(oneLine(model)): no pair of layers has a value; nothing was written")
  }
}

private func matches(_ name: String, _ pattern: String) -> Bool {
  fnmatch(pattern, name, 0) == 0
}
