/// Draws a line chart, layer over layer.
struct LineChartDrawing: Drawing {
  private let style: PageStyle
  private let layout: LineChartLayout

  init(of chart: LineChart, style: PageStyle) throws(FigureError) {
    self.style = style
    let meter = try TextMeter(fontFamily: style.fontFamily)
    layout = try LineChartLayout(of: chart, style: style, meter: meter)
    try meter.checkStatus()
  }

  var page: Rectangle { layout.page }
  var texts: [PlacedText] { layout.texts + layout.faintTexts }
  var fits: [CellFit] { [] }

  func draw(on canvas: Canvas) {
    canvas.fill(layout.spans, with: FigureColors.span)
    canvas.fill(layout.grid, with: FigureColors.gridLine)
    for panel in layout.panels {
      if let guide = panel.guide {
        canvas.stroke(
          guide, with: FigureColors.guide, width: style.guideWidth, dashes: style.guideDashes)
      }
      for curve in panel.curves {
        canvas.fill(polygon: curve.band, with: curve.color, opacity: FigureColors.bandOpacity)
      }
      for curve in panel.curves {
        canvas.stroke(curve.points, with: curve.color, width: style.curveWidth)
        let radius = style.markRadius(isCrowded: layout.isCrowded)
        let gap = style.markGap(isCrowded: layout.isCrowded)
        for point in curve.points {
          canvas.fill(disc: point, radius: radius + gap, with: FigureColors.ground)
          canvas.fill(disc: point, radius: radius, with: curve.color)
        }
        if let key = curve.key { canvas.fill(disc: key, radius: radius, with: curve.color) }
      }
    }
    canvas.fill(layout.lines, with: FigureColors.ink)
    for text in layout.texts { canvas.draw(text, with: FigureColors.ink) }
    for text in layout.faintTexts { canvas.draw(text, with: FigureColors.faintInk) }
  }
}
