/// Small line charts side by side: how something grows, or changes with depth.
///
/// Panels of one row share their vertical axis, so that they can be read across; on a narrow page they
/// stand below each other. On logarithmic axes
/// a straight line is a power law, and its slope the exponent; a dashed line shows the slope that was
/// expected. A panel may hold several curves, with their names at the right, a band about each of them,
/// and shaded spans of its horizontal axis behind them.
public struct LineChart: Figure, Equatable {
  /// How the numbers of an axis are placed.
  public enum Scale: Sendable, Hashable {
    /// Equal distances are equal ratios; all numbers are positive.
    case logarithmic
    /// Equal distances are equal differences. The axis spans the range, which holds all numbers, or
    /// without one the numbers themselves.
    case linear(ClosedRange<Double>? = nil)
  }

  /// A measured point.
  public struct Point: Sendable, Hashable {
    /// On the horizontal axis.
    public var x: Double
    /// On the vertical axis.
    public var y: Double
    /// How far repeated measurements lie apart, `y` among them; nil for no band.
    public var spread: ClosedRange<Double>?

    /// See the properties.
    public init(x: Double, y: Double, spread: ClosedRange<Double>? = nil) {
      self.x = x
      self.y = y
      self.spread = spread
    }

    /// The mean of repeated measurements, from the least to the most of them; nil where there is none.
    public init?(x: Double, of values: [Double]) {
      guard let least = values.min(), let most = values.max() else { return nil }
      let mean = values.reduce(0, +) / Double(values.count)
      // Rounding may put the mean of equal numbers outside their range.
      self.init(x: x, y: min(max(mean, least), most), spread: least...most)
    }
  }

  /// Points that belong together.
  public struct Curve: Sendable, Hashable {
    /// From the left to the right.
    public var points: [Point]
    /// What is written beside the curve, at the right of its panel, or nil.
    public var label: String?

    /// See the properties.
    public init(points: [Point], label: String? = nil) {
      self.points = points
      self.label = label
    }
  }

  /// One chart.
  public struct Panel: Sendable, Hashable {
    /// What grows to the right.
    public var xTitle: String
    /// What the places 0, 1, 2 … of a linear horizontal axis are called, such as layers; may be empty.
    public var xNames: [String]
    /// What is shown, the later over the earlier.
    public var curves: [Curve]
    /// The slope of a dashed line through the last point of the first curve, or nil for none.
    public var expectedSlope: Double?
    /// A few words inside the chart, or nil.
    public var note: String?
    /// Shaded ranges of the horizontal axis, clipped to it.
    public var spans: [ClosedRange<Double>]

    /// See the properties.
    public init(
      xTitle: String, xNames: [String] = [], curves: [Curve], expectedSlope: Double? = nil,
      note: String? = nil, spans: [ClosedRange<Double>] = []
    ) {
      self.xTitle = xTitle
      self.xNames = xNames
      self.curves = curves
      self.expectedSlope = expectedSlope
      self.note = note
      self.spans = spans
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
  /// The horizontal axes.
  public let xScale: Scale
  /// The vertical axes.
  public let yScale: Scale

  /// A figure of `panels`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where the rows are not alike, a panel or a curve is
  ///   empty, a number is outside its axis, or a spread does not hold its point.
  public init(
    panels: [[Panel]], rowTitles: [String], title: String? = nil, note: String? = nil,
    xScale: Scale = .logarithmic, yScale: Scale = .logarithmic
  ) throws(FigureError) {
    guard let first = panels.first, !first.isEmpty, panels.allSatisfy({ $0.count == first.count })
    else { throw .invalid("a line chart needs rows of panels, all of the same number") }
    guard rowTitles.count == panels.count else {
      throw .invalid("\(rowTitles.count) titles for \(panels.count) rows of panels")
    }
    for panel in panels.joined() { try panel.check(xScale, yScale) }
    self.panels = panels
    self.rowTitles = rowTitles
    self.title = title
    self.note = note
    self.xScale = xScale
    self.yScale = yScale
  }

  /// The picture as the bytes of a file.
  public func data(
    _ format: FigureFormat, style: FigureStyle
  ) throws(FigureError) -> [UInt8] {
    try file(format, style)
  }
}

extension LineChart: DrawnFigure {
  /// Two columns where panels stand beside each other.
  var usualWidth: Double { FigureStyle.columnWidths[panels[0].count > 1 ? 1 : 0] }

  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    try LineChartDrawing(of: self, style: style)
  }
}

extension LineChart.Panel {
  fileprivate func check(
    _ xScale: LineChart.Scale, _ yScale: LineChart.Scale
  ) throws(FigureError) {
    guard !curves.isEmpty, curves.allSatisfy({ !$0.points.isEmpty }) else {
      throw .invalid("the panel '\(xTitle)' has no point, or a curve without any")
    }
    for curve in curves {
      for point in curve.points {
        if let bad = xScale.misfit(of: [point.x]) ?? yScale.misfit(of: [point.y] + point.bounds) {
          throw .invalid("\(bad) in the panel '\(xTitle)' is outside its axis")
        }
        if let spread = point.spread, !spread.contains(point.y) {
          throw .invalid("\(point.y) in the panel '\(xTitle)' is outside its band \(spread)")
        }
      }
      guard zip(curve.points, curve.points.dropFirst()).allSatisfy({ $0.x < $1.x }) else {
        throw .invalid("the points of the panel '\(xTitle)' must have increasing x")
      }
    }
  }
}

extension LineChart.Scale {
  /// The first of `numbers` that the axis has no place for.
  fileprivate func misfit(of numbers: [Double]) -> Double? {
    switch self {
    case .logarithmic: numbers.first { !($0 > 0 && $0.isFinite) }
    case .linear(let range):
      numbers.first { !($0.hasLinearPlace && range?.contains($0) ?? true) }
        ?? range.flatMap { [$0.lowerBound, $0.upperBound].first { !$0.hasLinearPlace } }
    }
  }
}

extension LineChart.Point {
  /// The ends of its spread, where there is one.
  var bounds: [Double] { spread.map { [$0.lowerBound, $0.upperBound] } ?? [] }
}
