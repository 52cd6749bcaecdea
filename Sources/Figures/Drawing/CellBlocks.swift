/// A block of cells, rows from the bottom.
struct CellBlock: Hashable {
  var rows: Range<Int>
  var columns: Range<Int>

  /// The number of cells.
  var area: Int { rows.count * columns.count }
}

/// The cells of `heatmap` that are `wanted`, by their places among its values, as disjoint blocks, the largest first.
///
/// Runs within a row are joined with equal runs of the rows above: a layer without scores is two
/// or three blocks, however large the matrix.
func blocks(of heatmap: Heatmap, where wanted: (Int) -> Bool) -> [CellBlock] {
  var done: [CellBlock] = []
  var growing: [Range<Int>: Int] = [:]  // columns → the first row
  for row in 0..<heatmap.rows {
    let runs = runs(inRow: row, columns: heatmap.columns, where: wanted)
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

private func runs(inRow row: Int, columns: Int, where wanted: (Int) -> Bool) -> [Range<Int>] {
  var runs: [Range<Int>] = []
  var start: Int?
  for column in 0..<columns {
    let isWanted = wanted(row * columns + column)
    if isWanted, start == nil { start = column }
    if !isWanted, let first = start {
      runs.append(first..<column)
      start = nil
    }
  }
  if let first = start { runs.append(first..<columns) }
  return runs
}
