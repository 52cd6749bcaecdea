import Foundation
import Testing

@testable import Figures

/// Every kind of figure at the widths of a journal's columns: its size, its type, its texts.
@Suite struct FigureSizeTests {
  /// What is drawn.
  struct Sample: CustomTestStringConvertible, Sendable {
    let name: String
    let figure: any DrawnFigure
    var testDescription: String { name }
  }

  /// A network of `count` layers, named as libraries name them.
  private static func axis(_ count: Int, title: String = "bert-base-uncased") -> Heatmap.Axis {
    let parts = ["attention.self.query", "attention.output.dense", "intermediate.dense"]
    return Heatmap.Axis(
      labels: (0..<count).map { "bert.encoder.layer.\($0 / 3).\(parts[$0 % 3])" }, title: title)
  }

  private static func map(
    _ rows: Int, _ columns: Int, _ rowAxis: Heatmap.Axis, _ columnAxis: Heatmap.Axis
  ) throws -> Heatmap {
    // Some below the scale, some above, some undefined.
    let values = (0..<rows * columns).map { (index: Int) -> Double in
      index % 97 == 5 ? .nan : 1.1 * sin(Double(index) / 7)
    }
    return try Heatmap(
      values: values, rows: rows, columns: columns, rowAxis: rowAxis, columnAxis: columnAxis,
      scoreName: "CKA (linear, minibatch)", title: "Similarity of all layers",
      outlines: [.init(rows: 0..<(rows + 1) / 2, columns: 0..<(columns + 1) / 2)])
  }

  private static func lines(_ panels: Int, layers: Int) throws -> LineChart {
    let names = axis(layers).labels
    let panel = LineChart.Panel(
      xTitle: "layer of bert-base-uncased", xNames: names,
      curves: ["test", "fitted", "most frequent class"].enumerated().map { place, name in
        .init(
          points: (0..<layers).map {
            .init(x: Double($0), y: 0.9 + 0.01 * Double(place) + 0.02 * sin(Double($0)))
          }, label: name)
      })
    return try LineChart(
      panels: [Array(repeating: panel, count: panels)], rowTitles: ["accuracy"],
      title: "linear probes: bert-base-uncased",
      note: "band: 95 % of 10,000 tested examples; most frequent class: 0.12; shaded: blocks",
      xScale: .linear(), yScale: .linear())
  }

  /// `count` models in groups, as points and as a tree that joins them one by one.
  private static func points(_ count: Int, groups: Int) throws -> FigureGrid {
    let scatter = try ScatterChart(
      points: (0..<count).map {
        .init(x: 0.4 * sin(Double($0)), y: 0.1 * cos(3 * Double($0)), group: $0 % groups)
      }, groups: (0..<groups).map { "depth\(14 + 6 * $0)-width1" }, axisTitle: "radians",
      title: "Distance of the layers that are most alike",
      note: """
        stress 0.123; best match: architectures explain 52 % of the squared distances (27 % by chance, p = 0.001); \
        1.358 radians between them, 1.058 within
        """)
    let tree = try TreeChart(
      leaves: (0..<count).map {
        .init(name: "depth\(14 + 6 * ($0 % groups))-width1-seed\($0)", group: $0 % groups)
      },
      merges: (1..<count).map {
        .init(left: $0, right: $0 == 1 ? 0 : count + $0 - 2, height: 0.1 + 0.002 * Double($0))
      }, groupCount: groups, axisTitle: "mean distance of two clusters (radians)")
    return try FigureGrid(panels: [[.scatterChart(scatter), .treeChart(tree)]])
  }

