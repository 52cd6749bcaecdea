import Activations
import CKA
import Device
import Figures
import Report
import Support

/// What `sweep` finds: the folder `results` of a store. Maps stay in their files until they are drawn.
struct SweepResult: DrawableResult {
  let document: SweepDocument
  let folder: String

  init(in folder: String) throws {
    self.folder = folder
    document = try SweepDocument(in: folder)
    let count = document.models.count
    let places = Set(document.pairs.map { [$0.left, $0.right] })
    guard document.models.allSatisfy({ !$0.layers.isEmpty }),
      places.count == document.pairs.count, document.pairs.count == count * (count + 1) / 2
    else {
      throw Failure(
        .data,
        "\(oneLine(folder))/\(SweepDocument.name): lacks pairs: the sweep was stopped, and the same command "
          + "goes on with it")
    }
  }

  func figures() throws -> [NamedFigure] {
    var overview = SweepOverview(
      names: document.models.map(\.name), layerCounts: document.models.map(\.layers.count))
    let side = overview.side
    var rest = document.pairs[...]
    while !rest.isEmpty {
      let chunk = Array(rest.prefix(64))
      rest = rest.dropFirst(chunk.count)
      let tiles = try concurrentMap(chunk) { pair in
        let map = try map(of: pair)
        return try HeatmapGrid.Tile(map.elements, rows: map.rows, columns: map.columns, side: side)
      }
      for (pair, tile) in zip(chunk, tiles) {
        overview.add(
          tile, mean: pair.similarityAtEqualDepth ?? .nan, left: pair.left, right: pair.right)
      }
    }
    let figures = try overview.figures(
      groups: document.models.map(\.group), scoreName: document.scoreName)
    return try [
      NamedFigure(name: "grid", figure: figures.grid),
      NamedFigure(name: "models", figure: figures.means),
    ]
      + groupMaps(titled: true).map {
        NamedFigure(name: "\($0.folder)/\($0.name)", figure: $0.heatmap)
      }
  }

  func report() throws -> Report { try Report(self) }

  /// The map of a pair.
  func map(of pair: SweepDocument.Pair) throws -> Matrix<Double> {
    try writtenScores(
      at: "\(folder)/\(pair.folder)/cka.npy", rows: document.models[pair.left].layers.count,
      columns: document.models[pair.right].layers.count)
  }

  /// The maps of architectures, of which none may have any; `titled` with what else says their names.
  func groupMaps(titled: Bool) throws -> [(
    folder: String, group: String, name: String, heatmap: Heatmap
  )] {
    try document.groups.flatMap { group in
      guard let path = group.folder, let first = group.models.first else {
        return [(folder: String, group: String, name: String, heatmap: Heatmap)]()
      }
      let layers = document.models[first].layers.count
      var axis = document.models[first].axis
      axis.title = group.name
      return try group.maps.map { name in
        let values = try writtenScores(
          at: "\(folder)/\(path)/\(name).npy", rows: layers, columns: layers)
        let heatmap = try GroupMaps.heatmap(
          values, called: name, axis: axis,
          title: titled
            ? GroupMaps.title(of: name, group: group.name, models: group.models.count) : nil,
          scoreName: document.scoreName)
        return (path, group.name, name, heatmap)
      }
    }
  }
}

extension SweepDocument.Model {
  /// Its layers.
  var axis: Heatmap.Axis {
    ResultDocument.Model(name: name, path: path, layers: layers).axis
  }
}

extension SweepDocument {
  func check() throws(DocumentFault) {
    try estimator.check("estimator")
    try kernel.check("kernel")
    try examples.check("examples")
    try expect(!models.isEmpty, "models", found: "no model", expected: "at least one")
    for (index, model) in models.enumerated() {
      // While a sweep is going on, its document has no layers yet.
      for (number, layer) in model.layers.enumerated() {
        try layer.check("models[\(index)].layers[\(number)]")
      }
    }
    let places = 0...models.count - 1
    for (index, pair) in pairs.enumerated() {
      let key = "pairs[\(index)]"
      try expect(pair.left, within: places, "\(key).left")
      try expect(pair.right, within: pair.left...max(pair.left, places.upperBound), "\(key).right")
      try expect(pair.right, within: places, "\(key).right")
      try Self.check(folder: pair.folder, "\(key).folder")
      try expect(pair.undefinedCells, within: countable, "\(key).undefinedCells")
      try expect(pair.undefinedDepths, within: countable, "\(key).undefinedDepths")
      try expect(pair.similarityAtEqualDepth, within: scores, "\(key).similarityAtEqualDepth")
    }
    for (index, group) in groups.enumerated() {
      let key = "groups[\(index)]"
      for model in group.models { try expect(model, within: places, "\(key).models") }
      try expect(group.pairs, within: countable, "\(key).pairs")
      if let folder = group.folder { try Self.check(folder: folder, "\(key).folder") }
      for map in group.maps {
        try expect(
          GroupMaps.names.contains(map), "\(key).maps", found: map,
          expected: GroupMaps.names.joined(separator: ", "))
      }
    }
  }

  /// Checks that a path stays within the folder of the results.
  private static func check(folder: String, _ key: String) throws(DocumentFault) {
    let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
    try expect(
      parts.count == 2 && ["pairs", "groups"].contains(parts[0]) && !parts[1].isEmpty
        && !parts[1].hasPrefix("."), key, found: folder, expected: "a folder in pairs or groups")
  }
}
