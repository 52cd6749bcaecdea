/// A table for people: aligned columns, numbers to the right.
public struct TextTable: Sendable {
  /// How a column stands.
  public enum Alignment: Sendable {
    case left, right
  }

  /// The columns' names.
  public let headings: [String]
  /// How they stand.
  public let alignments: [Alignment]
  /// As many cells a row as there are columns.
  public private(set) var rows: [[String]] = []

  /// A table of the given columns.
  public init(_ columns: [(heading: String, alignment: Alignment)]) {
    headings = columns.map(\.heading)
    alignments = columns.map(\.alignment)
  }

  /// Adds a row of as many cells as there are columns.
  public mutating func add(_ cells: [String]) {
    precondition(cells.count == headings.count, "a row of another width")
    rows.append(cells)
  }

  /// The table in lines, each ended by a line feed.
  public var text: String {
    let lines = [headings] + rows
    let widths = headings.indices.map { column in
      lines.map { $0[column].count }.max() ?? 0
    }
    return lines.map { cells in
      let padded = cells.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - cells[column].count)
        return alignments[column] == .left ? cells[column] + space : space + cells[column]
      }
      var line = padded.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}
