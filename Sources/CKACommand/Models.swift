import ActivationFiles
import Activations
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

private func matches(_ name: String, _ pattern: String) -> Bool {
  fnmatch(pattern, name, 0) == 0
}
