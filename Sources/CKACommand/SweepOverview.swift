import Activations
import CKA
import CommandSupport
import Device
import Figures
import SweepStore

/// The pictures and the table of all models: the grid of heatmaps, and the similarity at equal depth.
struct SweepOverview {
  /// Pixels along a tile of the grid.
  let side: Int
  /// What the grid has to say of its pixels where there are more layers than those.
  private let note: String?
  private let names: [String]
  private var tiles: [HeatmapGrid.Tile?]
  private var table: Matrix<Double>
  private var lowest = 0.0

  init(models: [SweepModel]) {
    names = models.map(\.name)
    let layers = models.map(\.layers.count).max() ?? 1
    side = HeatmapGrid.tileSide(models: models.count, layers: layers)
    let perPixel = Format.fixed(Double(layers) / Double(side), 1)
    note =
      side < layers
      ? "a pixel is the mean of up to \(perPixel) × \(perPixel) pairs of layers, by area" : nil
    tiles = Array(repeating: nil, count: models.count * models.count)
    table = Matrix(rows: models.count, columns: models.count, repeating: .nan)
  }

  mutating func add(_ pair: PairOutput, left: Int, right: Int) {
    let count = names.count
    tiles[left * count + right] = pair.tile
    if left != right { tiles[right * count + left] = pair.tile.transposed }
    table[left, right] = pair.depth.mean
    table[right, left] = pair.depth.mean
    if let value = pair.lowest { lowest = min(lowest, value) }
  }

  /// `grid` and `models` as files.
  func files(
    groups: [ModelGroup], scoreName: String
  ) throws -> [(name: String, bytes: [UInt8])] {
    let axis = Heatmap.Axis(labels: names, groups: runs(of: groups))
    let lowestMean = table.elements.filter { !$0.isNaN }.min() ?? 0
    let grid = try HeatmapGrid(
      tiles: tiles.compactMap { $0 }, axis: axis, range: scoreRange(lowest: lowest),
      scoreName: scoreName, title: note)
    let means = try Heatmap(
      values: table.elements, rows: names.count, columns: names.count, rowAxis: axis,
      columnAxis: axis, range: scoreRange(lowest: lowestMean),
      scoreName: "mean \(scoreName) at equal depth")
    let numbers = [
      ("models.npy", npy(table)), ("models.csv", csv(table, rows: names, columns: names)),
    ]
    return try pictures("grid", of: grid) + numbers + pictures("models", of: means)
  }

  /// Neighbors of one architecture.
  private func runs(of groups: [ModelGroup]) -> [Heatmap.Group] {
    var runs: [Heatmap.Group] = []
    var start = 0
    for index in groups.indices {
      guard index + 1 == groups.count || groups[index + 1].name != groups[start].name else {
        continue
      }
      if index > start {
        runs.append(Heatmap.Group(name: groups[start].name, range: start..<(index + 1)))
      }
      start = index + 1
    }
    return runs
  }
}
