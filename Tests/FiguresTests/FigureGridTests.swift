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

  @Test func panelsStandInTheirCells() {
    func page(_ width: Double, _ height: Double) -> Rectangle {
      Rectangle(x: 0, y: 0, width: width, height: height)
    }
    let layout = FigureGridLayout(pages: [
      [page(100, 80), page(60, 40)], [page(50, 40), page(90, 70)],
    ])
    #expect(layout.page == page(190, 150))
    // Alone in its size; a half larger, which is the most; likewise; and as large as its cell.
    #expect(layout.places[0] == page(100, 80))
    #expect(layout.places[1] == Rectangle(x: 100, y: 10, width: 90, height: 60))
    #expect(layout.places[2] == Rectangle(x: 13, y: 85, width: 75, height: 60))
    #expect(layout.places[3] == Rectangle(x: 100, y: 80, width: 90, height: 70))
    for (index, place) in layout.places.enumerated() {
      #expect(layout.page.contains(place))
      for other in layout.places[..<index] { #expect(!place.overlaps(other)) }
    }
  }

  @Test func everyPanelIsDrawnWhereItStands() throws {
    let (map, line) = (try heatmap(3), try chart("layer"))
    let grid = try FigureGrid(panels: [[.heatmap(map), .lineChart(line)]])
    let picture = try #require(DecodedImage(png: try grid.data(.png)))
    let alone = try #require(DecodedImage(png: try map.data(.png)))
    // The heatmap is the largest of its row and column: pixel by pixel as by itself.
    #expect(picture.height == alone.height && picture.width > alone.width)
    for y in stride(from: 0, to: alone.height, by: 7) {
      for x in stride(from: 0, to: alone.width, by: 7) {
        #expect(picture[x, y] == alone[x, y])
      }
    }
    // And the chart beside it is not white.
    let colors = (alone.width..<picture.width).map { picture[$0, picture.height / 2] }
    #expect(colors.contains { $0 != colors[0] })
    #expect(String(decoding: try grid.data(.svg), as: UTF8.self).contains("<svg"))
  }

  @Test func rowsThatAreNotAlikeAreRefused() throws {
    let map = FigureGrid.Panel.heatmap(try heatmap(2))
    #expect(throws: FigureError.self) { try FigureGrid(panels: []) }
    #expect(throws: FigureError.self) { try FigureGrid(panels: [[map], [map, map]]) }
  }
}
