import Device

/// How alike two networks are inside and outside of their blocks.
///
/// Layers of different networks at equal proportional depth are alike, those of blocks are not (Nguyen,
/// Raghu & Kornblith 2021, section 5): these are the means to tell by.
public struct BlockSimilarity: Sendable, Hashable {
  /// Pairs of layers of one kind.
  public struct Mean: Sendable, Hashable {
    /// The mean similarity; NaN where there are no pairs.
    public let value: Double
    /// How many pairs have a value.
    public let count: Int

    fileprivate init(_ values: [Double]) {
      let defined = values.filter { !$0.isNaN }
      value = mean(defined)
      count = defined.count
    }
  }

  /// Means by where the two layers lie.
  public struct Means: Sendable, Hashable {
    /// Both in blocks of their networks.
    public let inside: Mean
    /// One in a block, one in none.
    public let across: Mean
    /// Neither in a block.
    public let outside: Mean

    fileprivate init(_ cells: [(blocks: Int, value: Double)]) {
      func mean(_ count: Int) -> Mean { Mean(cells.filter { $0.blocks == count }.map(\.value)) }
      (inside, across, outside) = (mean(2), mean(1), mean(0))
    }
  }

  /// Over all pairs of a layer of one network and one of the other.
  public let ofAllPairs: Means
  /// Over the depths of `DepthSimilarity`; in the network with more layers, the layer nearest to the depth
  /// decides.
  public let atEqualDepth: Means

  /// - Parameters:
  ///   - cka: layers × layers, NaN where undefined.
  ///   - left: the blocks of the network of the rows.
  ///   - right: the same of the columns.
  public init(_ cka: Matrix<Double>, left: [Range<Int>], right: [Range<Int>]) {
    let rows = (0..<cka.rows).map { layer in left.contains { $0.contains(layer) } ? 1 : 0 }
    let columns = (0..<cka.columns).map { layer in right.contains { $0.contains(layer) } ? 1 : 0 }
    ofAllPairs = Means(
      cka.elements.indices.map { cell in
        (rows[cell / cka.columns] + columns[cell % cka.columns], cka.elements[cell])
      })
    let (few, many) = cka.rows <= cka.columns ? (rows, columns) : (columns, rows)
    atEqualDepth = Means(
      DepthSimilarity(cka).values.enumerated().map { layer, value in
        // i/(few − 1) · (many − 1), rounded.
        let divisor = max(few.count - 1, 1)
        let nearest = (2 * layer * (many.count - 1) + divisor) / (2 * divisor)
        return (few[layer] + many[nearest], value)
      })
  }
}
