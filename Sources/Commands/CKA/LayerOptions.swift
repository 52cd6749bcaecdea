import ActivationFiles
import Activations
import ArgumentParser
import Foundation
import Logging
import Support

extension LayerShape.Layout: ExpressibleByArgument {}

/// Which layers are compared, and as what.
struct LayerOptions: ParsableArguments {
  enum Pool: String, ExpressibleByArgument, CaseIterable { case flatten, mean }

  @Option(
    help: ArgumentHelp(
      "Only layers whose names match this shell pattern; may be repeated.", valueName: "glob"))
  var layers: [String] = []

  @Option(
    help: ArgumentHelp(
      "No layers whose names match this shell pattern; may be repeated.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: """
      flatten, or the mean over the positions of a map: of C×H×W or C×L over all axes but the first, of \
      H×W×C or tokens×D over all but the last, as --layout says.
      """)
  var pool = Pool.flatten

  @Option(
    help: """
      Which axis of a map holds its channels (see cka inspect): needed by --pool mean where layers.json does \
      not say it.
      """)
  var layout: LayerShape.Layout?

  func validate() throws {
    guard layout == nil || pool == .mean else {
      throw ValidationError("--layout belongs to --pool mean.")
    }
  }

  /// The layers of the model at `path` that the user wants, pooled as the user wants, and the names of all its
  /// arrays.
  ///
  /// - Parameters:
  ///   - patterns: shell patterns of layer names; none takes all layers.
  ///   - log: is told which arrays were skipped.
  func select(
    _ path: String, _ patterns: [String], log: Logger?
  ) throws -> (model: ActivationModel, arrays: [String]) {
    let contents = try reportingFileErrors { () throws(ActivationFileError) in
      try ModelContents(path: path)
    }
    let isWanted = { (name: String) in
      patterns.isEmpty || patterns.contains { matches(name, $0) }
    }
    let isExcluded = { (name: String) in exclude.contains { matches(name, $0) } }
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
      { (name: String) in matches(name, pattern) && !isExcluded(name) }
    }
    if choices.isEmpty, !exclude.isEmpty { choices = [{ !isExcluded($0) }] }
    let files = try reportingFileErrors { () throws(ActivationFileError) in
      try contents.model(choosing: choices)
    }
    if let log, let note = skippedArrays(of: files) { log.warning("\(note)") }
    var layers = files.layers
    for index in layers.indices { layers[index].pooling = try pooling(of: layers[index], in: path) }
    let model = ActivationModel(name: files.name, layers: layers, exampleIDs: files.exampleIDs)
    return (model, contents.names)
  }

  /// A mean over positions needs to know the positions.
  private func pooling(
    of layer: LayerActivations, in path: String
  ) throws -> LayerShape.Pooling {
    guard pool == .mean, layer.shape.isLayoutNeeded else { return .flatten }
    guard let layout = layer.layout ?? layout else {
      let readings = LayerShape.Layout.allCases.map {
        let count = layer.shape.pooledFeatureCount($0)
        return "\($0.rawValue) keeps \(count) \(count == 1 ? "feature" : "features")"
      }
      throw Failure(
        .usage,
        "\(oneLine(path)): --pool mean needs --layout: of layer \(oneLine(layer.name)), "
          + "\(layer.shape), \(readings.joined(separator: ", "))")
    }
    return .mean(layout)
  }

  /// Checks that each pattern of layers' names matches an array of one of the models at `paths`.
  func checkPatterns(of paths: [String]) throws {
    guard !layers.isEmpty || !exclude.isEmpty else { return }
    var names: [String] = []
    for path in paths {
      names += try reportingFileErrors { () throws(ActivationFileError) in
        try ModelContents(path: path).names
      }
    }
    try check(layers, of: names, in: paths)
    try check(exclude, of: names, in: paths)
  }

  /// Checks that each pattern matches one of `names`, those of all arrays of the models at `paths`: another
  /// is likely misspelled.
  func check(_ patterns: [String], of names: [String], in paths: [String]) throws {
    for pattern in patterns where !names.contains(where: { matches($0, pattern) }) {
      let places = paths.map(oneLine).joined(separator: ", ")
      throw Failure(.usage, "\(places): no layer matches \(oneLine(pattern)); see cka inspect")
    }
  }
}

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

private func matches(_ name: String, _ pattern: String) -> Bool {
  fnmatch(pattern, name, 0) == 0
}
