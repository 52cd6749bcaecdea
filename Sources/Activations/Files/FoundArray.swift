import Activations

/// An array in a model's files that cannot be one of its layers.
public struct SkippedArray: Sendable, Hashable {
  /// What the layer would be called; of a file that holds no array, the file's name.
  public let name: String
  /// What was found and what was expected, in one line.
  public let reason: String
  /// What choosing the array ends with.
  let error: ActivationFileError

  init(_ name: String, reason: String, error: ActivationFileError) {
    self.name = name
    self.reason = reason
    self.error = error
  }
}

/// What a reader finds under a name: a layer, or an array that cannot be one.
enum FoundArray: Sendable {
  case layer(LayerActivations)
  case skipped(SkippedArray)

  /// Reads the array `name`. An array that is whole but holds no activations is skipped; every other
  /// error, of a damaged file for example, is thrown.
  init(
    _ name: String, _ read: () throws(ActivationFileError) -> LayerActivations
  ) throws(ActivationFileError) {
    do throws(ActivationFileError) {
      self = .layer(try read())
    } catch {
      guard let reason = error.whyNoLayer else { throw error }
      self = .skipped(SkippedArray(name, reason: reason, error: error))
    }
  }

  var name: String {
    switch self {
    case .layer(let layer): layer.name
    case .skipped(let array): array.name
    }
  }

  var layer: LayerActivations? {
    if case .layer(let layer) = self { layer } else { nil }
  }

  var skipped: SkippedArray? {
    if case .skipped(let array) = self { array } else { nil }
  }
}
