import Foundation

/// Small line charts side by side, all with logarithmic axes: how something grows.
///
/// Panels of one row share their vertical axis, so that they can be read across. A straight line
/// is a power law, and its slope the exponent; a dashed line shows the slope that was expected.
public struct LineChart: Sendable, Equatable {
  /// A measured point.
  public struct Point: Sendable, Hashable {
    /// On the horizontal axis; positive.
    public var x: Double
    /// On the vertical axis; positive.
    public var y: Double

    /// See the properties.
    public init(x: Double, y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// One chart.
  public struct Panel: Sendable, Hashable {
    /// What grows to the right.
    public var xTitle: String
    /// From the left to the right.
    public var points: [Point]
    /// The slope of a dashed line through the last point, or nil for none.
    public var expectedSlope: Double?
    /// A few words inside the chart, or nil.
    public var note: String?

    /// See the properties.
    public init(
      xTitle: String, points: [Point], expectedSlope: Double? = nil, note: String? = nil
    ) {
      self.xTitle = xTitle
      self.points = points
      self.expectedSlope = expectedSlope
      self.note = note
    }
  }

  /// Rows of panels from the top, all of the same number.
  public let panels: [[Panel]]
  /// What each row's vertical axis shows, with its unit.
  public let rowTitles: [String]
  /// A heading, or nil.
  public let title: String?
  /// A line at the lower edge, or nil.
  public let note: String?

  /// A figure of `panels`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where the rows are not alike, a panel has no point,
  ///   or a number is not positive and finite.
  public init(
    panels: [[Panel]], rowTitles: [String], title: String? = nil, note: String? = nil
  ) throws(FigureError) {
    guard let first = panels.first, !first.isEmpty, panels.allSatisfy({ $0.count == first.count })
    else { throw .invalid("a line chart needs rows of panels, all of the same number") }
    guard rowTitles.count == panels.count else {
      throw .invalid("\(rowTitles.count) titles for \(panels.count) rows of panels")
    }
    for panel in panels.joined() {
      guard !panel.points.isEmpty else {
        throw .invalid("the panel '\(panel.xTitle)' has no point")
      }
      let numbers = panel.points.flatMap { [$0.x, $0.y] }
      if let bad = numbers.first(where: { !($0 > 0 && $0.isFinite) }) {
        throw .invalid("\(bad) in the panel '\(panel.xTitle)' has no place on a logarithmic axis")
      }
      guard zip(panel.points, panel.points.dropFirst()).allSatisfy({ $0.x < $1.x }) else {
        throw .invalid("the points of the panel '\(panel.xTitle)' do not rise to the right")
      }
    }
    self.panels = panels
    self.rowTitles = rowTitles
    self.title = title
    self.note = note
  }

  /// The picture as the bytes of a file.
  public func data(_ format: FigureFormat) throws(FigureError) -> [UInt8] {
    let style = LineChartStyle()
    let meter = try TextMeter()
    let layout = LineChartLayout(of: self, style: style, meter: meter)
    try meter.checkStatus()
    let canvas = try Canvas(
      format, width: layout.page.width, height: layout.page.height,
      scale: format == .png ? 1 : style.pointsPerPixel)
    canvas.fill(layout.grid, with: style.gridLine)
    for panel in layout.panels {
      if let guide = panel.guide {
        canvas.stroke(
          guide, with: style.guide, width: style.guideWidth, dashes: style.guideDashes)
      }
      canvas.stroke(panel.points, with: style.curve, width: style.curveWidth)
      for point in panel.points {
        canvas.fill(disc: point, radius: style.markRadius + style.markGap, with: style.ground)
        canvas.fill(disc: point, radius: style.markRadius, with: style.curve)
      }
    }
    canvas.fill(layout.lines, with: style.ink)
    for text in layout.texts { canvas.draw(text, with: style.ink) }
    for text in layout.faintTexts { canvas.draw(text, with: style.faintInk) }
    return try canvas.bytes()
  }

  /// Writes the picture to `path`, whole or not at all.
  ///
  /// - Throws: `FigureError` of kind `writing` where the file cannot be written.
  public func write(to path: String, format: FigureFormat) throws(FigureError) {
    try writeFigure(try data(format), to: path)
  }
}
