import ActivationFiles
import Activations
import Analyses
import FoundationEssentials
import Glibc
import Support

/// Two groups of networks as they stand behind `--group`: `NAME=PATH,PATH…`.
public struct ErrorGroups {
  /// Names and what stands behind them, in the order of the names.
  private(set) var groups: [(name: String, paths: [String])] = []

  /// - Parameter options: each a name and paths or patterns; a name that comes again adds to its group.
  /// - Throws: `Failure` where there are not two groups, a pattern matches nothing, or a network is in both.
  public init(_ options: [String]) throws {
    for option in options {
      guard let (name, text) = Self.parts(option), !name.isEmpty, !text.isEmpty else {
        throw Failure(
          .usage, "--group is '\(oneLine(option))': expected NAME=PATH or NAME=PATH,PATH…")
      }
      let paths = try Self.paths(text)
      if let index = groups.firstIndex(where: { $0.name == name }) {
        groups[index].paths += paths
      } else {
        groups.append((name, paths))
      }
    }
    guard groups.count == 2 else {
      let names = groups.map { oneLine($0.name) }.joined(separator: ", ")
      throw Failure(
        .usage,
        "found \(groups.count) \(groups.count == 1 ? "group" : "groups") (\(names)), expected two, "
          + "each named by --group")
    }
    var seen: [String: String] = [:]
    for group in groups {
      for path in group.paths {
        let place = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        if let other = seen.updateValue(group.name, forKey: place) {
          throw Failure(
            .usage,
            "\(oneLine(path)): is in both \(oneLine(other)) and \(oneLine(group.name)); a network "
              + "may belong to one group only")
        }
      }
    }
  }

  private static func parts(_ option: String) -> (name: String, text: String)? {
    guard let equals = option.firstIndex(of: "=") else { return nil }
    return (String(option[..<equals]), String(option[option.index(after: equals)...]))
  }

  /// One path, though it may hold commas, where it is there; else paths or shell patterns with commas
  /// between them. Shells leave patterns behind an equals sign alone.
  private static func paths(_ text: String) throws -> [String] {
    if try isThere(text) { return [text] }
    return try text.split(separator: ",").flatMap { part in
      let part = String(part)
      guard try !isThere(part), part.contains(where: { "*?[".contains($0) })
      else { return [part] }
      var found = glob_t()
      defer { globfree(&found) }
      guard glob(part, 0, nil, &found) == 0, let names = found.gl_pathv else {
        throw Failure(.noInput, "\(oneLine(part)): matches no file or folder")
      }
      return (0..<Int(found.gl_pathc)).compactMap { names[$0].map { String(cString: $0) } }
    }
  }

  /// Reads what all networks predict.
  ///
  /// - Parameters:
  ///   - layer: the layer that holds the predictions of models with several; nil expects one.
  ///   - areLogits: whether examples × classes are logits, not probabilities.
  /// - Returns: both groups, and what the examples are called where a model says it.
  /// - Throws: `Failure` where a file cannot be read or holds no predictions, or sample IDs differ.
  public func read(
    layer: String? = nil, areLogits: Bool = false
  ) throws -> (groups: [ErrorStudy.Group], exampleIDs: [String]?) {
    var first: (path: String, model: ModelFiles)?
    let read = try groups.map { group in
      let networks = try group.paths.map { path in
        let choices: [(String) -> Bool] = layer.map { name in [{ $0.isSameName(as: name) }] } ?? []
        let model = try openModel(path, choosing: choices, wanted: layer ?? "")
        try checkIDs(of: model, path, beside: first)
        if first?.model.exampleIDs == nil, first == nil || model.exampleIDs != nil {
          first = (path, model)
        }
        let predictions = try onlyLayer(of: model, path)
        return try reportingPredictions(of: path) { () throws(PredictionError) in
          try Predictions(predictions, name: path, areLogits: areLogits)
        }
      }
      return ErrorStudy.Group(name: group.name, networks: networks)
    }
    return (read, first?.model.exampleIDs)
  }

  private func checkIDs(
    of model: ModelFiles, _ path: String, beside first: (path: String, model: ModelFiles)?
  ) throws {
    guard let first, let ids = first.model.exampleIDs, let others = model.exampleIDs,
      ids.count == others.count,
      let place = ids.indices.first(where: { !ids[$0].isSameName(as: others[$0]) })
    else { return }
    throw Failure(
      .data,
      oneLine(
        "\(path): example \(place) is \"\(others[place])\", expected \"\(ids[place])\" as in "
          + first.path))
  }
}

/// The only layer of a network's predictions.
private func onlyLayer(of model: ModelFiles, _ path: String) throws -> LayerActivations {
  guard model.layers.count == 1 else {
    let names = model.layers.suffix(3).map { oneLine($0.name) }.joined(separator: ", ")
    throw Failure(
      .usage,
      "\(oneLine(path)): holds \(model.layers.count) layers (…, \(names)); choose the one with the "
        + "predictions by --layer, or give '\(oneLine(path))/*.npy' to treat each file as a network"
    )
  }
  return model.layers[0]
}

