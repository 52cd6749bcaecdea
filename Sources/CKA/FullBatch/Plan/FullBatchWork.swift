import Activations
import Device

/// An exact comparison in numbers: all that its cost depends on.
package struct FullBatchWork: Sendable, Hashable {
  /// One layer.
  package struct Layer: Sendable, Hashable {
    /// p, after pooling.
    package var featureCount: Int
    /// As stored.
    var bytesPerExample: Int
  }

  /// n.
  package var exampleCount: Int
  /// The first model's layers.
  package var left: [Layer]
  /// The second model's; nil where the first is compared with itself.
  package var right: [Layer]?
  var kernel: GramKernel
  var centering: GramCentering

  /// All layers of both models.
  package var layers: [Layer] { left + (right ?? []) }

  /// Readings of all examples before the first tile: for the means, and for the row norms.
  ///
  /// Passes over all tiles that come before those are counted apart: `preparingPasses`.
  static let readingsBefore = 2

  /// Passes over all tiles before they are made for good: RBF's row sums, and before them two counts of
  /// bits for the exact median.
  var preparingPasses: Int {
    switch kernel {
    case .linear: 0
    case .rbf(.medianMultiple): 3
    case .rbf: 1
    }
  }

  /// Whether devices make matrices of so many examples in one piece.
  var fitsOneMatrix: Bool { exampleCount <= GramKernel.mostExamplesOfOneMatrix }

  /// Examples of which RBF's median is taken, where that is a sample.
  var sampleCount: Int {
    guard case .rbf(.sampledMedianMultiple(_, let count)) = kernel else { return 0 }
    return min(count, exampleCount)
  }

  /// The room that so many features take on a side of their products: whole register tiles, and a few
  /// more numbers that keep rows from lying a large power of two apart.
  static func padded(_ features: Int) -> Int { (features + 31) / 32 * 32 + 16 }

  /// Flops of n × n Gram matrices, a triangle of each, for layers of so many features together.
  package func gramFlops(features: Double) -> Double {
    Double(exampleCount) * Double(exampleCount) * features
  }

  /// Flops of so many inner products of triangles of n × n matrices.
  package func pairFlops(pairs: Double) -> Double {
    Double(exampleCount) * Double(exampleCount) * pairs
  }

  /// Flops of ‖XᵀY‖² for pairs with so many entries of XᵀY together, of a symmetric one half of them.
  func featureFlops(entries: Double) -> Double { 2 * Double(exampleCount) * entries }
}

/// The tiles on and below the diagonal of an n × n matrix, row by row.
package struct TileGrid: Sendable {
  /// The examples of each row, and column, of tiles; as equal as multiples of 32, a register tile, can be.
  package let runs: [Range<Int>]

  /// Tiles of at most `side` examples.
  package init(exampleCount n: Int, side: Int) {
    let count = max((n + side - 1) / side, 1)
    let equal = ((n + count - 1) / count + 31) / 32 * 32
    runs = stride(from: 0, to: n, by: min(equal, side)).map { $0..<min($0 + min(equal, side), n) }
  }

  /// The longest side.
  package var side: Int { runs.first?.count ?? 0 }
  package var count: Int { runs.count * (runs.count + 1) / 2 }

  /// Entries of the whole matrix that a tile stands for.
  static func entryCount(_ rows: Range<Int>, _ columns: Range<Int>) -> Double {
    Double(rows.count) * Double(columns.count) * (rows == columns ? 1 : 2)
  }

  /// Tile `index` in order.
  package subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    var row = Int((2 * Double(index) + 0.25).squareRoot() - 0.5)
    while row * (row + 1) / 2 > index { row -= 1 }
    while (row + 1) * (row + 2) / 2 <= index { row += 1 }
    return (runs[row], runs[index - row * (row + 1) / 2])
  }
}

extension FullBatchWork {
  package init(_ comparison: Comparison) {
    func layers(_ model: any ActivationSource) -> [Layer] {
      model.layers.map {
        Layer(featureCount: $0.featureCount, bytesPerExample: $0.bytesPerExample)
      }
    }
    self.init(
      exampleCount: comparison.pairing.count, left: layers(comparison.left),
      right: comparison.right.map(layers), kernel: comparison.kernel,
      centering: comparison.estimator.centering)
  }
}
