/// Square panels side by side, each a 2-D histogram of pairs of fractions, with a line where both are
/// equal: scatter plots of so many points that they would hide each other. All panels share one
/// logarithmic color scale. On a narrow page panels stand below each other.
public struct DensityChart: Figure, Equatable {
  /// One histogram.
  public struct Panel: Sendable, Hashable {
    /// Above it.
    public var title: String
    /// What the columns are: fractions from 0 to 1.
    public var xTitle: String
    /// What the rows are.
    public var yTitle: String
    /// Cells on the vertical axis; the first is the fraction 0, the last 1.
    public var rows: Int
    /// Cells on the horizontal axis.
    public var columns: Int
    /// rows × columns numbers of points, not negative.
    public var counts: [Double]

    /// See the properties.
    public init(
      title: String, xTitle: String, yTitle: String, rows: Int, columns: Int, counts: [Double]
    ) {
      self.title = title
      self.xTitle = xTitle
      self.yTitle = yTitle
      self.rows = rows
      self.columns = columns
      self.counts = counts
    }
  }

  /// Far more and far less than there are points: between these ratios have logarithms.
  private static let counts = 1e-100...1e100

  /// From the left to the right.
  public let panels: [Panel]
  /// What the colors count.
  public let countName: String
  /// A heading, or nil.
  public let title: String?

  /// A figure of `panels`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where there is no panel, counts do not fill it, one is
  ///   negative or not finite, or a panel has no point.
  public init(panels: [Panel], countName: String, title: String? = nil) throws(FigureError) {
    guard !panels.isEmpty else { throw .invalid("a density chart needs a panel") }
    for panel in panels {
      let (cells, isTooMany) = panel.rows.multipliedReportingOverflow(by: panel.columns)
      guard panel.rows > 1, panel.columns > 1, !isTooMany, panel.counts.count == cells else {
        throw .invalid(
          "\(panel.counts.count) counts do not fill \(panel.rows) × \(panel.columns) cells, two a side "
            + "at least")
      }
      guard panel.counts.allSatisfy({ $0 == 0 || Self.counts.contains($0) }),
        panel.counts.contains(where: { $0 > 0 })
      else { throw .invalid("the panel '\(panel.title)' has no points, or invalid counts") }
    }
    self.panels = panels
    self.countName = countName
    self.title = title
  }

  /// The picture as the bytes of a file.
  public func data(
    _ format: FigureFormat, style: FigureStyle
  ) throws(FigureError) -> [UInt8] {
    try file(format, style)
  }
}

extension DensityChart: DrawnFigure {
  /// Two columns where panels stand beside each other.
  var usualWidth: Double { FigureStyle.columnWidths[panels.count > 1 ? 1 : 0] }

  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    try DensityChartDrawing(of: self, style: style)
  }
}