/// The names of `count` classes in a text file, one a line.
///
/// - Throws: `Failure` where there are others than `count`, or a name is there twice.
public func readClassNames(_ path: String, count: Int) throws -> [String] {
  let text = try readText(path, "names of classes, one a line")
  // A carriage return and a line feed are one character.
  var names = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    .map(String.init)
  if names.last?.isEmpty == true { names.removeLast() }
  guard names.count == count else {
    throw Failure(
      .data, "\(oneLine(path)): found \(names.count) names, expected \(count): one per class")
  }
  var seen: Set<String> = []
  if let place = names.indices.first(where: {
    names[$0].isEmpty || !seen.insert(names[$0]).inserted
  }) {
    throw Failure(
      .data,
      "\(oneLine(path)), line \(place + 1): found "
        + (names[place].isEmpty ? "no name" : "'\(oneLine(names[place]))' twice"))
  }
  return names
}

/// The groups of classes in a file: JSON, an object from each group's name to a list of its classes and
/// groups; or CSV with the header `child,parent`.
///
/// - Parameter names: of the classes, as the file knows them.
package func readHierarchy(_ path: String, of names: [String]) throws -> ClassHierarchy {
  let text = try readText(path, "groups of classes, JSON or CSV")
  var arrows: [(child: String, parent: String)] = []
  if text.drop(while: \.isWhitespace).first == "{" {
    guard let groups = try? JSONDecoder().decode([String: [String]].self, from: Data(text.utf8))
    else {
      throw Failure(
        .data,
        "\(oneLine(path)): expected a JSON object of lists of names, {\"animal\": [\"cat\", \"dog\"]}"
      )
    }
    for (parent, children) in groups { arrows += children.map { ($0, parent) } }
  } else {
    let rows: [CSVRow]
    do { rows = try readCSV(text) } catch {
      throw Failure(.data, "\(oneLine(path)), line \(error.line): \(error.reason)")
    }
    guard rows.first?.fields == ["child", "parent"] else {
      let found = rows.first.map { $0.fields.joined(separator: ",") } ?? "nothing"
      throw Failure(
        .data,
        "\(oneLine(path)), line 1: found \(oneLine(found)), expected the header child,parent or a JSON "
          + "object")
    }
    for row in rows.dropFirst() {
      guard row.fields.count == 2, row.fields.allSatisfy({ !$0.isEmpty }) else {
        throw Failure(
          .data, "\(oneLine(path)), line \(row.line): expected the two names child,parent")
      }
      arrows.append((row.fields[0], row.fields[1]))
    }
  }
  let hierarchy = try reportingPredictions(of: path) { () throws(PredictionError) in
    try ClassHierarchy(arrows)
  }
  if let missing = names.first(where: { !hierarchy.contains($0) }) {
    throw Failure(
      .data,
      "\(oneLine(path)): lacks the class '\(oneLine(missing))', expected all \(names.count) classes in "
        + "groups")
  }
  return hierarchy
}

/// The groups of at least `least` of the classes called `names` in a file of a hierarchy, at least one.
package func readGroups(
  _ path: String, of names: [String], least: Int
) throws -> [(name: String, classes: [Int])] {
  let found = try readHierarchy(path, of: names).groups(of: names, least: least)
  guard !found.isEmpty else {
    throw Failure(
      .data,
      "\(oneLine(path)): contains no group with at least \(least) classes (--least-classes) but "
        + "not all of them"
    )
  }
  return found
}

extension ErrorStudy {
  /// What classes without names are called.
  package var classNumbers: [String] { (0..<classCount).map(String.init) }

  /// The names of the classes and groups of at least `least` of them, as far as there are files of them.
  package func classes(
    named names: String?, hierarchy: String?, least: Int
  ) throws -> (names: [String]?, groups: [(name: String, classes: [Int])]?) {
    let names = try names.map { try readClassNames($0, count: classCount) }
    return (
      names,
      try hierarchy.map { try readGroups($0, of: names ?? classNumbers, least: least) }
    )
  }
}

private func readText(_ path: String, _ expected: String) throws -> String {
  let data = try readFile(path, called: oneLine(path), expected: expected)
  guard let text = String(validating: data, as: UTF8.self) else {
    throw Failure(.data, "\(oneLine(path)): is not UTF-8; expected \(expected)")
  }
  return text
}

/// Names the file at `path` where the words do not.
func reportingPredictions<Result>(
  of path: String, _ body: () throws(PredictionError) -> Result
) throws(Failure) -> Result {
  do throws(PredictionError) { return try body() } catch { throw error.failure(of: path) }
}
