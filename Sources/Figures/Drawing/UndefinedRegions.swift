/// A block of cells, rows from the bottom.
struct CellBlock: Hashable {
  var rows: Range<Int>
  var columns: Range<Int>

  /// The number of cells.
  var area: Int { rows.count * columns.count }
}

/// The undefined cells of `heatmap` as disjoint blocks, the largest first.
///
/// Runs within a row are joined with equal runs of the rows above: a layer without scores is two
/// or three blocks, however large the matrix.
func undefinedBlocks(of heatmap: Heatmap) -> [CellBlock] {
  var done: [CellBlock] = []
  var growing: [Range<Int>: Int] = [:]  // columns → the first row
  for row in 0..<heatmap.rows {
    let runs = undefinedRuns(inRow: row, of: heatmap)
    var next: [Range<Int>: Int] = [:]
    for run in runs { next[run] = growing[run] ?? row }
    for (columns, start) in growing where next[columns] == nil {
      done.append(CellBlock(rows: start..<row, columns: columns))
    }
    growing = next
  }
  done += growing.map { CellBlock(rows: $0.value..<heatmap.rows, columns: $0.key) }
  // Dictionary order is random; the picture needs a fixed order.
  return done.sorted {
    ($1.area, $0.rows.lowerBound, $0.columns.lowerBound)
      < ($0.area, $1.rows.lowerBound, $1.columns.lowerBound)
  }
}

private func undefinedRuns(inRow row: Int, of heatmap: Heatmap) -> [Range<Int>] {
  var runs: [Range<Int>] = []
  var start: Int?
  for column in 0..<heatmap.columns {
    let isUndefined = heatmap.values[row * heatmap.columns + column].isNaN
    if isUndefined, start == nil { start = column }
    if !isUndefined, let first = start {
      runs.append(first..<column)
      start = nil
    }
  }
  if let first = start { runs.append(first..<heatmap.columns) }
  return runs
}
