import Testing

@testable import Figures

@Suite struct HeatmapPixelTests {
  /// A heatmap drawn, and where its cells are.
  private struct Drawn {
    let heatmap: Heatmap
    let image: DecodedImage
    let layout: HeatmapLayout

    init(_ heatmap: Heatmap) throws {
      self.heatmap = heatmap
      image = try #require(DecodedImage(png: heatmap.data(.png)))
      layout = try FiguresTests.layout(of: heatmap)
    }

    /// The pixels of a cell: row 0 at the bottom.
    func cell(_ row: Int, _ column: Int) -> Rectangle {
      let plot = layout.plot
      let cell = layout.cell
      return Rectangle(
        x: plot.x + Double(column) * cell.width, y: plot.maxY - Double(row + 1) * cell.height,
        width: cell.width, height: cell.height)
    }
  }

  @Test(arguments: [(1, 1), (2, 3), (5, 5), (12, 12), (40, 100), (100, 40), (250, 250), (500, 1)])
  func everyCellHasItsColor(rows: Int, columns: Int) throws {
    let drawn = try Drawn(sampleHeatmap(rows: rows, columns: columns))
    #expect(Double(drawn.image.width) == drawn.layout.page.width)
    #expect(Double(drawn.image.height) == drawn.layout.page.height)
    for row in 0..<rows {
      for column in 0..<columns {
        let value = drawn.heatmap.values[row * columns + column]
        let color = try #require(ColorMap.magma.color(of: value, in: 0...1))
        let found = drawn.image.colors(in: drawn.cell(row, column))
        guard found != [color] else { continue }
        Issue.record("cell \(row), \(column) has \(found), not \(color)")
        return
      }
    }
  }

  @Test func theOriginIsLowerLeft() throws {
    // Found in the picture itself, without the layout: the lightest cell is row 1, column 0.
    let map = try Heatmap(values: [0.3, 0.5, 1, 0.7], rows: 2, columns: 2, scoreName: "CKA")
    let image = try #require(DecodedImage(png: map.data(.png)))
    func corner(of value: Double) throws -> (x: Int, y: Int) {
      let color = try #require(ColorMap.magma.color(of: value, in: 0...1))
      for y in 0..<image.height {
        for x in 0..<image.width where image.run(of: color, x: x, y: y, dx: 1, dy: 0) > 60 {
          return (x, y)
        }
      }
      throw FigureError.invalid("no cell of \(value)")
    }
    let (first, right) = (try corner(of: 0.3), try corner(of: 0.5))
    let (up, far) = (try corner(of: 1), try corner(of: 0.7))
    #expect(first.x == up.x && right.x == far.x && first.x < right.x)
    #expect(first.y == right.y && up.y == far.y && first.y > up.y)
  }

  @Test func cellsAreSquare() throws {
    let map = try Heatmap(
      values: [0.1, 0.5, 0.9, 0.9, 0.1, 0.5], rows: 2, columns: 3, scoreName: "CKA")
    let drawn = try Drawn(map)
    let (cell, color) = (drawn.cell(0, 1), try #require(ColorMap.magma.color(of: 0.5, in: 0...1)))
    let (x, y) = (Int(cell.x), Int(cell.y))
    let width = drawn.image.run(of: color, x: x, y: y, dx: 1, dy: 0)
    let height = drawn.image.run(of: color, x: x, y: y, dx: 0, dy: 1)
    #expect(width == height)
    #expect(width == Int(cell.width))
  }

  @Test func undefinedCellsAreHatchedAndOthersAreNot() throws {
    let drawn = try Drawn(
      sampleHeatmap(rows: 6, columns: 6, undefined: { row, column in row == 2 || column == 4 }))
    for index in 0..<6 {
      #expect(drawn.image.colors(in: drawn.cell(2, index)).count > 2)
      #expect(drawn.image.colors(in: drawn.cell(index, 4)).count > 2)
      guard index != 2 else { continue }
      #expect(drawn.image.colors(in: drawn.cell(index, 0)).count == 1)
    }
    let sample = try #require(drawn.layout.samples.first { $0.kind == .undefined })
    #expect(drawn.image.colors(in: sample.place).count > 2)
    #expect(drawn.layout.texts.contains { $0.text == "undefined" })
    #expect(
      try !layout(of: sampleHeatmap(rows: 2, columns: 2)).texts.contains { $0.text == "undefined" })
  }

  @Test func groupsAreParted() throws {
    let axis = sampleAxis(20)
    let plain = try Drawn(sampleHeatmap(rows: 20, columns: 20))
    let parted = try Drawn(sampleHeatmap(rows: 20, columns: 20, rowAxis: axis, columnAxis: axis))
    // The line lies on the border of rows 7 and 8, not inside the cells.
    #expect(parted.image.colors(in: parted.cell(7, 2)).count > 1)
    #expect(plain.image.colors(in: plain.cell(7, 2)).count == 1)
    #expect(parted.image.colors(in: parted.cell(10, 10)).count == 1)
  }

  @Test func theBarShowsTheWholeScale() throws {
    let drawn = try Drawn(sampleHeatmap(rows: 8, columns: 8))
    let body = drawn.layout.bar.body
    let x = Int(body.midX)
    #expect(drawn.image[x, Int(body.y)] == ColorMap.magma.color(at: 1))
    #expect(drawn.image[x, Int(body.maxY) - 1] == ColorMap.magma.color(at: 0))
    #expect(drawn.image.colors(in: body).count == 256)
  }

