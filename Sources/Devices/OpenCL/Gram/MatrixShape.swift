import Device

/// Which part of a centered Gram matrix is stored, and in which order.
struct MatrixShape: Sendable, Hashable {
  /// The numbers of each layer.
  enum Part: Sendable, Hashable {
    /// The packed lower triangle of the matrix of so many examples.
    case triangle(Int)
    /// All entries of a tile below the diagonal, row by row.
    case rectangle(rows: Int, columns: Int)
  }

  let part: Part
  let centering: GramCentering

  /// The examples that the entries are made of: those of the rows, then those of other columns.
  var exampleCount: Int {
    switch part {
    case .triangle(let examples): examples
    case .rectangle(let rows, let columns): rows + columns
    }
  }

  /// Rows and columns as the kernels are told: a triangle has no columns of its own.
  var extent: (rows: Int, columns: Int) {
    switch part {
    case .triangle(let examples): (examples, 0)
    case .rectangle(let rows, let columns): (rows, columns)
    }
  }

  /// Entries of the whole matrix that it stands for.
  var entryCount: Double {
    switch part {
    case .triangle(let examples): Double(examples) * Double(examples)
    case .rectangle(let rows, let columns): 2 * Double(rows) * Double(columns)
    }
  }

  /// How many tiles of gram.cl cover the numbers.
  func tileCount(side: Int) -> Int {
    func tiles(_ count: Int) -> Int { (count + side - 1) / side }
    switch part {
    case .triangle(let examples): return tiles(examples) * (tiles(examples) + 1) / 2
    case .rectangle(let rows, let columns): return tiles(rows) * tiles(columns)
    }
  }

  /// Numbers of a layer.
  var count: Int {
    switch part {
    case .triangle(let examples): centering.packedCount(exampleCount: examples)
    case .rectangle(let rows, let columns): rows * columns
    }
  }

  /// Numbers from layer to layer: the kernels load 32 of them at a time, the last of them zeros.
  var layerStride: Int { max(count, 1).roundedUp(to: 32) }
}
