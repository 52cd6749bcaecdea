/// Heatmaps and line charts side by side and below each other, in one picture.
public struct FigureGrid: Figure, Equatable {
  /// One of the pictures, drawn as by itself.
  public enum Panel: Sendable, Equatable {
    case heatmap(Heatmap)
    case lineChart(LineChart)
  }

  /// Rows of panels from the top, all of the same number.
  public let panels: [[Panel]]

  /// A figure of `panels`.
  ///
  /// - Throws: `FigureError` of kind `invalid` where the rows are empty or not alike.
  public init(panels: [[Panel]]) throws(FigureError) {
    guard let first = panels.first, !first.isEmpty, panels.allSatisfy({ $0.count == first.count })
    else { throw .invalid("a grid of figures needs rows of panels, all of the same number") }
    self.panels = panels
  }

  /// The picture as the bytes of a file.
  public func data(_ format: FigureFormat) throws(FigureError) -> [UInt8] {
    var drawings: [[any Drawing]] = []
    for row in panels {
      var drawingsOfRow: [any Drawing] = []
      for panel in row { drawingsOfRow.append(try panel.drawing) }
      drawings.append(drawingsOfRow)
    }
    let layout = FigureGridLayout(pages: drawings.map { $0.map(\.page) })
    let scales = drawings.joined().map(\.pointsPerPixel)
    let canvas = try Canvas(
      format, width: layout.page.width, height: layout.page.height,
      scale: format == .png ? 1 : scales.min() ?? 1)
    for (drawing, place) in zip(drawings.joined(), layout.places) {
      try canvas.moved(toX: place.x, y: place.y, scale: place.width / drawing.page.width) {
        (canvas) throws(FigureError) in try drawing.draw(on: canvas)
      }
    }
    return try canvas.bytes()
  }
}

/// A figure whose layout is made.
protocol Drawing {
  /// In whole pixels; the corner is (0, 0).
  var page: Rectangle { get }
  /// The scale of a vector drawing.
  var pointsPerPixel: Double { get }
  func draw(on canvas: Canvas) throws(FigureError)
}

extension Drawing {
  /// The file.
  func data(_ format: FigureFormat) throws(FigureError) -> [UInt8] {
    let canvas = try Canvas(
      format, width: page.width, height: page.height, scale: format == .png ? 1 : pointsPerPixel)
    try draw(on: canvas)
    return try canvas.bytes()
  }
}

extension FigureGrid.Panel {
  fileprivate var drawing: any Drawing {
    get throws(FigureError) {
      switch self {
      case .heatmap(let heatmap): try HeatmapDrawing(of: heatmap)
      case .lineChart(let chart): try LineChartDrawing(of: chart)
      }
    }
  }
}

/// Where the panels of a grid stand: in the middle of their cells, which are as wide and as high as the
/// largest of their column and row. A panel that is smaller than its cell grows, by a half at most.
struct FigureGridLayout {
  let page: Rectangle
  /// Row by row.
  let places: [Rectangle]

  private static let mostGrowth = 1.5

  init(pages: [[Rectangle]]) {
    let widths = pages[0].indices.map { column in pages.map { $0[column].width }.max() ?? 0 }
    let heights = pages.map { row in row.map(\.height).max() ?? 0 }
    func starts(_ lengths: [Double]) -> [Double] {
      lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    }
    let (x, y) = (starts(widths), starts(heights))
    page = Rectangle(x: 0, y: 0, width: x[widths.count], height: y[heights.count])
    places = pages.enumerated().flatMap { row, pages in
      pages.enumerated().map { column, page in
        let room = min(widths[column] / page.width, heights[row] / page.height)
        let growth = min(room, Self.mostGrowth)
        let (width, height) = (page.width * growth, page.height * growth)
        return Rectangle(
          x: (x[column] + (widths[column] - width) / 2).rounded(),
          y: (y[row] + (heights[row] - height) / 2).rounded(), width: width, height: height)
      }
    }
  }
}