  @Test func scoresAboveTheScaleGiveTheBarAPoint() throws {
    func bar(_ values: [Double]) throws -> HeatmapLayout.Bar {
      try layout(of: Heatmap(values: values, rows: 1, columns: 2, scoreName: "CKA")).bar
    }
    let within = try bar([0, 1 + 1e-12])
    #expect(within.body == within.frame)
    let above = try bar([0, 1.5])
    #expect(above.body.y > above.frame.y && above.body.maxY == above.frame.maxY)
  }

  @Test func oneCellBelowZeroDoesNotMoveTheScale() throws {
    func drawn(_ first: Double) throws -> Drawn {
      try Drawn(Heatmap(values: [first, 0.2, 0.5, 1], rows: 2, columns: 2, scoreName: "CKA"))
    }
    let (zero, below) = (try drawn(0), try drawn(-0.0007))
    #expect(below.heatmap.range == 0...1)
    for (row, column) in [(0, 1), (1, 0), (1, 1)] {
      #expect(
        below.image.colors(in: below.cell(row, column))
          == zero.image.colors(in: zero.cell(row, column)))
    }
    // It is told from 0, and the legend says how far below it lies.
    #expect(below.image.colors(in: below.cell(0, 0)) == [ScoreScale.below])
    #expect(below.layout.texts.contains { $0.text == "below 0 (lowest −0.0007)" })
    let sample = try #require(below.layout.samples.first { $0.kind == .below })
    #expect(below.image.colors(in: sample.place) == [ScoreScale.below])
    #expect(zero.layout.samples.isEmpty)
    // Rounding alone is not below the scale.
    #expect(try drawn(-1e-9).layout.samples.isEmpty)
    // No color of the scale is near to it.
    let map = (0..<256).map { ColorMap.magma.color(at: (Double($0) + 0.5) / 256) }
    let far = map.allSatisfy { color in
      let (a, b) = (color, ScoreScale.below)
      return zip([a.red, a.green, a.blue], [b.red, b.green, b.blue]).contains {
        abs(Int($0) - Int($1)) > 40
      }
    }
    #expect(far)
  }

  @Test(arguments: [12, 100, 600]) func outlinesRunInsideTheirCells(count: Int) throws {
    let (first, last) = (count / 4, count / 2)
    let plain = try sampleHeatmap(rows: count, columns: count)
    let outlined = try Drawn(
      Heatmap(
        values: plain.values, rows: count, columns: count, scoreName: "CKA",
        outlines: [.init(rows: first..<last, columns: first..<last)]))
    let image = try #require(DecodedImage(png: plain.data(.png)))
    #expect(outlined.layout.samples.map(\.kind) == [.outline])
    let (low, high) = (outlined.cell(first, first), outlined.cell(last - 1, last - 1))
    let frame = low.union(high)
    let style = try style(of: plain)
    let border = 2 * style.line + style.outlineWidth
    var edges = Set<RGB>()
    // Below the cells stands the legend, which the plain map has not.
    for y in 0..<Int(outlined.layout.plot.maxY) {
      for x in 0..<image.width {
        let pixel = Rectangle(x: Double(x), y: Double(y), width: 1, height: 1)
        let isBorder =
          frame.contains(pixel) && !frame.grown(by: -border).contains(pixel)
        if isBorder {
          edges.formUnion(outlined.image.colors(in: pixel))
        } else if image.colors(in: pixel) != outlined.image.colors(in: pixel) {
          Issue.record("pixel \(x), \(y) is not as without the outline")
          return
        }
      }
    }
    #expect(edges == [FigureColors.outline, FigureColors.outlineEdge])
  }

  /// Faint cells keep their color between the lines; others, and undefined ones, are as without.
  @Test func faintCellsAreHatched() throws {
    let values = (0..<144).map { (place: Int) -> Double in
      place % 7 == 3 ? .nan : Double(place) / 144
    }
    let faint = values.indices.map { $0 % 3 == 0 }
    let plain = try Drawn(Heatmap(values: values, rows: 12, columns: 12, scoreName: "CKA"))
    let marked = try Drawn(
      Heatmap(
        values: values, rows: 12, columns: 12, scoreName: "CKA", faint: faint,
        faintName: "not above chance"))
    #expect(marked.layout.samples.map(\.kind) == [.undefined, .faint])
    for row in 0..<12 {
      for column in 0..<12 {
        let place = row * 12 + column
        let (before, after) = (
          plain.image.colors(in: plain.cell(row, column)),
          marked.image.colors(in: marked.cell(row, column))
        )
        let isHatched = faint[place] && !values[place].isNaN
        #expect((after == before) == !isHatched, "\(row), \(column)")
        #expect(after.isSuperset(of: before))
      }
    }
    #expect(throws: FigureError.self) {
      try Heatmap(values: [1, 0], rows: 1, columns: 2, scoreName: "CKA", faint: [true])
    }
  }

  @Test func outlinesMustLieInside() {
    for rows in [-1..<1, 0..<0, 1..<4] {
      #expect(throws: FigureError.self) {
        try Heatmap(
          values: Array(repeating: 0, count: 9), rows: 3, columns: 3, scoreName: "CKA",
          outlines: [.init(rows: rows, columns: 0..<2)])
      }
    }
  }
}
