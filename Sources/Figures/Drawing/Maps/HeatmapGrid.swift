/// Heatmaps of every model against every other in one picture, with one color scale.
///
/// Tile (row, column) is the map of two models, first layer at the lower left; all tiles are squares of
/// one size, so that a layer's place in a tile is its proportional depth. The same grid always gives
/// the same bytes on the same machine.
public struct HeatmapGrid: Figure {
  /// A map, as large as it is drawn.
  public struct Tile: Sendable, Hashable {
    /// Pixels along an edge.
    public let side: Int
    /// side × side scores from the lower left, row by row; NaN where undefined.
    let scores: [Float]

    /// The map of rows × columns `values`, row by row, NaN where undefined.
    ///
    /// Where layers are no more than pixels, each pixel shows the layers at its middle. Where there are
    /// more, it shows the mean of the defined scores it covers, each weighted by how much of it.
    ///
    /// - Throws: where the values do not fill the map, or it has none, or the tile is not 1 to 10,000 pixels
    ///   large.
    public init(
      _ values: [Double], rows: Int, columns: Int, side: Int
    ) throws(FigureError) {
      let (count, isTooMany) = rows.multipliedReportingOverflow(by: columns)
      guard rows > 0, columns > 0, !isTooMany, values.count == count, (1...10_000).contains(side)
      else {
        throw FigureError(
          kind: .invalid,
          context:
            "a tile of \(side) pixels and \(values.count) values of \(rows) × \(columns) layers")
      }
      let (upright, across) = (Self.shares(of: rows, side), Self.shares(of: columns, side))
      self.side = side
      scores = upright.flatMap { rowShares in
        across.map { columnShares in
          var (sum, weight) = (0.0, 0.0)
          for (row, height) in rowShares {
            for (column, width) in columnShares {
              let value = values[row * columns + column]
              guard !value.isNaN else { continue }
              sum += height * width * value
              weight += height * width
            }
          }
          return weight > 0 ? Float(sum / weight) : .nan
        }
      }
    }

    private init(side: Int, scores: [Float]) {
      self.side = side
      self.scores = scores
    }

    /// The map of the same models in the other order.
    public var transposed: Tile {
      let turned = (0..<side * side).map { scores[$0 % side * side + $0 / side] }
      return Tile(side: side, scores: turned)
    }

    /// Which of `count` layers each of `side` pixels shows, and how much of each.
    private static func shares(of count: Int, _ side: Int) -> [[(layer: Int, weight: Double)]] {
      (0..<side).map { pixel in
        guard count > side else { return [((2 * pixel + 1) * count / (2 * side), 1)] }
        let (start, end) = (pixel * count, (pixel + 1) * count)
        return (start / side...(end - 1) / side).map { layer in
          let covered = min(end, (layer + 1) * side) - max(start, layer * side)
          return (layer, Double(covered))
        }
      }
    }
  }

  /// Pixels along a tile's edge that suit `models` models of at most `layers` layers: a whole number a
  /// layer where there is room, and fewer than one where that would be too large a picture.
  public static func tileSide(models: Int, layers: Int) -> Int {
    // More of either is as narrow.
    let (models, layers) = (min(max(models, 1), 2400), min(max(layers, 1), 2400))
    let room = min(max(4 * models * layers, 900), 2400) / models - 1
    guard room >= layers else { return max(room, 1) }
    return room / layers * layers
  }

  private let tiles: [Tile]
  private let frame: Heatmap

  /// A grid of models × models `tiles` of one size, row by row from the lower left.
  ///
  /// - Parameters:
  ///   - tiles: one a pair of models.
  ///   - axis: the models' names, and groups of neighbors.
  ///   - range: the scores at the ends of the color scale.
  ///   - scoreName: what the score is called, beside the color bar.
  ///   - title: what stands above the grid; nil for nothing.
  /// - Throws: `FigureError` of kind `invalid` where counts do not fit.
  public init(
    tiles: [Tile], axis: Heatmap.Axis, range: ClosedRange<Double> = 0...1, scoreName: String,
    title: String? = nil
  ) throws(FigureError) {
    let count = axis.labels.count
    guard tiles.allSatisfy({ $0.side == tiles[0].side }) else {
      throw .invalid("a grid needs tiles of one size")
    }
    // A cell for a tile, undefined where no score of the tile is defined.
    let values = tiles.map { $0.scores.contains { !$0.isNaN } ? range.lowerBound : Double.nan }
    frame = try Heatmap(
      values: values, rows: count, columns: count, rowAxis: axis, columnAxis: axis, range: range,
      scoreName: scoreName, title: title)
    self.tiles = tiles
  }

  /// The picture as the bytes of a file.
  public func data(
    _ format: FigureFormat, style: FigureStyle
  ) throws(FigureError) -> [UInt8] {
    try file(format, style)
  }
}

extension HeatmapGrid: DrawnFigure {
  var usualWidth: Double { FigureStyle.columnWidths[1] }

  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    let side = tiles[0].side
    let gap = side >= 4 ? 1 : 0
    let scores = tiles.lazy.flatMap { $0.scores.lazy.map(Double.init) }
    return try HeatmapDrawing(
      of: frame, tiles: image(gap: gap), pitch: side + gap,
      summary: ScoreSummary(scores, range: frame.range), style: style)
  }

  /// All tiles, with a gap above and at the right of each.
  private func image(gap: Int) -> PixelImage {
    let side = tiles[0].side
    let (cell, count) = (side + gap, frame.rows)
    let width = cell * count
    let scale = ScoreScale(frame.range)
    var pixels = [UInt32](repeating: FigureColors.ground.code, count: width * width)
    for (index, tile) in tiles.enumerated() {
      let (row, column) = (index / count, index % count)
      for y in 0..<side {
        let start = (width - 1 - row * cell - y) * width + column * cell
        for x in 0..<side {
          pixels[start + x] = scale.color(of: Double(tile.scores[y * side + x])).code
        }
      }
    }
    return PixelImage(width: width, height: width, pixels: pixels)
  }
}
