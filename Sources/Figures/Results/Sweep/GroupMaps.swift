import Analyses
import CKA
import Device
import Figures
import Results
import Support
import SweepStore

/// The maps of one architecture: over all pairs of its models, and over all of them with themselves.
package struct GroupMaps {
  private let name: String
  /// Indices of its models.
  private let members: [Int]
  private let layers: [SweepModel.Layer]
  /// Why there are no maps.
  private let reason: String?
  private var across: MapStatistics
  private var within: MapStatistics

  /// The groups of two models or more, in the order of their first models.
  static func all(of models: [SweepModel], _ groups: [ModelGroup]) throws -> [GroupMaps] {
    var members: [String: [Int]] = [:]
    for (index, group) in groups.enumerated() { members[group.name, default: []].append(index) }
    return try members.filter { $0.value.count > 1 }.sorted { $0.value[0] < $1.value[0] }.map {
      try GroupMaps(name: $0.key, members: $0.value, of: models)
    }
  }

  private init(name: String, members: [Int], of models: [SweepModel]) throws {
    self.name = name
    self.members = members
    layers = models[members[0]].layers
    let names = layers.map(\.name)
    let other = members.first { models[$0].layers.map(\.name) != names }
    reason = other.map {
      "\(models[members[0]].name) and \(models[$0].name) have different layer names"
    }
    let count = reason == nil ? layers.count : 0
    across = try MapStatistics(rows: count, columns: count)
    within = across
  }

  /// Adds the map of two models, if both are of this group.
  mutating func add(_ map: Matrix<Double>, _ left: Int, _ right: Int) throws {
    guard reason == nil, members.contains(left), members.contains(right) else { return }
    if left == right { try within.add(map) } else { try across.addSymmetric(map) }
  }

  /// Writes the maps and says what there is.
  func write(to folder: SweepFolder, scoreName: String) throws -> SweepDocument.Group {
    let pairs = members.count * (members.count - 1) / 2
    var group = SweepDocument.Group(
      name: name, models: members, folder: nil, pairs: pairs, maps: [], reason: reason)
    guard reason == nil else { return group }
    var maps = [
      ("mean", across.mean), ("within-mean", within.mean), ("within-std", within.standardDeviation),
    ]
    // One pair has no deviation.
    if pairs > 1 { maps.insert(("std", across.standardDeviation), at: 1) }
    let names = layers.map(\.name)
    let axis = ResultDocument.Model(name: name, layers: layers).axis
    var files: [ResultFile] = []
    for (map, values) in maps {
      let picture = try Self.heatmap(
        values, called: map, axis: axis,
        title: Self.title(of: map, group: name, models: members.count), scoreName: scoreName)
      files += [
        ("\(map).npy", npy(values)), ("\(map).csv", csv(values, rows: names, columns: names)),
      ]
      files += try pictures(map, of: picture)
    }
    let path = "groups/\(safeFileName(name))"
    try folder.write(files, to: path)
    group.folder = path
    group.maps = maps.map(\.0)
    return group
  }

  /// What stands above a map of a group of `models` models.
  static func title(of map: String, group: String, models: Int) -> String {
    let pairs = models * (models - 1) / 2
    let what =
      map.hasPrefix("within")
      ? "\(models) networks, each with itself" : "\(pairs) \(pairs == 1 ? "pair" : "pairs")"
    return "\(group): \(map.hasSuffix("std") ? "deviation" : "mean") of \(what)"
  }

  /// The picture of one map; `axis` has the layers of the architecture.
  static func heatmap(
    _ values: Matrix<Double>, called map: String, axis: Heatmap.Axis, title: String?,
    scoreName: String
  ) throws -> Heatmap {
    let isDeviation = map.hasSuffix("std")
    let defined = values.elements.filter { !$0.isNaN }
    return try Heatmap(
      values: values.elements, rows: values.rows, columns: values.columns, rowAxis: axis,
      columnAxis: axis,
      range: isDeviation ? Heatmap.range(upTo: defined.max() ?? 0) : 0...1,
      scoreName: isDeviation ? "standard deviation of \(scoreName)" : scoreName, title: title)
  }
}

extension ResultDocument.Model {
  /// Layers of an architecture, for the axes of a picture.
  fileprivate init(name: String, layers: [SweepModel.Layer]) {
    self.init(
      name: name, path: "",
      layers: layers.map {
        ResultDocument.Layer(
          name: $0.name, stage: $0.stage, shape: $0.shape, scalarType: $0.scalarType,
          features: $0.features, status: Status.ok.rawValue)
      })
  }
}
