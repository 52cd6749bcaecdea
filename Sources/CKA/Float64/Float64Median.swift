import Activations
import Support
import Synchronization

/// The median of all n² squared distances, n zeros and each pair twice; of an even count the mean of the
/// two middle ones.
///
/// Exact, whatever the tiles: up to 11 bits of the middle numbers' patterns are found at a time, the upper
/// ones first, by counting those of all entries in six passes.
func medianOfSquaredDistances(
  _ products: Float64Products, _ grid: TileGrid, in workspace: Float64Workspace
) throws(ActivationReadError) -> Double {
  let n = products.examples.count
  // The place among the pairs of the number at `rank` of all; one of the zeros has none.
  func place(_ rank: Int) -> Int? { rank < n ? nil : (rank - n) / 2 }
  let ranks = [place((n * n - 1) / 2), place(n * n / 2)]
  var searches = ranks.map { $0.map { Search(rank: $0) } }
  for (shift, width) in [(53, 11), (42, 11), (31, 11), (20, 11), (9, 11), (0, 9)] {
    var counts: [UInt64: [Int]] = [:]
    for case let search? in searches {
      counts[search.prefix] = [Int](repeating: 0, count: 1 << width)
    }
    for index in 0..<grid.count {
      let (rows, columns) = grid[index]
      // An only tile stays where it is.
      if shift == 53 || grid.count > 1 {
        try products.fill(workspace, rows: rows, columns: columns, areDistances: true)
      }
      for prefix in counts.keys {
        let found = count(workspace, rows, columns, shift: shift, width: width, prefix: prefix)
        counts[prefix] = counts[prefix].map { zip($0, found).map { $0 + $1 } }
      }
    }
    for index in searches.indices {
      guard let prefix = searches[index]?.prefix, let found = counts[prefix] else { continue }
      searches[index]?.narrow(by: found, width: width)
    }
  }
  let values = searches.map { $0.map { Double(bitPattern: $0.prefix) } ?? 0 }
  return values[0] + (values[1] - values[0]) / 2
}

/// A number that is known by its rank among those whose first bits are `prefix`.
private struct Search {
  var rank: Int
  var prefix: UInt64 = 0

  mutating func narrow(by counts: [Int], width: Int) {
    for (bits, count) in counts.enumerated() where count > 0 {
      if rank < count {
        prefix = prefix << UInt64(width) | UInt64(bits)
        return
      }
      rank -= count
    }
    preconditionFailure("a rank past the last number")
  }
}

/// Counts the `width` bits from `shift` on of the entries whose bits above those are `prefix`.
private func count(
  _ workspace: Float64Workspace, _ rows: Range<Int>, _ columns: Range<Int>, shift: Int,
  width digits: Int, prefix: UInt64
) -> [Int] {
  let isDiagonal = rows == columns
  nonisolated(unsafe) let entries = workspace.entries
  let runs = stride(from: 0, to: rows.count, by: 1024).map { $0..<min($0 + 1024, rows.count) }
  let width = columns.count
  let parts = concurrentMap(0..<runs.count) { run in
    var own = [Int](repeating: 0, count: 1 << digits)
    own.withUnsafeMutableBufferPointer { own in
      for a in runs[run] {
        for b in 0..<(isDiagonal ? a : width) {
          let bits = entries[a * width + b].bitPattern
          if bits >> UInt64(shift + digits) == prefix {
            own[Int(bits >> UInt64(shift)) & (1 << digits - 1)] += 1
          }
        }
      }
    }
    return own
  }
  return parts.dropFirst().reduce(parts[0]) { zip($0, $1).map { $0 + $1 } }
}
