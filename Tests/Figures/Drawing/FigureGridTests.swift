import Testing

@testable import Figures

@Suite struct FigureGridTests {
  private func heatmap(_ count: Int) throws -> Heatmap {
    try Heatmap(
      values: (0..<count * count).map { Double($0) / Double(count * count) }, rows: count,
      columns: count, scoreName: "score", title: "map")
  }

  private func chart(_ title: String) throws -> LineChart {
    try LineChart(
      panels: [
        [
          LineChart.Panel(
            xTitle: title, curves: [.init(points: [.init(x: 1, y: 0.2), .init(x: 2, y: 0.9)])])
        ]
      ], rowTitles: ["fraction"], xScale: .linear(), yScale: .linear(0...1))
  }

  @Test(arguments: [3.3, 6.8])
  func panelsStandInTheirCells(width: Double) throws {
    let panels: [[FigureGrid.Panel]] = [
      [.heatmap(try heatmap(3)), .lineChart(try chart("layer"))],
      [.heatmap(try heatmap(20)), .heatmap(try heatmap(4))],
    ]
    let (style, drawing) = try FigureGrid(panels: panels).laidOut(FigureStyle(width: width))
    // On a narrow page each has the whole width.
    let map = try heatmap(3).drawing(width < 5 ? style : style.narrowed(to: style.width / 2))
    #expect(drawing.texts.starts(with: map.texts))
    #expect(abs(drawing.page.width - width * style.resolution) <= 0.5)
    #expect(drawing.page.height > (width < 5 ? 3 : 1) * map.page.height)
  }

  @Test func everyPanelIsDrawnWhereItStands() throws {
    let (map, line) = (try heatmap(3), try chart("layer"))
    let grid = try FigureGrid(panels: [[.heatmap(map), .lineChart(line)]])
    let picture = try #require(DecodedImage(png: try grid.data(.png)))
    let alone = try #require(DecodedImage(png: try map.data(.png, style: FigureStyle(width: 3.4))))
    // The heatmap is drawn pixel by pixel as by itself.
    #expect(picture.width == 2 * alone.width && picture.height >= alone.height)
    for y in stride(from: 0, to: alone.height, by: 7) {
      for x in stride(from: 0, to: alone.width, by: 7) {
        #expect(picture[x, y] == alone[x, y])
      }
    }
    // And the chart beside it is not white.
    let colors = (alone.width..<picture.width).map { picture[$0, alone.height / 2] }
    #expect(colors.contains { $0 != colors[0] })
    #expect(String(decoding: try grid.data(.svg), as: UTF8.self).contains("<svg"))
  }

  @Test func rowsLongerThanTheFirstAreRefused() throws {
    let map = FigureGrid.Panel.heatmap(try heatmap(2))
    for panels in [[], [[]], [[map], []], [[map], [map, map]]] {
      #expect(throws: FigureError.self) { try FigureGrid(panels: panels) }
    }
    #expect(try FigureGrid(panels: [[map, map], [map]]).panels.count == 2)
  }

  /// The scales' numbers 0.020 are wider than 1.0, and made the cells beside them smaller.
  @Test func mapsOfTheSameLayersHaveCellsOfOneSize() throws {
    let values = (0..<100).map { Double($0) / 100 }
    let scales = [(1.0, "CKA"), (0.02, "the standard error of CKA of so many examples")]
    let maps = try scales.map { largest, name in
      FigureGrid.Panel.heatmap(
        try Heatmap(
          values: values.map { $0 * largest }, rows: 10, columns: 10, range: 0...largest,
          scoreName: name))
    }
    let (_, drawing) = try FigureGrid(panels: [maps]).laidOut(.standard)
    #expect(drawing.fits.count == 2 && drawing.fits[0].room == drawing.fits[1].room)
  }
}
