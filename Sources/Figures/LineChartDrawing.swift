/// Draws a line chart, layer over layer.
struct LineChartDrawing: Drawing {
  private let style: LineChartStyle
  private let layout: LineChartLayout

  init(of chart: LineChart) throws(FigureError) {
    style = LineChartStyle(of: chart)
    let meter = try TextMeter()
    layout = LineChartLayout(of: chart, style: style, meter: meter)
    try meter.checkStatus()
  }

  var page: Rectangle { layout.page }
  var pointsPerPixel: Double { style.pointsPerPixel }

  func draw(on canvas: Canvas) {
    canvas.fill(layout.spans, with: style.span)
    canvas.fill(layout.grid, with: style.gridLine)
    for panel in layout.panels {
      if let guide = panel.guide {
        canvas.stroke(
          guide, with: style.guide, width: style.guideWidth, dashes: style.guideDashes)
      }
      for curve in panel.curves {
        canvas.fill(polygon: curve.band, with: curve.color, opacity: style.bandOpacity)
      }
      for curve in panel.curves {
        canvas.stroke(curve.points, with: curve.color, width: style.curveWidth)
        for point in curve.points {
          canvas.fill(disc: point, radius: style.markRadius + style.markGap, with: style.ground)
          canvas.fill(disc: point, radius: style.markRadius, with: curve.color)
        }
        if let key = curve.key {
          canvas.fill(disc: key, radius: style.markRadius, with: curve.color)
        }
      }
    }
    canvas.fill(layout.lines, with: style.ink)
    for text in layout.texts { canvas.draw(text, with: style.ink) }
    for text in layout.faintTexts { canvas.draw(text, with: style.faintInk) }
  }
}
