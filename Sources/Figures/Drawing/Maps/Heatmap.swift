/// A matrix of scores as a picture: row 0 at the bottom, column 0 at the left. Cells are square, but
/// for matrices that would be very flat or very tall.
///
/// ```swift
/// let map = try Heatmap(
///   values: scores, rows: 3, columns: 3, rowLabels: names, columnLabels: names,
///   scoreName: "CKA", title: "ResNet-20")
/// try map.write(to: "cka.png", format: .png)
/// ```
///
/// The same figure always gives the same bytes on the same machine.
public struct Heatmap: Figure, Equatable {
  /// Neighbouring rows or columns that belong together, such as a stage of a network.
  public struct Group: Sendable, Hashable {
    /// What to write beside them.
    public var name: String
    /// The indices of the rows or columns.
    public var range: Range<Int>

    /// See the properties.
    public init(name: String, range: Range<Int>) {
      self.name = name
      self.range = range
    }
  }

  /// What the rows or the columns are called.
  public struct Axis: Sendable, Hashable {
    /// One name for each index, or none: then the indices are written.
    public var labels: [String]
    /// What all of them are, such as a model's name.
    public var title: String?
    /// What is written in place of names: places between the cells, on an axis of numbers.
    public var ticks: [Tick]
    /// Disjoint groups in rising order, with lines between them; they need not cover the axis.
    public var groups: [Group]

    /// See the properties.
    public init(
      labels: [String] = [], title: String? = nil, groups: [Group] = [], ticks: [Tick] = []
    ) {
      self.labels = labels
      self.title = title
      self.groups = groups
      self.ticks = ticks
    }
  }

  /// A number on an axis.
  public struct Tick: Sendable, Hashable {
    /// How many cells lie before it, 0.5 for the middle of the first.
    public var place: Double
    /// What is written.
    public var label: String

    /// See the properties.
    public init(place: Double, label: String) {
      self.place = place
      self.label = label
    }
  }

  /// Cells with a line around them.
  public struct Outline: Sendable, Hashable {
    /// The indices of the rows.
    public var rows: Range<Int>
    /// The indices of the columns.
    public var columns: Range<Int>

    /// See the properties.
    public init(rows: Range<Int>, columns: Range<Int>) {
      self.rows = rows
      self.columns = columns
    }
  }

  /// rows × columns scores, row by row; NaN is an undefined score and is hatched.
  public let values: [Double]
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// The rows, from the bottom up.
  public let rowAxis: Axis
  /// The columns, from the left.
  public let columnAxis: Axis
  /// The scores at the ends of the colour scale. Scores above it take the colour of its end, scores below
  /// it a colour of their own.
  public let range: ClosedRange<Double>
  /// What the score is called, beside the colour bar.
  public let scoreName: String
  /// A heading, or nil.
  public let title: String?
  /// Cells that stand out, such as the blocks of a network.
  public let outlines: [Outline]
  /// What an outline means.
  public let outlineName: String
  /// For each value whether it is hatched lightly, such as cells that do not stand out from chance; empty for none.
  public let faint: [Bool]
  /// What the light hatching means.
  public let faintName: String

  /// The colour scale of numbers that have no largest one, such as standard errors: from 0 to the next of
  /// 0.01, 0.02, 0.05, 0.1 … that is not below `highest`.
  public static func range(upTo highest: Double) -> ClosedRange<Double> {
    0...niceStep(atLeast: highest.isFinite ? max(highest, 0.01) : 1)
  }

