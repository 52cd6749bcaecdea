import Activations
import Device
import Features

/// What is known of some layers before the first tile of their centered Gram matrices is made.
public final class BLASGramTiles: TiledGramInput, @unchecked Sendable {
  // @unchecked: written by one thread before it is returned, but for `read`, which is locked.
  let minibatch: Minibatch
  let centering: GramCentering
  let division: TileDivision
  /// What is taken from each layer's features.
  let centers: [FeatureMeans]
  var summaries: [GramSummary]
  /// The diagonals and the row means, n numbers a layer; of a layer without a matrix none.
  var diagonals: [[Float]]
  var means: [[Float]]
  /// What turns a layer's products into RBF's values; nil for the linear kernel, and for a layer without
  /// a matrix.
  var exponentials: [Exponential?]
  /// Reading: the cores' mean.
  public internal(set) var timings = StageTimings()

  /// exp(−d²·`factor`), or that less 1.
  struct Exponential: Sendable {
    var factor: Float
    var lessOne: Bool
  }

  init(
    minibatch: Minibatch, centering: GramCentering, division: TileDivision, centers: [FeatureMeans]
  ) {
    self.minibatch = minibatch
    self.centering = centering
    self.division = division
    self.centers = centers
    summaries = centers.map {
      var summary = GramSummary.empty(isFinite: $0.isFinite, isConstant: $0.isConstant)
      if summary.hasMatrix { summary.exponent = 2 * $0.exponent }
      return summary
    }
    diagonals = centers.map { _ in [] }
    means = diagonals
    exponentials = centers.map { _ in nil }
  }

  /// Those that are finite and not constant.
  var layersWithMatrix: [Int] { summaries.indices.filter { summaries[$0].hasMatrix } }

  /// One summary a layer.
  public var layers: [GramSummary] { summaries }

  /// See `TiledGramInput`.
  public func squaredNorms(ofLayer layer: Int) -> [Float] { orZeros(diagonals[layer]) }

  /// See `TiledGramInput`.
  public func exponentOfSquares(ofLayer layer: Int) -> Int { 2 * centers[layer].exponent }

  /// See `TiledGramInput`.
  public func rowMeans(ofLayer layer: Int) -> [Float] { orZeros(means[layer]) }

  private func orZeros(_ numbers: [Float]) -> [Float] {
    numbers.isEmpty ? [Float](repeating: 0, count: minibatch.exampleCount) : numbers
  }
}

extension GramSummary {
  /// Whether there is anything but zeros.
  var hasMatrix: Bool { isFinite && !isConstant }
}

/// A part of a symmetric matrix on or below its diagonal.
struct Tile: Sendable, Hashable {
  let rows: Range<Int>
  let columns: Range<Int>

  /// Whether it lies on the diagonal: of it, only what is on and below the diagonal is made.
  var isDiagonal: Bool { rows == columns }

  /// Entries of the whole matrix that it stands for.
  var entryCount: Double {
    Double(rows.count) * Double(columns.count) * (isDiagonal ? 1 : 2)
  }

  /// The place of its first row where kernels count the rows of a tile below the diagonal from its first
  /// column (`cka_cpu_kernels_table`).
  var firstRow: Int { isDiagonal ? 0 : columns.count }

  /// Numbers that are stored before row `row` of the tile.
  func packedCount(rows row: Int, _ centering: GramCentering) -> Int {
    isDiagonal ? centering.packedCount(exampleCount: row) : row * columns.count
  }

  /// Some numbers an example as kernels want them: those of the columns, then those of the rows.
  func ordered(_ numbers: [Float]) -> [Float] {
    isDiagonal ? Array(numbers[rows]) : Array(numbers[columns]) + Array(numbers[rows])
  }

  /// All tiles of n × n, those on the diagonal first.
  static func all(exampleCount n: Int, side: Int) -> [Tile] {
    let runs = Block.runs(of: n, size: side)
    return runs.map { Tile(rows: $0, columns: $0) }
      + runs.indices.flatMap { i in
        (0..<i).map { Tile(rows: runs[i], columns: runs[$0]) }
      }
  }
}

extension FeatureMeans {
  /// Whether there are features to read.
  var varies: Bool { isFinite && !isConstant }
}
