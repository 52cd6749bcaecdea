import Testing

@testable import Figures

/// Numbers that no careful caller has: each is drawn, or refused by an error.
struct HostileValueTests {
  static let numbers: [Double] = [
    0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-300, 1, 1e300, -1e300, .greatestFiniteMagnitude,
    -.greatestFiniteMagnitude, .infinity, -.infinity, .nan,
  ]
  static let counts = [Int.min, -1, 0, 1, 2, 3, 1 << 32, Int.max]

  /// All pairs of numbers that are the ends of a range.
  static let ranges: [ClosedRange<Double>] = numbers.flatMap { low in
    numbers.filter { low <= $0 }.map { low...$0 }
  }

  /// Draws a figure, if it can be made, as a page, as pixels and in a style of its own.
  private func draw(_ make: () throws(FigureError) -> any Figure) {
    do throws(FigureError) {
      let figure = try make()
      _ = try figure.data(.svg)
      _ = try figure.data(.png, style: FigureStyle(width: 1, fontSize: 1))
    } catch {
      #expect(!error.context.isEmpty)
    }
  }

  @Test(arguments: ranges)
  func heatmapsOfAnyRange(range: ClosedRange<Double>) {
    draw { () throws(FigureError) in
      try Heatmap(
        values: Self.numbers + [0.5, 0.5], rows: 4, columns: 4, range: range, scoreName: "CKA")
    }
    _ = Heatmap.range(upTo: range.upperBound)
    _ = ColorMap.magma.color(at: range.upperBound)
    _ = ColorMap.magma.color(of: range.lowerBound, in: range)
  }

  @Test(arguments: counts, counts)
  func heatmapsOfAnyCounts(rows: Int, columns: Int) throws {
    draw { () throws(FigureError) in
      try Heatmap(values: [1, 2], rows: rows, columns: columns, scoreName: "CKA")
    }
    #expect(HeatmapGrid.tileSide(models: rows, layers: columns) >= 1)
    _ = try? HeatmapGrid.Tile([1, 2], rows: rows, columns: columns, side: 3)
    _ = try? HeatmapGrid.Tile([1, 2], rows: 1, columns: 2, side: rows)
    let map = try sampleHeatmap(rows: 5, columns: 3)
    for style in TerminalMap.Style.allCases {
      #expect(!TerminalMap(map, width: rows, height: columns, style: style).text.isEmpty)
    }
    draw { () throws(FigureError) in
      try DensityChart(
        panels: [
          .init(title: "", xTitle: "", yTitle: "", rows: rows, columns: columns, counts: [1, 2])
        ], countName: "")
    }
  }

  @Test func axesThatDoNotFit() {
    for place in Self.numbers {
      draw { () throws(FigureError) in
        try Heatmap(
          values: [1], rows: 1, columns: 1,
          rowAxis: .init(ticks: [.init(place: place, label: "")]), scoreName: "")
      }
    }
    for start in Self.counts {
      for end in Self.counts where start <= end {
        draw { () throws(FigureError) in
          try Heatmap(
            values: [1], rows: 1, columns: 1,
            rowAxis: .init(groups: [.init(name: "", range: start..<end)]),
            scoreName: "")
        }
        draw { () throws(FigureError) in
          try Heatmap(
            values: [1], rows: 1, columns: 1, scoreName: "",
            outlines: [.init(rows: start..<end, columns: 0..<1)])
        }
      }
    }
  }

  @Test func grids() throws {
    draw { () throws(FigureError) in try HeatmapGrid(tiles: [], axis: .init(), scoreName: "") }
    let tile = try HeatmapGrid.Tile(Self.numbers, rows: 2, columns: 7, side: 3)
    for range in Self.ranges {
      draw { () throws(FigureError) in
        try HeatmapGrid(tiles: [tile], axis: .init(labels: ["a"]), range: range, scoreName: "")
      }
    }
    draw { () throws(FigureError) in
      try HeatmapGrid(tiles: [tile], axis: .init(labels: ["a", "b"]), scoreName: "")
    }
    draw { () throws(FigureError) in try FigureGrid(panels: []) }
    draw { () throws(FigureError) in try FigureGrid(panels: [[]]) }
  }

