import Foundation

/// A matrix of scores as a picture: square cells, row 0 at the bottom, column 0 at the left.
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
    /// Disjoint groups in rising order, with lines between them; they need not cover the axis.
    public var groups: [Group]

    /// See the properties.
    public init(labels: [String] = [], title: String? = nil, groups: [Group] = []) {
      self.labels = labels
      self.title = title
      self.groups = groups
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
  /// The scores at the ends of the colour scale. Scores outside take the colour of the nearer end.
  public let range: ClosedRange<Double>
  /// What the score is called, beside the colour bar.
  public let scoreName: String
  /// A heading, or nil.
  public let title: String?
  /// Cells that stand out, such as the blocks of a network.
  public let outlines: [Outline]

  /// A figure of `values`; see the properties.
  ///
  /// - Throws: `FigureError` of kind `invalid` where a count does not fit the matrix, a group or an
  ///   outline is not inside it, or `range` has no finite, positive length.
  public init(
    values: [Double], rows: Int, columns: Int, rowAxis: Axis = Axis(), columnAxis: Axis = Axis(),
    range: ClosedRange<Double> = 0...1, scoreName: String, title: String? = nil,
    outlines: [Outline] = []
  ) throws(FigureError) {
    guard rows > 0, columns > 0 else {
      throw .invalid("a heatmap needs a row and a column, not \(rows) × \(columns)")
    }
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard !overflow, values.count == count else {
      throw .invalid("\(values.count) values do not fill \(rows) × \(columns) cells")
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
  }

  /// The picture as the bytes of a file.
  public func data(_ format: FigureFormat) throws(FigureError) -> [UInt8] {
    try HeatmapDrawing(of: self).data(format)
  }

  /// Writes the picture to `path`, whole or not at all.
  ///
  /// - Throws: `FigureError` of kind `writing` where the file cannot be written.
  public func write(to path: String, format: FigureFormat) throws(FigureError) {
    try writeFigure(try data(format), to: path)
  }
}

/// Writes a picture's bytes to `path`, whole or not at all.
func writeFigure(_ bytes: [UInt8], to path: String) throws(FigureError) {
  do {
    try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    let reason = (error as NSError).localizedDescription
    throw FigureError(kind: .writing, context: "cannot write \(path): \(reason)")
  }
}

extension Heatmap.Axis {
  fileprivate func check(count: Int, of what: String) throws(FigureError) {
    guard labels.isEmpty || labels.count == count else {
      throw .invalid("\(labels.count) labels for \(count) \(what)")
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

  /// The name of `index`, fit for display.
  func name(of index: Int) -> String {
    labels.isEmpty ? String(index) : displayText(labels[index])
  }
}

extension FigureError {
  /// An error of kind `invalid`.
  static func invalid(_ context: String) -> FigureError {
    FigureError(kind: .invalid, context: context)
  }
}
