import Device
import Figures
import Report
import Results
import Support

extension SweepDocument.Model {
  /// Its layers.
  var axis: Heatmap.Axis {
    ResultDocument.Model(name: name, path: path, layers: layers).axis
  }
}

extension SweepResult {
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

extension SweepResult: DrawableResult {
  /// The page for a browser.
  public func report() throws -> Report { try Report(self) }

  /// The figures, the one that says most first.
  public func figures() throws -> [NamedFigure] {
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
      + (document.points ?? []).map {
        NamedFigure(name: $0.distance.pointsName, figure: try $0.figure(of: document))
      }
      + groupMaps(titled: true).map {
        NamedFigure(name: "\($0.folder)/\($0.name)", figure: $0.heatmap)
      }
  }
}
