/// Numbers with their intervals side by side, on a linear axis with a line at 0: differences, sorted.
public struct IntervalChart: Figure, Equatable {
  /// A number and what is known of it.
  public struct Bar: Sendable, Hashable {
    /// Its name, written below if there is room; significant bars far from 0 are named first.
    public var name: String
    /// The number.
    public var value: Double
    /// Its confidence interval, or nil.
    public var interval: ClosedRange<Double>?
    /// Whether it is significant, and drawn in the strong color.
    public var isStrong: Bool

    /// See the properties.
    public init(name: String, value: Double, interval: ClosedRange<Double>?, isStrong: Bool) {
      self.name = name
      self.value = value
      self.interval = interval
      self.isStrong = isStrong
    }
  }

  /// From the left to the right.
  public let bars: [Bar]
  /// What the bars are.
  public let xTitle: String
  /// What their numbers are.
  public let yTitle: String
  /// A heading, or nil.
  public let title: String?
  /// A line at the lower edge, or nil.
  public let note: String?

  /// A figure of `bars`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where there is no bar or a number is not finite.
  public init(
    bars: [Bar], xTitle: String, yTitle: String, title: String? = nil, note: String? = nil
  ) throws(FigureError) {
    guard !bars.isEmpty else { throw .invalid("an interval chart needs a bar") }
    if let bad = bars.first(where: { bar in !bar.ends.allSatisfy(\.hasLinearPlace) }) {
      throw .invalid("'\(bad.name)' has no finite place in an interval chart")
    }
    self.bars = bars
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.title = title
    self.note = note
  }

  /// The picture as the bytes of a file.
  public func data(
    _ format: FigureFormat, style: FigureStyle
  ) throws(FigureError) -> [UInt8] {
    try file(format, style)
  }
}

extension IntervalChart: DrawnFigure {
  /// Two columns where there are many bars.
  var usualWidth: Double { FigureStyle.columnWidths[bars.count > 16 ? 1 : 0] }

  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    let meter = try TextMeter(fontFamily: style.fontFamily)
    let layout = try IntervalChartLayout(of: self, style: style, meter: meter)
    try meter.checkStatus()
    return layout
  }
}

extension IntervalChart.Bar {
  /// The number and the ends of its interval.
  var ends: [Double] { [value] + (interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
}
