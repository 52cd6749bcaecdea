import ActivationFiles
import Activations
import CKA
import CommandSupport
import Foundation

/// Opens a model, or says why not.
func openModel(_ path: String) throws -> ModelFiles {
  do throws(ActivationFileError) {
    return try ModelFiles(path: path)
  } catch {
    let code: Failure.Code =
      switch error.kind {
      case .noInput: .noInput
      case .data: .data
      case .io: .io
      }
    throw Failure(code, error.description)
  }
}

/// The layers of `model` that the user wants, pooled as the user wants.
///
/// - Parameter patterns: shell patterns of layer names; none takes all layers.
func select(
  _ model: ModelFiles, patterns: [String], pooling: LayerShape.Pooling
) throws -> ActivationModel {
  var layers = model.layers
  if !patterns.isEmpty {
    layers = layers.filter { layer in patterns.contains { matches(layer.name, $0) } }
    guard !layers.isEmpty else {
      let wanted = patterns.map(oneLine).joined(separator: ", ")
      throw Failure(.usage, "\(oneLine(model.path)): no layer matches \(wanted); see cka inspect")
    }
  }
  for index in layers.indices { layers[index].pooling = pooling }
  return ActivationModel(name: model.name, layers: layers, exampleIDs: model.exampleIDs)
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
  _ model: String, _ model2: String?, _ layers: LayerOptions
) throws -> (left: ActivationModel, right: ActivationModel?, paths: [String]) {
  let left = try select(openModel(model), patterns: layers.layers, pooling: layers.pooling)
  let right = try model2.map {
    try select(openModel($0), patterns: layers.layers, pooling: layers.pooling)
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
