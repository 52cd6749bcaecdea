import Activations
import Analyses
import Support

/// Which models are of one architecture: from a file `models.csv`, or from their names.
public struct ModelTable: Sendable {
  private let path: String?
  private var groups: [String: ModelGroup] = [:]

  /// Groups from names alone.
  public init() { path = nil }

  /// Groups from a file in RFC 4180's words with the header `model,group,seed`, a line a model; a seed
  /// may be empty. It may hold models that are not in the sweep.
  ///
  /// - Throws: `Failure` that names the first line that is something else.
  public init(path: String) throws {
    self.path = path
    let data = try readFile(path, called: oneLine(path), expected: "a table of models")
    func refuse(_ line: Int?, _ found: String) -> Failure {
      let place = line.map { ", line \($0)" } ?? ""
      return Failure(.data, "\(oneLine(path))\(place): \(found)")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw refuse(nil, "is not UTF-8")
    }
    let rows: [CSVRow]
    do { rows = try readCSV(text) } catch { throw refuse(error.line, error.reason) }
    guard let header = rows.first, header.fields == ["model", "group", "seed"] else {
      let found = rows.first.map { $0.fields.joined(separator: ",") } ?? "nothing"
      throw refuse(1, "found \(oneLine(found)), expected the header model,group,seed")
    }
    var seeds: Set<[String]> = []
    for row in rows.dropFirst() {
      guard row.fields.count == 3 else {
        throw refuse(row.line, "found \(row.fields.count) fields, expected model,group,seed")
      }
      let (model, group, seed) = (row.fields[0], row.fields[1], row.fields[2])
      guard !model.isEmpty, !group.isEmpty else {
        throw refuse(row.line, "found no \(model.isEmpty ? "model" : "group")")
      }
      guard groups[model] == nil else {
        throw refuse(row.line, "found the model \(oneLine(model)) twice")
      }
      guard seed.isEmpty || seeds.insert([group, seed]).inserted else {
        throw refuse(
          row.line, "found the seed \(oneLine(seed)) of \(oneLine(group)) twice")
      }
      groups[model] = ModelGroup(name: group, seed: seed.isEmpty ? nil : seed)
    }
  }

  /// The group of each of `models`.
  package func groups(of models: [String]) throws -> [ModelGroup] {
    guard let path else { return models.map { ModelGroup(ofModel: $0) } }
    return try models.map { model in
      guard let group = groups[model] else {
        throw Failure(.data, "\(oneLine(path)): lacks the model \(oneLine(model)) of the sweep")
      }
      return group
    }
  }
}
