import ActivationFiles
import Activations
import Glibc
import Support

/// Which layers of models are wanted, and as what.
public struct ModelSelection: Sendable {
  /// Shell patterns of layers' names that are left out.
  public var exclude: [String]
  /// What is taken of the positions of a map or the tokens of a sequence.
  public var pooling: TokenPooling
  /// Which axis of a map holds its channels, where the model does not say it.
  public var layout: LayerShape.Layout?
  /// Which tokens count; nil takes all.
  public var mask: TokenMask?

  /// See the properties; all layers, flattened, unless given.
  public init(
    exclude: [String] = [], pooling: TokenPooling = .flatten, layout: LayerShape.Layout? = nil,
    mask: TokenMask? = nil
  ) {
    self.exclude = exclude
    self.pooling = pooling
    self.layout = layout
    self.mask = mask
  }

  /// The layers of the model at `path` that are wanted, pooled, and the names of all its arrays.
  ///
  /// - Parameters:
  ///   - path: the model's file or folder.
  ///   - patterns: shell patterns of layers' names; none takes all layers.
  ///   - warn: is told which arrays were skipped.
  /// - Throws: `Failure` where a pattern leaves no layer or the layout of a pooled map is not known,
  ///   `ActivationFileError` where a file cannot be read.
  public func open(
    _ path: String, layers patterns: [String] = [], warn: (String) -> Void = { _ in }
  ) throws -> (model: ActivationModel, arrays: [String]) {
    let contents = try ModelContents(path: path)
    let isWanted = { (name: String) in
      patterns.isEmpty || patterns.contains { Self.matches(name, $0) }
    }
    let isExcluded = { (name: String) in exclude.contains { Self.matches(name, $0) } }
    let wanted = contents.names.filter(isWanted)
    guard !wanted.isEmpty else {
      let names = patterns.map(oneLine).joined(separator: ", ")
      throw Failure(.usage, "\(oneLine(path)): no layer matches \(names); see cka inspect")
    }
    guard !wanted.allSatisfy(isExcluded) else {
      let names = exclude.map(oneLine).joined(separator: ", ")
      throw Failure(.usage, "\(oneLine(path)): --exclude \(names) leaves no layer")
    }
    var choices = patterns.map { pattern in
      { (name: String) in Self.matches(name, pattern) && !isExcluded(name) }
    }
    if choices.isEmpty, !exclude.isEmpty { choices = [{ !isExcluded($0) }] }
    let files = try contents.model(choosing: choices)
    if let note = skippedArrays(of: files) { warn(note) }
    let model = ActivationModel(
      name: files.name, layers: files.layers, exampleIDs: files.exampleIDs)
    return (try pooled(model, at: path), contents.names)
  }

  /// What opens models, some of them several times, and tells of each once which arrays were skipped.
  package func opener(
    layers patterns: [String], warn: @escaping (String) -> Void
  ) -> (String) throws -> ActivationModel {
    var opened: Set<String> = []
    return { path in
      let isFirst = opened.insert(path).inserted
      return try open(path, layers: patterns) { if isFirst { warn($0) } }.model
    }
  }

  /// A model with its layers pooled; of tokens as examples, example `a` becomes `a:0`, `a:1`, … where it has an ID.
  ///
  /// - Parameter path: what messages call it.
  package func pooled(_ model: ActivationModel, at path: String) throws -> ActivationModel {
    guard pooling != .flatten else {
      guard mask == nil else {
        throw Failure(.usage, "--mask needs --pool mean, first, last or tokens")
      }
      return model
    }
    var ids = model.exampleIDs
    var layers = model.layers
    for (index, layer) in layers.enumerated() {
      guard pooling == .mean, mask == nil else {
        let (pooled, rows) = try layer.pooled(
          pooling, layout: layer.layout ?? layout, mask: mask, path: path)
        layers[index] = pooled
        if pooling == .tokens, index == 0, let old = ids {
          ids = rows.map { "\(old[$0.example]):\($0.tokens[0])" }
        }
        continue
      }
      layers[index].pooling = try mean(of: layer, in: path)
    }
    return ActivationModel(name: model.name, layers: layers, exampleIDs: ids)
  }

  /// A mean over positions needs to know the positions.
  private func mean(
    of layer: LayerActivations, in path: String
  ) throws -> LayerShape.Pooling {
    guard layer.shape.isLayoutNeeded else { return .flatten }
    guard let layout = layer.layout ?? layout else {
      let readings = LayerShape.Layout.allCases.map {
        let count = layer.shape.pooledFeatureCount($0)
        return "\($0.rawValue) keeps \(count) \(count == 1 ? "feature" : "features")"
      }
      throw Failure(
        .usage,
        "\(oneLine(path)): --pool mean needs --layout: for layer \(oneLine(layer.name)), "
          + "\(layer.shape), \(readings.joined(separator: ", "))")
    }
    return .mean(layout)
  }

  /// Checks that each pattern of layers' names matches an array of one of the models at `paths`: another is
  /// likely misspelled.
  package static func checkPatterns(_ patterns: [String], of paths: [String]) throws {
    guard !patterns.isEmpty else { return }
    var names: [String] = []
    for path in paths {
      names += try ModelContents(path: path).names
    }
    try check(patterns, of: names, in: paths)
  }

  /// Checks that each pattern matches one of `names`, those of all arrays of the models at `paths`.
  package static func check(_ patterns: [String], of names: [String], in paths: [String]) throws {
    for pattern in patterns where !names.contains(where: { matches($0, pattern) }) {
      let places = paths.map(oneLine).joined(separator: ", ")
      throw Failure(.usage, "\(places): no layer matches \(oneLine(pattern)); see cka inspect")
    }
  }

  private static func matches(_ name: String, _ pattern: String) -> Bool {
    fnmatch(pattern, name, 0) == 0
  }
}
