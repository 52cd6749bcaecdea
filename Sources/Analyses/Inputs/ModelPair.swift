import ActivationFiles
import Activations
import Support

extension ModelSelection {
  /// The models of a comparison, with the layers that are wanted.
  ///
  /// - Parameters:
  ///   - paths: of one model or two, which may be the same.
  ///   - patterns: shell patterns of layers' names; none takes all layers. A pattern without a layer is likely
  ///     misspelled, and refused.
  ///   - second: patterns for the second model in their place; none takes the same.
  ///   - names: what the models are called; none where their paths say it.
  ///   - secondMask: which tokens of the second model count; nil takes the mask of both.
  ///   - warn: is told which arrays were skipped.
  /// - Throws: as `open`; `Failure` where there are other than one or two paths, or names for other than each.
  public func openPair(
    _ paths: [String], layers patterns: [String] = [], ofSecond second: [String] = [],
    names: [String] = [], secondMask: TokenMask? = nil, warn: (String) -> Void = { _ in }
  ) throws -> [ActivationModel] {
    guard (1...2).contains(paths.count), second.isEmpty || paths.count == 2,
      names.isEmpty || names.count == paths.count
    else {
      throw Failure(
        .usage,
        "\(paths.count) models with \(names.count) names: a comparison takes one model or two, and a name for "
          + "each or none")
    }
    let opened = try paths.enumerated().map { (index, path) throws in
      var selection = self
      if index == 1, let secondMask { selection.mask = secondMask }
      return try selection.open(path, layers: index == 0 || second.isEmpty ? patterns : second) {
        // A model beside itself is spoken of once.
        if index == 0 || path != paths[0] { warn($0) }
      }
    }
    let arrays = opened.map(\.arrays)
    try Self.check(exclude, of: arrays.flatMap { $0 }, in: paths)
    if second.isEmpty {
      try Self.check(patterns, of: arrays.flatMap { $0 }, in: paths)
    } else {
      try Self.check(patterns, of: arrays[0], in: [paths[0]])
      try Self.check(second, of: arrays[1], in: [paths[1]])
    }
    let unique = ModelNames(paths: paths)
    return zip(paths, opened).enumerated().map { index, found in
      let (path, model) = (found.0, found.1.model)
      return ActivationModel(
        name: names.isEmpty ? unique.name(of: model.name, path: path) : names[index],
        layers: model.layers, exampleIDs: model.exampleIDs)
    }
  }
}
