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

  /// The title of the rows, with what all names have in common.
  private let rowTitle: String?
  private let hasOneRow: Bool
  private let style: TerminalMap.Style
  /// How many columns of the terminal a unit takes: two of them are about as wide as a line is high.
  private let columnsPerUnit: Int

  init(of heatmap: Heatmap, width: Int, height: Int, style: TerminalMap.Style) {
    self.style = style
    hasOneRow = heatmap.rows == 1
    columnsPerUnit = style.isColored ? 1 : 2
    let longest = min(16, width / 4)
    let (first, last, rowTitle) = Self.ends(
      of: heatmap.rowAxis, count: heatmap.rows, longest: longest)
    self.rowTitle = rowTitle
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

  /// The first and the last name of an axis, and its title.
  private static func ends(
    of axis: Heatmap.Axis, count: Int, longest: Int
  ) -> (first: String, last: String, title: String?) {
    let (names, title) = axis.short { terminalWidth(of: $0) <= longest }
    if let first = axis.ticks.first, let last = axis.ticks.last {
      return (
        terminalText(first.label, within: longest), terminalText(last.label, within: longest), title
      )
    }
    return (names.first ?? "0", names.last ?? String(count - 1), title)
  }

  private static func means(of heatmap: Heatmap, side: Int) -> [[Double]] {
    stride(from: 0, to: heatmap.rows, by: side).map { row in
      stride(from: 0, to: heatmap.columns, by: side).map { column in
        var (sum, count) = (0.0, 0)
        for r in row..<min(row + side, heatmap.rows) {
          for c in column..<min(column + side, heatmap.columns) {
            let score = heatmap.values[r * heatmap.columns + c]
            guard !score.isNaN else { continue }
            // A score far beyond the scale counts as one length beyond it: an infinity must not hide the
            // others.
            let (low, high) = (heatmap.range.lowerBound, heatmap.range.upperBound)
            sum += min(max(score, low - (high - low)), high + (high - low))
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
  func columnLines(of heatmap: Heatmap, within width: Int) -> [String] {
    let margin = terminalWidth(of: rowNames.first) + 1
    let room = max((blocks.first?.count ?? 0) * unitsPerBlock * columnsPerUnit, 16)
    let count = heatmap.columns
    let longest = count == 1 ? room : room / 2 - 1
    let (first, last, columnTitle) = Self.ends(
      of: heatmap.columnAxis, count: count, longest: longest)
    var line = first
    if count > 1 {
      line += padded(last, to: room - terminalWidth(of: line))
    }
    var lines = [padded("", to: margin) + line]
    let titles = [("rows", rowTitle), ("columns", columnTitle)]
    for case (let axis, let title?) in titles {
      lines.append(terminalText("\(axis): \(title)", within: width))
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
    let summary = ScoreSummary(heatmap.values, range: heatmap.range)
    let count = heatmap.values.count
    if summary.belowCount > 0 {
      let meaning = ScoreScale(heatmap.range).meaningOfBelow(lowest: summary.lowest, minus: "-")
      lines.append("\(painter.belowSample) \(meaning): \(summary.belowCount) of \(count) cells")
    }
    if summary.undefinedCount > 0 {
      lines.append(
        "\(painter.undefinedSample) undefined: \(summary.undefinedCount) of \(count) cells")
    }
    if cellsPerBlock > 1 {
      lines.append("each character: mean of \(cellsPerBlock) × \(cellsPerBlock) cells")
    }
    return lines
  }
}
