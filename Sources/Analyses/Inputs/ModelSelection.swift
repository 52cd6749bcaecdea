import ActivationFiles
import Activations
import Glibc
import Support

/// Which layers of models are wanted, and as what.
public struct ModelSelection: Sendable {
  /// Shell patterns of layers' names that are left out.
  public var exclude: [String]
  /// Whether the mean over the positions of a map is taken.
  public var takesMean: Bool
  /// Which axis of a map holds its channels, where the model does not say it.
  public var layout: LayerShape.Layout?

  /// See the properties; all layers, flattened, unless given.
  public init(
    exclude: [String] = [], takesMean: Bool = false, layout: LayerShape.Layout? = nil
  ) {
    self.exclude = exclude
    self.takesMean = takesMean
    self.layout = layout
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
    var layers = files.layers
    for index in layers.indices { layers[index].pooling = try pooling(of: layers[index], in: path) }
    let model = ActivationModel(name: files.name, layers: layers, exampleIDs: files.exampleIDs)
    return (model, contents.names)
  }

  /// A mean over positions needs to know the positions.
  private func pooling(
    of layer: LayerActivations, in path: String
  ) throws -> LayerShape.Pooling {
    guard takesMean, layer.shape.isLayoutNeeded else { return .flatten }
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
