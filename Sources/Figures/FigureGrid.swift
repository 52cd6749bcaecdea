/// Heatmaps and line charts side by side and below each other, in one picture; on a narrow page below each
/// other only.
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
    var drawings: [[any Drawing]] = []
    for row in rows {
      var drawingsOfRow: [any Drawing] = []
      for panel in row { drawingsOfRow.append(try panel.drawing(part)) }
      drawings.append(drawingsOfRow)
    }
    return FigureGridDrawing(drawings, width: style.width)
  }
}

extension FigureGrid.Panel {
  fileprivate func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    switch self {
    case .heatmap(let heatmap): try heatmap.drawing(style)
    case .lineChart(let chart): try chart.drawing(style)
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
    for row in rows {
      let column = width / Double(row.count)
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