  @Test func styles() {
    for number in Self.numbers {
      _ = try? FigureStyle(width: number)
      _ = try? FigureStyle(fontSize: number)
    }
    for name in nastyNames { _ = try? FigureStyle(fontFamily: name) }
  }

  @Test(arguments: ranges)
  func lineCharts(range: ClosedRange<Double>) {
    let (low, high) = (range.lowerBound, range.upperBound)
    let points: [LineChart.Point] = [
      .init(x: low, y: high), .init(x: high, y: low, spread: range), .init(x: 1, y: 1),
    ]
    for scale in [LineChart.Scale.logarithmic, .linear(), .linear(range)] {
      for points in [points, [points[0]], Array(points[..<2]), [points[1]]] {
        draw { () throws(FigureError) in
          try LineChart(
            panels: [
              [
                .init(
                  xTitle: "x", xNames: ["a"], curves: [.init(points: points, label: "c")],
                  expectedSlope: low, note: "n", spans: [range])
              ]
            ], rowTitles: ["y"], xScale: scale, yScale: scale)
        }
      }
    }
    draw { () throws(FigureError) in try LineChart(panels: [[]], rowTitles: [""]) }
  }

  @Test(arguments: ranges)
  func intervalsAndDensities(range: ClosedRange<Double>) {
    for value in [range.lowerBound, range.upperBound] {
      draw { () throws(FigureError) in
        try IntervalChart(
          bars: [
            .init(name: "a", value: value, interval: range, isStrong: true),
            .init(name: "b", value: 0, interval: nil, isStrong: false),
          ], xTitle: "", yTitle: "")
      }
    }
    let counts = [range.lowerBound, range.upperBound, 0, 1]
    draw { () throws(FigureError) in
      try DensityChart(
        panels: [
          .init(title: "", xTitle: "", yTitle: "", rows: 2, columns: 2, counts: counts)
        ], countName: "")
    }
  }

  @Test(arguments: ranges)
  func pointsAndTrees(range: ClosedRange<Double>) {
    let (low, high) = (range.lowerBound, range.upperBound)
    let sets: [[(x: Double, y: Double)]] = [
      [(low, high)], [(low, high), (high, low), (1, 1)], [(0, low), (0, high)],
    ]
    for points in sets {
      draw { () throws(FigureError) in
        try ScatterChart(
          points: points.map { .init(x: $0.x, y: $0.y, group: 0) }, groups: ["a"], axisTitle: "")
      }
    }
    for heights in [[low, high], [high, low], [0, 0]] {
      draw { () throws(FigureError) in
        try TreeChart(
          leaves: ["a", "b", "c"].map { .init(name: $0, group: 0) },
          merges: [
            .init(left: 0, right: 1, height: heights[0]),
            .init(left: 2, right: 3, height: heights[1]),
          ], groupCount: 1, axisTitle: "")
      }
    }
  }

  @Test(arguments: counts)
  func partsOfPointsAndTreesThatAreNotThere(place: Int) {
    draw { () throws(FigureError) in
      try ScatterChart(
        points: [.init(x: 0, y: 0, group: place)], groups: ["a"], axisTitle: "")
    }
    draw { () throws(FigureError) in try ScatterChart(points: [], groups: [], axisTitle: "") }
    draw { () throws(FigureError) in
      try TreeChart(
        leaves: [.init(name: "a", group: 0), .init(name: "b", group: place)],
        merges: [.init(left: 0, right: place, height: 1)], groupCount: place, axisTitle: "")
    }
    // Branches that meet themselves, or are used twice.
    for (left, right) in [(0, 0), (0, 3), (2, 4), (0, 1)] {
      draw { () throws(FigureError) in
        try TreeChart(
          leaves: ["a", "b", "c"].map { .init(name: $0, group: 0) },
          merges: [
            .init(left: 0, right: 1, height: 1), .init(left: left, right: right, height: 2),
          ],
          groupCount: 1, axisTitle: "")
      }
    }
  }
}