  static let samples: [Sample] = {
    func sample(_ name: String, _ make: () throws -> any DrawnFigure) -> Sample {
      do { return Sample(name: name, figure: try make()) } catch { fatalError("\(name): \(error)") }
    }
    var samples = [1, 5, 12, 60, 387].map { count in
      sample("map of \(count) layers") { try map(count, count, axis(count), axis(count)) }
    }
    samples += [(1, 576), (576, 1), (12, 200), (60, 12)].map { rows, columns in
      sample("map of \(rows) × \(columns) layers") {
        try map(rows, columns, axis(rows), axis(columns, title: "roberta"))
      }
    }
    samples += [
      sample("map of stages") { try map(60, 60, sampleAxis(60), sampleAxis(60)) },
      sample("map with ticks") {
        try map(
          4, 20, .init(labels: ["a", "b", "c", "d"]),
          .init(
            title: "depth", ticks: [0, 5, 10, 15, 20].map { .init(place: $0, label: "\($0 / 20)") })
        )
      },
      sample("grid of models") {
        try HeatmapGrid(
          tiles: (0..<36).map {
            try .init([0.1, -0.2, 0.9, Double($0) / 36], rows: 2, columns: 2, side: 150)
          },
          axis: .init(labels: (0..<6).map { "resnet50-seed\($0)" }), scoreName: "CKA")
      },
      sample("a chart of few layers") { try lines(1, layers: 5) },
      sample("a chart of many layers") { try lines(1, layers: 387) },
      sample("two charts") { try lines(2, layers: 60) },
      sample("four panels") {
        let heatmap = FigureGrid.Panel.heatmap(try map(60, 60, axis(60), axis(60)))
        let chart = FigureGrid.Panel.lineChart(try lines(1, layers: 60))
        return try FigureGrid(panels: [[heatmap, chart], [heatmap, heatmap]])
      },
      sample("points and a tree") { try points(12, groups: 4) },
      sample("points of many groups") { try points(60, groups: 20) },
      sample("points and a tree of 200 models") { try points(200, groups: 3) },
      sample("intervals") {
        try IntervalChart(
          bars: (0..<100).map {
            .init(
              name: "class number \($0)", value: Double($0) / 100 - 0.4, interval: nil,
              isStrong: $0 > 90)
          }, xTitle: "classes", yTitle: "difference of accuracy", title: "A − B",
          note: "95 % intervals; in color: adjusted p < 0.05")
      },
      sample("densities") {
        let panel = DensityChart.Panel(
          title: "wide against itself", xTitle: "the other half: accuracy",
          yTitle: "wide: accuracy",
          rows: 3, columns: 3, counts: [1, 2, 3, 4, 1000, 6, 7, 8, 9])
        return try DensityChart(
          panels: [panel, panel, panel], countName: "examples",
          title: "accuracy of each example, one half of the networks against another")
      },
    ]
    return samples
  }()

  @Test(arguments: samples, FigureStyle.columnWidths)
  func typeHasSevenToNinePointsAndNothingOverlaps(sample: Sample, width: Double) throws {
    let (style, drawing) = try sample.figure.laidOut(FigureStyle(width: width))
    // A page is of whole pixels.
    #expect(abs(drawing.page.width / style.resolution - width) <= 0.5 / style.resolution)
    // A journal's page; four panels below each other are longer, and are made for two columns.
    let isLong = sample.figure is FigureGrid && width < 5
    #expect(drawing.page.height / style.resolution <= (isLong ? 14 : 10))
    #expect(style.resolution >= 300)
    let points = drawing.texts.map { $0.size / style.unit }
    #expect(points.min() ?? 0 >= 7 - 1e-9 && points.max() ?? 10 <= 9 + 1e-9)
    let texts = drawing.texts.filter { !$0.text.isEmpty }
    for (index, text) in texts.enumerated() {
      #expect(drawing.page.contains(text.bounds), "\(text)")
      for other in texts[(index + 1)...] where text.bounds.overlaps(other.bounds) {
        Issue.record("'\(text.text)' overlaps '\(other.text)'")
      }
    }
    // At most a quarter of the room of cells stays empty, whatever their number.
    #expect(drawing.fits.allSatisfy { $0.waste(factor: 1) <= 0.25 })
  }

