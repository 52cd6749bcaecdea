import Device
import Figures
import Results
import Support

/// The pictures and the table of all models: the grid of heatmaps, and the similarity at equal
/// relative depth.
struct SweepOverview {
  /// Pixels along a tile of the grid.
  let side: Int
  /// What the grid has to say of its pixels where there are more layers than those.
  private let note: String?
  private let names: [String]
  private var tiles: [HeatmapGrid.Tile?]
  private var table: Matrix<Double>

  init(names: [String], layerCounts: [Int]) {
    self.names = names
    let layers = layerCounts.max() ?? 1
    side = HeatmapGrid.tileSide(models: names.count, layers: layers)
    let perPixel = Format.fixed(Double(layers) / Double(side), 1)
    note =
      side < layers
      ? "a pixel is the mean of up to \(perPixel) × \(perPixel) pairs of layers, by area" : nil
    tiles = Array(repeating: nil, count: names.count * names.count)
    table = Matrix(rows: names.count, columns: names.count, repeating: .nan)
  }

  /// Adds a pair.
  ///
  /// - Parameter mean: its similarity at equal relative depth; NaN where it has none.
  mutating func add(
    _ tile: HeatmapGrid.Tile, mean: Double, left: Int, right: Int
  ) {
    let count = names.count
    tiles[left * count + right] = tile
    if left != right { tiles[right * count + left] = tile.transposed }
    table[left, right] = mean
    table[right, left] = mean
  }

  /// The grid of all maps, and the map of models × models.
  ///
  /// - Parameter groups: the architecture of each model.
  func figures(
    groups: [String], scoreName: String
  ) throws -> (grid: HeatmapGrid, means: Heatmap) {
    let axis = Heatmap.Axis(labels: names, groups: runs(of: groups))
    return (
      try HeatmapGrid(
        tiles: tiles.compactMap { $0 }, axis: axis, scoreName: scoreName, title: note),
      try Heatmap(
        values: table.elements, rows: names.count, columns: names.count, rowAxis: axis,
        columnAxis: axis, scoreName: "mean \(scoreName) at equal relative depth")
    )
  }

  /// `grid` and `models` as files.
  func files(
    groups: [String], scoreName: String
  ) throws -> [(name: String, bytes: [UInt8])] {
    let (grid, means) = try figures(groups: groups, scoreName: scoreName)
    let numbers = [
      ("models.npy", npy(table)), ("models.csv", csv(table, rows: names, columns: names)),
    ]
    return try pictures("grid", of: grid) + numbers + pictures("models", of: means)
  }

  /// Neighbors of one architecture.
  private func runs(of groups: [String]) -> [Heatmap.Group] {
    var runs: [Heatmap.Group] = []
    var start = 0
    for index in groups.indices {
      guard index + 1 == groups.count || groups[index + 1] != groups[start] else {
        continue
      }
      if index > start {
        runs.append(Heatmap.Group(name: groups[start], range: start..<(index + 1)))
      }
      start = index + 1
    }
    return runs
  }
}
