/// Heatmaps and charts side by side and below each other, in one picture; on a narrow page below each
/// other only. Maps of it have the same room, so that those of the same layers have cells of one size.
public struct FigureGrid: Figure, Equatable {
  /// One of the pictures, drawn as by itself.
  public enum Panel: Sendable, Equatable {
    case heatmap(Heatmap)
    case lineChart(LineChart)
    case scatterChart(ScatterChart)
    case treeChart(TreeChart)

    /// The picture by itself.
    package var figure: any Figure { drawn }

    fileprivate var drawn: any DrawnFigure {
      switch self {
      case .heatmap(let heatmap): heatmap
      case .lineChart(let chart): chart
      case .scatterChart(let chart): chart
      case .treeChart(let chart): chart
      }
    }
  }

  /// Rows of panels from the top, none of more than the first.
  public let panels: [[Panel]]

  /// A figure of `panels`.
  ///
  /// - Throws: `FigureError` of kind `invalid` where a row is empty, or longer than the first.
  public init(panels: [[Panel]]) throws(FigureError) {
    guard let first = panels.first,
      panels.allSatisfy({ (1...max(first.count, 1)).contains($0.count) })
    else {
      throw .invalid(
        "a grid of figures needs rows of panels; no row may be longer than the first")
    }
    self.panels = panels
  }

  /// The picture as the bytes of a file.
  public func data(
    _ format: FigureFormat, style: FigureStyle
  ) throws(FigureError) -> [UInt8] {
    try file(format, style)
  }
}

extension FigureGrid: DrawnFigure {
  var usualWidth: Double { FigureStyle.columnWidths[1] }

  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    // Panels that would be too narrow stand below each other.
    let isNarrow = style.width / Double(panels[0].count) < style.narrowestPanel
    let rows = isNarrow ? panels.joined().map { [$0] } : panels
    let part = style.narrowed(to: (style.width / Double(rows[0].count)).rounded(.down))
    let meter = try TextMeter(fontFamily: style.fontFamily)
    let sides = rows.map { $0.map { $0.sides(part, meter) } }
    let right = sides.joined().compactMap { $0?.right }.max() ?? 0
    var drawings: [[any Drawing]] = []
    for (row, sides) in zip(rows, sides) {
      var drawingsOfRow: [any Drawing] = []
      for (panel, sides) in zip(row, sides) {
        drawingsOfRow.append(try panel.drawing(part, sides, leastRight: right))
      }
      drawings.append(drawingsOfRow)
    }
    try meter.checkStatus()
    return FigureGridDrawing(drawings, width: style.width)
  }
}

extension FigureGrid.Panel {
  /// What stands around a map's cells; nil for a chart.
  fileprivate func sides(_ style: PageStyle, _ meter: TextMeter) -> HeatmapSides? {
    switch self {
    case .heatmap(let heatmap): HeatmapSides(of: heatmap, style: style, meter: meter)
    case .lineChart, .scatterChart, .treeChart: nil
    }
  }

  fileprivate func drawing(
    _ style: PageStyle, _ sides: HeatmapSides?, leastRight: Double
  ) throws(FigureError) -> any Drawing {
    var sides = sides
    sides?.leastRight = leastRight
    return switch self {
    case .heatmap(let heatmap): try heatmap.drawing(style, sides: sides)
    case .lineChart, .scatterChart, .treeChart: try drawn.drawing(style)
    }
  }
}

/// Panels where they stand: in columns of one width, those of a row from one upper edge.
struct FigureGridDrawing: Drawing {
  let page: Rectangle
  let texts: [PlacedText]
  let fits: [CellFit]
  private let panels: [(drawing: any Drawing, x: Double, y: Double)]

  init(_ rows: [[any Drawing]], width: Double) {
    var panels: [(drawing: any Drawing, x: Double, y: Double)] = []
    var y = 0.0
    let column = width / Double(rows[0].count)
    for row in rows {
      for (index, drawing) in row.enumerated() {
        panels.append((drawing, (Double(index) * column).rounded(), y))
      }
      y += row.map(\.page.height).max() ?? 0
    }
    self.panels = panels
    page = Rectangle(x: 0, y: 0, width: width, height: y)
    fits = panels.flatMap(\.drawing.fits)
    texts = panels.flatMap { panel in
      panel.drawing.texts.map { $0.moved(byX: panel.x, y: panel.y) }
    }
  }

  func draw(on canvas: Canvas) throws(FigureError) {
    for panel in panels {
      try canvas.moved(toX: panel.x, y: panel.y) { (canvas) throws(FigureError) in
        try panel.drawing.draw(on: canvas)
      }
    }
  }
}