  /// Titles that have no room are cut, or the figure is refused.
  @Test(arguments: [1.6, 2, 3.3], [4.0, 8, 14])
  func narrowPointsAndTreesStayOnThePage(width: Double, fontSize: Double) throws {
    let style = try FigureStyle(width: width, fontSize: fontSize)
    for panel in try Self.points(12, groups: 4).panels.joined() {
      do throws(FigureError) {
        let drawing = try FigureGrid(panels: [[panel]]).laidOut(style).drawing
        for text in drawing.texts { #expect(drawing.page.contains(text.bounds), "\(text)") }
      } catch {
        #expect(error.kind == .narrow)
      }
    }
  }

  @Test(arguments: samples)
  func theUsualWidthIsAColumnOrTwo(sample: Sample) throws {
    #expect(FigureStyle.columnWidths.contains(sample.figure.usualWidth))
  }

  @Test(arguments: FigureStyle.columnWidths)
  func filesHaveThePhysicalSize(width: Double) throws {
    let map = try Self.map(60, 60, Self.axis(60), Self.axis(60))
    let style = try FigureStyle(width: width)
    let resolution = try map.laidOut(style).style.resolution
    let png = try map.data(.png, style: style)
    let image = try #require(DecodedImage(png: png))
    #expect(Double(image.width) == (width * resolution).rounded())
    // pHYs: pixels to a meter, twice, and the unit.
    let mark = try #require(png.indices.first { png[$0...].starts(with: Array("pHYs".utf8)) })
    let perMeter = png[mark + 4..<mark + 8].reduce(0) { $0 << 8 | Int($1) }
    #expect(perMeter == Int((resolution / 0.0254).rounded()) && png[mark + 12] == 1)
    // libpng's sum of the chunk would have been told as an error on reading; SVG and PDF say points.
    let svg = String(decoding: try map.data(.svg, style: style), as: UTF8.self)
    let points = width * 72
    let written = try #require(svg.firstMatch(of: /width="([0-9.]+)pt"/)).1
    #expect(abs((Double(written) ?? 0) - points) < 0.1)
    let pdf = String(decoding: try map.data(.pdf, style: style), as: UTF8.self)
    let box = try #require(pdf.firstMatch(of: /MediaBox \[ 0 0 ([0-9.]+)/)).1
    #expect(abs((Double(box) ?? 0) - points) < 0.1)
  }

  @Test func allTypeGrowsWithItsSize() throws {
    let map = try Self.map(12, 12, Self.axis(12), Self.axis(12))
    let (style, drawing) = try map.laidOut(FigureStyle(width: 6.8, fontSize: 16))
    let points = drawing.texts.map { $0.size / style.unit }
    #expect(points.min() == 14 && points.max() == 18)
  }

  @Test func measuresWithoutAFigureAreRefused() throws {
    for width in [0, -1, 0.99, 101, .nan, .infinity] {
      #expect(throws: FigureError.self) { try FigureStyle(width: width) }
    }
    for size in [0, -1, 73, .nan, .infinity] {
      #expect(throws: FigureError.self) { try FigureStyle(fontSize: size) }
    }
    #expect(throws: FigureError.self) { try FigureStyle(fontFamily: "") }
    #expect(throws: FigureError.self) { try FigureStyle(fontFamily: "a\u{0}b") }
    // One inch is no room for 72 points.
    let style = try FigureStyle(width: 1, fontSize: 72)
    for sample in Self.samples {
      #expect(throws: FigureError.self, "\(sample.name)") {
        try sample.figure.data(.png, style: style)
      }
    }
  }

  @Test func manyLayersAreNamedOneInSeveral() throws {
    let axis = Self.axis(60)
    let texts = try Self.map(60, 60, axis, axis).laidOut(.standard).drawing.texts.map(\.text)
    #expect(texts.contains("bert-base-uncased: bert.encoder.layer.*"))
    let names = texts.filter { $0.firstMatch(of: /^[0-9]+\.[a-z.]+$/) != nil }
    #expect(names.count > 20 && Set(names).count == names.count / 2)
  }
}
