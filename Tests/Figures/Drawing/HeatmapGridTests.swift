import Foundation
import Testing

@testable import Figures

@Suite struct HeatmapGridTests {
  typealias Tile = HeatmapGrid.Tile

  /// Where pixel `pixel` of `side` meets layer `layer` of `count`: the length they share.
  private func overlap(_ pixel: Int, _ side: Int, _ layer: Int, _ count: Int) -> Double {
    let (pixel, side, layer, count) = (Double(pixel), Double(side), Double(layer), Double(count))
    return max(0, min((pixel + 1) / side, (layer + 1) / count) - max(pixel / side, layer / count))
  }

  @Test(arguments: [(7, 3), (50, 24), (9, 9), (5, 4)])
  func manyLayersAreAveraged(count: Int, side: Int) throws {
    let columns = count + 2
    let values = (0..<count * columns).map { index in
      index % 11 == 3 ? Double.nan : sin(Double(index))
    }
    let tile = try Tile(values, rows: count, columns: columns, side: side)
    for y in 0..<side {
      for x in 0..<side {
        var (sum, weight) = (0.0, 0.0)
        for row in 0..<count {
          for column in 0..<columns where !values[row * columns + column].isNaN {
            let share =
              overlap(y, side, row, count) * overlap(x, side, column, columns)
            sum += share * values[row * columns + column]
            weight += share
          }
        }
        // Float keeps 6e-8 of numbers up to 1; a shared corner of rounding alone weighs nothing.
        let found = Double(tile.scores[y * side + x])
        #expect(weight > 1e-12 ? abs(found - sum / weight) < 1e-7 : found.isNaN, "\(x), \(y)")
      }
    }
  }

  @Test func fewLayersKeepTheirScores() throws {
    let tile = try Tile([0, 0.25, 0.5, .nan, 0.75, 1], rows: 3, columns: 2, side: 6)
    for y in 0..<6 {
      for x in 0..<6 {
        let expected = [0, 0.25, 0.5, Float.nan, 0.75, 1][y / 2 * 2 + x / 3]
        let found = tile.scores[y * 6 + x]
        #expect(found == expected || found.isNaN && expected.isNaN)
        let turned = tile.transposed.scores[x * 6 + y]
        #expect(turned == expected || turned.isNaN && expected.isNaN)
      }
    }
  }

  @Test func tilesSuitTheirNumber() {
    for models in [1, 2, 3, 10, 30, 100, 400, 3000] {
      for layers in [1, 7, 50, 576] {
        let side = HeatmapGrid.tileSide(models: models, layers: layers)
        #expect(side >= 1 && (side < layers || side.isMultiple(of: layers)))
        #expect(models * (side + 1) <= max(2400, 2 * models), "\(models) × \(layers): \(side)")
      }
    }
    #expect(HeatmapGrid.tileSide(models: 100, layers: 50) == 23)
    #expect(HeatmapGrid.tileSide(models: 10, layers: 50) == 150)
  }

  private func grid(_ names: [String], side: Int = 20, undefined: Int? = nil) throws -> HeatmapGrid
  {
    let count = names.count
    let tiles = try (0..<count * count).map { index in
      let score = index == undefined ? Double.nan : Double(index) / Double(count * count)
      return try Tile([score, 0, 1, score], rows: 2, columns: 2, side: side)
    }
    return try HeatmapGrid(
      tiles: tiles, axis: Heatmap.Axis(labels: names), range: 0...1, scoreName: "CKA",
      title: "models")
  }

  @Test func tilesStandInTheirPlaces() throws {
    let names = ["a", "b", "c"]
    let grid = try grid(names, undefined: 5)
    let image = try #require(DecodedImage(png: grid.data(.png)))
    let frame = try Heatmap(
      values: [Double](repeating: 0, count: 9), rows: 3, columns: 3,
      rowAxis: .init(labels: names), columnAxis: .init(labels: names), scoreName: "CKA",
      title: "models")
    let layout = try HeatmapLayout(
      of: frame, pitch: 21, summary: ScoreSummary([0, .nan], range: 0...1), style: style(of: grid),
      meter: meter())
    // A pixel of a tile is a square of pixels of the picture.
    let scale = Int(layout.cell.width) / 21
    #expect(scale >= 1 && layout.cell.width == Double(21 * scale))
    func color(_ row: Int, _ column: Int, _ y: Int, _ x: Int) -> RGB {
      image[
        Int(layout.plot.x) + (column * 21 + x) * scale,
        Int(layout.plot.maxY) - 1 - (row * 21 + y) * scale]
    }
    let map = ColorMap.magma
    for row in 0..<3 {
      for column in 0..<3 {
        let index = row * 3 + column
        // Layers (0, 0), (0, 1), (1, 0): lower left, lower right, upper left.
        if index == 5 {
          #expect(color(row, column, 2, 2) == FigureColors.undefinedGround)
        } else {
          #expect(color(row, column, 5, 5) == map.color(at: Double(Float(Double(index) / 9))))
        }
        #expect(color(row, column, 5, 15) == map.color(at: 0))
        #expect(color(row, column, 15, 5) == map.color(at: 1))
        if row < 2 { #expect(color(row, column, 20, 5) == FigureColors.ground) }
      }
    }
  }

  @Test(arguments: FigureFormat.allCases)
  func anyNamesAndCountsAreDrawn(format: FigureFormat) throws {
    for grid in [try grid(nastyNames, side: 8), try grid(["alone"], side: 900)] {
      let bytes = try grid.data(format)
      #expect(try !bytes.isEmpty && grid.data(format) == bytes)
    }
  }

  @Test func contradictionsAreRefused() throws {
    for (count, rows, columns, side) in [
      (3, 2, 2, 4), (0, 0, 0, 4), (4, -2, -2, 4), (4, 2, 2, 0), (1, 1, 1, .max), (0, .max, 2, 4),
    ] {
      #expect(throws: FigureError.self) {
        try Tile(Array(repeating: 1, count: count), rows: rows, columns: columns, side: side)
      }
    }
    let tiles = try [2, 2, 2, 3].map { try Tile([1], rows: 1, columns: 1, side: $0) }
    for (tiles, names) in [(tiles, ["a", "b"]), (Array(tiles[..<3]), ["a", "b"])] {
      #expect(throws: FigureError.self) {
        try HeatmapGrid(
          tiles: tiles, axis: .init(labels: names), range: 0...1, scoreName: "CKA")
      }
    }
  }
}
