import Support

/// Runs `fill` for the pieces of slab s and `multiply` for the blocks of slab s − 1 on all cores at
/// once, then `count` for slab s − 1 and `finish` for slab s, for every slab in turn.
func pipeline(
  slabs: Int, pieces: Int, blocks: Int,
  fill: @Sendable (_ slab: Int, _ piece: Int) -> Void,
  finish: (_ slab: Int) -> Bool = { _ in true },
  multiply: @Sendable (_ slab: Int, _ block: Int) -> Void,
  count: (_ slab: Int) -> Void
) {
  for step in 0...slabs {
    let pieces = step < slabs ? pieces : 0
    let blocks = step > 0 ? blocks : 0
    perform(pieces + blocks) { index in
      if index < pieces { fill(step, index) } else { multiply(step - 1, index - pieces) }
    }
    if step > 0 { count(step - 1) }
    if step < slabs, !finish(step) { return }
  }
}

/// A block of a product.
struct Block: Sendable {
  let rows: Range<Int>
  let columns: Range<Int>

  /// All blocks of a rows × columns product, or those with entries on or below the diagonal.
  static func all(rows: Int, columns: Int, side: Int, isLower: Bool) -> [Block] {
    runs(of: rows, size: side).flatMap { row in
      runs(of: columns, size: side).filter { !isLower || $0.lowerBound <= row.lowerBound }.map {
        Block(rows: row, columns: $0)
      }
    }
  }

  /// 0 ..< `count` in runs of `size`; one empty run where `count` is 0.
  static func runs(of count: Int, size: Int) -> [Range<Int>] {
    stride(from: 0, to: max(count, 1), by: size).map { $0..<min($0 + size, count) }
  }
}
