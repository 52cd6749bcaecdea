/// The blocks of a heatmap that fit a terminal, with the names round them.
struct TerminalFrame {
  /// Rows from the bottom × columns: the mean of the defined scores of each block, or NaN.
  let blocks: [[Double]]
  /// The side of a block in cells.
  let cellsPerBlock: Int
  /// The side of a block in units; a unit is a line high without colour, half a line with it.
  let unitsPerBlock: Int
  /// The names of the first and the last row, padded to one width.
  let rowNames: (first: String, last: String)

  private let hasOneRow: Bool
  private let style: TerminalMap.Style
  /// How many columns of the terminal a unit takes: two of them are about as wide as a line is high.
  private let columnsPerUnit: Int

  init(of heatmap: Heatmap, width: Int, height: Int, style: TerminalMap.Style) {
    self.style = style
    hasOneRow = heatmap.rows == 1
    columnsPerUnit = style.isColored ? 1 : 2
    let longest = min(16, width / 4)
    let first = terminalText(heatmap.rowAxis.name(of: 0), within: longest)
    let last = terminalText(heatmap.rowAxis.name(of: heatmap.rows - 1), within: longest)
    let margin = max(terminalWidth(of: first), terminalWidth(of: last))
    rowNames = (padded(first, to: margin), padded(last, to: margin))

    let across = max(1, (width - margin - 1) / columnsPerUnit)
    let upward = style.isColored ? 2 * height : height
    cellsPerBlock = max(
      (heatmap.columns + across - 1) / across, (heatmap.rows + upward - 1) / upward)
    // A small matrix is enlarged, to a size that is easy to read and not more.
    let fitting = min(across / heatmap.columns, upward / heatmap.rows)
    let comfortable = min(8, 48 / max(heatmap.columns, heatmap.rows)) / columnsPerUnit
    unitsPerBlock = max(1, min(fitting, max(comfortable, 1)))
    blocks = Self.means(of: heatmap, side: cellsPerBlock)
  }

  private static func means(of heatmap: Heatmap, side: Int) -> [[Double]] {
    stride(from: 0, to: heatmap.rows, by: side).map { row in
      stride(from: 0, to: heatmap.columns, by: side).map { column in
        var (sum, count) = (0.0, 0)
        for r in row..<min(row + side, heatmap.rows) {
          for c in column..<min(column + side, heatmap.columns) {
            let score = heatmap.values[r * heatmap.columns + c]
            guard !score.isNaN else { continue }
            // A score beyond the scale counts as its end: one infinity must not hide the others.
            sum += min(max(score, heatmap.range.lowerBound), heatmap.range.upperBound)
            count += 1
          }
        }
        return count == 0 ? .nan : sum / Double(count)
      }
    }
  }

  /// The lines of the cells, from the top, with names of the last and the first row.
  func rowLines(painter: TerminalPainter) -> [String] {
    // Rows of units from the bottom, each block repeated.
    let units = blocks.flatMap { row in
      let line = row.flatMap { repeatElement($0, count: unitsPerBlock) }
      return repeatElement(line, count: unitsPerBlock)
    }
    let blank = padded("", to: terminalWidth(of: rowNames.first))
    let step = style.isColored ? 2 : 1
    let starts = Array(stride(from: 0, to: units.count, by: step))
    return starts.reversed().map { start in
      let name =
        start == 0
        ? rowNames.first : start == starts.last && !hasOneRow ? rowNames.last : blank
      let upper = start + 1 < units.count ? units[start + 1] : nil
      let cells =
        style.isColored
        ? painter.halfBlocks(upper: upper, lower: units[start])
        : units[start].map(painter.cell).joined()
      return name + " " + cells
    }
  }

  /// The names of the first and the last column under them, and the titles of both axes.
  func columnLines(of heatmap: Heatmap) -> [String] {
    let margin = terminalWidth(of: rowNames.first) + 1
    let width = (blocks.first?.count ?? 0) * unitsPerBlock * columnsPerUnit
    let room = max(width, 16)
    let count = heatmap.columns
    let longest = count == 1 ? room : room / 2 - 1
    var line = terminalText(heatmap.columnAxis.name(of: 0), within: longest)
    if count > 1 {
      let last = terminalText(heatmap.columnAxis.name(of: count - 1), within: longest)
      line += padded(last, to: room - terminalWidth(of: line))
    }
    var lines = [padded("", to: margin) + line]
    let titles = [("rows", heatmap.rowAxis.title), ("columns", heatmap.columnAxis.title)]
    for case (let axis, let title?) in titles {
      lines.append(terminalText("\(axis): \(title)", within: margin + room))
    }
    return lines
  }

  /// The scale, the sign for undefined cells where there are any, and the size of a block.
  func legend(of heatmap: Heatmap, painter: TerminalPainter, width: Int) -> [String] {
    let (low, high) = (heatmap.range.lowerBound, heatmap.range.upperBound)
    let name = terminalText(heatmap.scoreName, within: width / 3)
    let ends = [low, high].map { scaleLabel($0, step: (high - low) / 10, minus: "-") }
    let room = width - terminalWidth(of: name) - ends[0].count - ends[1].count - 3
    var lines = ["\(name) \(ends[0]) \(painter.scale(within: room)) \(ends[1])"]
    let undefined = heatmap.values.lazy.filter(\.isNaN).count
    if undefined > 0 {
      lines.append(
        "\(painter.undefinedSample) undefined: \(undefined) of \(heatmap.values.count) cells")
    }
    if cellsPerBlock > 1 {
      lines.append("one block: mean of \(cellsPerBlock) × \(cellsPerBlock) cells")
    }
    return lines
  }
}