  /// A figure of `values`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where a count does not fit the matrix, a group or an
  ///   outline is not inside it, or `range` has no finite, positive length.
  public init(
    values: [Double], rows: Int, columns: Int, rowAxis: Axis = Axis(), columnAxis: Axis = Axis(),
    range: ClosedRange<Double> = 0...1, scoreName: String, title: String? = nil,
    outlines: [Outline] = [], outlineName: String = "block", faint: [Bool] = [],
    faintName: String = ""
  ) throws(FigureError) {
    guard rows > 0, columns > 0 else {
      throw .invalid("a heatmap needs a row and a column, not \(rows) × \(columns)")
    }
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard !overflow, values.count == count else {
      throw .invalid("\(values.count) values do not fill \(rows) × \(columns) cells")
    }
    guard faint.isEmpty || faint.count == count else {
      throw .invalid("\(faint.count) marks for \(rows) × \(columns) cells")
    }
    try rowAxis.check(count: rows, of: "rows")
    try columnAxis.check(count: columns, of: "columns")
    for outline in outlines {
      guard !outline.rows.isEmpty, outline.rows.lowerBound >= 0, outline.rows.upperBound <= rows,
        !outline.columns.isEmpty, outline.columns.lowerBound >= 0,
        outline.columns.upperBound <= columns
      else {
        throw .invalid(
          "the outline of rows \(outline.rows) and columns \(outline.columns) is empty or leaves "
            + "\(rows) × \(columns) cells")
      }
    }
    let length = range.upperBound - range.lowerBound
    guard length > 0, length.isFinite else {
      throw .invalid("a colour scale over \(range) has no finite, positive length")
    }
    self.values = values
    self.rows = rows
    self.columns = columns
    self.rowAxis = rowAxis
    self.columnAxis = columnAxis
    self.range = range
    self.scoreName = scoreName
    self.title = title
    self.outlines = outlines
    self.outlineName = outlineName
    self.faint = faint
    self.faintName = faintName
  }

  /// The same with another scale or heading, where they are not nil.
  public func with(
    range: ClosedRange<Double>?, title: String?
  ) throws(FigureError) -> Heatmap {
    try Heatmap(
      values: values, rows: rows, columns: columns, rowAxis: rowAxis, columnAxis: columnAxis,
      range: range ?? self.range, scoreName: scoreName, title: title ?? self.title,
      outlines: outlines, outlineName: outlineName, faint: faint, faintName: faintName)
  }

  /// The picture as the bytes of a file.
  public func data(
    _ format: FigureFormat, style: FigureStyle
  ) throws(FigureError) -> [UInt8] {
    try file(format, style)
  }
}

extension Heatmap: DrawnFigure {
  var usualWidth: Double { FigureStyle.columnWidths[0] }

  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing {
    try drawing(style, sides: nil)
  }

  /// - Parameter sides: what stands around the cells, measured already.
  func drawing(_ style: PageStyle, sides: HeatmapSides?) throws(FigureError) -> any Drawing {
    try HeatmapDrawing(
      of: self, sides: sides, summary: ScoreSummary(values, range: range), style: style)
  }
}

extension Heatmap.Axis {
  fileprivate func check(count: Int, of what: String) throws(FigureError) {
    guard labels.isEmpty || labels.count == count else {
      throw .invalid("\(labels.count) labels for \(count) \(what)")
    }
    guard ticks.allSatisfy({ (0...Double(count)).contains($0.place) }) else {
      throw .invalid("a tick of the \(what) is outside its axis")
    }
    var end = 0
    for group in groups {
      guard group.range.lowerBound >= end, group.range.upperBound <= count, !group.range.isEmpty
      else {
        throw .invalid(
          "the group '\(group.name)' of \(what) \(group.range) is empty, overlaps the one before, "
            + "or leaves 0..<\(count)")
      }
      end = group.range.upperBound
    }
  }

  /// The names, short enough that each `fits`, and the title with what they have in common.
  package func short(_ fits: (String) -> Bool) -> (names: [String], title: String?) {
    let names = ShortNames(labels, fits: fits)
    let parts = [title, names.pattern].compactMap { $0 }
    return (names.texts, parts.isEmpty ? nil : parts.joined(separator: ": "))
  }
}

extension FigureError {
  /// An error of kind `invalid`.
  package static func invalid(_ context: String) -> FigureError {
    FigureError(kind: .invalid, context: context)
  }
}
