import Activations
import Device
import Dispatch
import Features
import Synchronization

/// What all cores together need to make the Gram matrix of one layer of a large minibatch: a matrix
/// a core would not fit the caches, nor, on machines with many cores, the memory.
final class SharedWorkspace: @unchecked Sendable {
  // @unchecked: pieces, blocks and runs of rows are handed out to one thread each.
  let gram: GramMatrix
  /// One slab is filled while the other is multiplied.
  let slabs: [PooledFloats]
  /// Rows from files, for each piece of a slab.
  let stages = (0..<pieceCount).map { _ in FeatureStage() }

  /// Each slab has a piece of the layer's first quarter, one of its second, and so on, so that
  /// each piece is read by a reader of its own that goes straight on.
  static let pieceCount = 4
  /// Features of a piece, at most. As many products as a slab has are added in registers before the
  /// matrix is touched.
  static let pieceWidth = 128

  init(exampleCount: Int, rowUnit: Int, pool: MemoryPool) throws(DeviceError) {
    gram = try GramMatrix(
      exampleCount: exampleCount, rowUnit: rowUnit, isShared: true, pool: pool)
    let (rows, width) = (gram.rowCount, Self.pieceCount * Self.pieceWidth)
    slabs = [
      try PooledFloats(rows, width, for: "a slab of features", from: pool),
      try PooledFloats(rows, width, for: "a slab of features", from: pool),
    ]
  }
}

extension BLASDevice {
  /// Fills `workspace.gram` with the Gram matrix of a layer's centered features, on all cores.
  ///
  /// - Parameter observe: hears how many more features are multiplied, slab by slab.
  func gram(
    of layer: LayerActivations, examples: [Int], in workspace: SharedWorkspace, clock: ReadClock,
    observe: (_ features: Int) -> Void
  ) throws(ActivationReadError) {
    let n = examples.count
    let gram = workspace.gram
    gram.clear()
    let p = layer.featureCount
    let pieceCount = SharedWorkspace.pieceCount
    let pieceWidth = min(SharedWorkspace.pieceWidth, max((p + pieceCount - 1) / pieceCount, 1))
    let width = pieceCount * pieceWidth
    let slabCount = max((p + width - 1) / width, 1)
    let quarter = slabCount * pieceWidth
    let pieces = workspace.stages.enumerated().map { index, stage in
      Piece(
        reader: FeatureReader(
          layer: layer, examples: examples, kernels: multiplier.table, stage: stage,
          mappedBytes: 64 << 20),
        width: pieceWidth, features: min(index * quarter, p)..<min((index + 1) * quarter, p))
    }
    let blocks = Block.all(
      rows: n, columns: n, side: n >= 4096 ? 256 : 128, isLower: true)
    let failure = Mutex<ActivationReadError?>(nil)
    // Whether a slab has anything to multiply.
    let varies = Mutex([Bool](repeating: false, count: slabCount))
    let least = Mutex<Int?>(nil)
    var multiplied = 0
    // Those that are not read where one is not finite.
    defer { observe(p - multiplied) }

    pipeline(
      slabs: slabCount, pieces: pieces.count, blocks: blocks.count,
      fill: { slab, index in
        do throws(ActivationReadError) {
          try clock.measure { () throws(ActivationReadError) in
            try pieces[index].fill(
              workspace.slabs[slab % 2].start, rows: gram.rowCount, slab: slab, piece: index,
              with: multiplier, leastExponent: least.withLock { $0 })
          }
        } catch {
          failure.withLock { $0 = error }
        }
      },
      finish: { slab in
        guard failure.withLock({ $0 }) == nil else { return false }
        let found = pieces.compactMap(\.found)
        guard found.allSatisfy(\.isFinite) else {
          gram.markNotFinite()
          return false
        }
        guard let exponent = found.filter({ !$0.isConstant }).map(\.exponent).max() else {
          return true
        }
        varies.withLock { $0[slab] = true }
        gram.raise(to: 2 * exponent)
        least.withLock { $0 = gram.exponent / 2 }
        for (index, piece) in pieces.enumerated() {
          piece.lower(
            in: workspace.slabs[slab % 2].start, rows: gram.rowCount, piece: index,
            with: multiplier, to: gram.exponent / 2)
        }
        return true
      },
      multiply: { slab, index in
        guard varies.withLock({ $0[slab] }) else { return }
        let (rows, columns) = (blocks[index].rows, blocks[index].columns)
        let numbers = workspace.slabs[slab % 2].start
        multiplier.multiply(
          numbers + rows.lowerBound * width, rows: rows.count,
          numbers + columns.lowerBound * width, columns: columns.count, count: width,
          isLower: rows == columns,
          into: gram.start + rows.lowerBound * gram.stride + columns.lowerBound,
          stride: gram.stride)
      },
      count: { _ in
        let features = min(width, p - multiplied)
        multiplied += features
        observe(features)
      })
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// The features of one quarter of a layer, a piece of a slab at a time.
  private final class Piece: @unchecked Sendable {
    // @unchecked: used by one thread at a time.
    private var reader: FeatureReader
    private let width: Int
    private let features: Range<Int>
    /// What the newest piece was like; nil where there were no features left.
    private(set) var found: SlabStatistics?

    init(reader: consuming FeatureReader, width: Int, features: Range<Int>) {
      self.reader = reader
      self.width = width
      self.features = features
    }

    /// Fills this piece of a slab, with zeros where the quarter has no more features.
    func fill(
      _ slab: UnsafeMutablePointer<Float>, rows: Int, slab number: Int, piece: Int,
      with multiplier: GEMMBackend, leastExponent: Int?
    ) throws(ActivationReadError) {
      let first = min(features.lowerBound + number * width, features.upperBound)
      let range = first..<min(first + width, features.upperBound)
      let count = SharedWorkspace.pieceCount * width
      found = nil
      if range.count < width {
        multiplier.scale(
          slab, rows: rows, count: count,
          features: (piece * width + range.count)..<((piece + 1) * width), by: 0)
      }
      guard !range.isEmpty else { return }
      found = try multiplier.fill(
        slab, count: count, at: piece * width, with: &reader, range, leastExponent: leastExponent)
    }

    /// Brings this piece of a slab to units of 2^`exponent`.
    func lower(
      in slab: UnsafeMutablePointer<Float>, rows: Int, piece: Int, with multiplier: GEMMBackend,
      to exponent: Int
    ) {
      guard let found, !found.isConstant, found.exponent < exponent else { return }
      multiplier.scale(
        slab, rows: rows, count: SharedWorkspace.pieceCount * width,
        features: (piece * width)..<((piece + 1) * width),
        by: powerOfTwo(found.exponent - exponent))
    }
  }
}
