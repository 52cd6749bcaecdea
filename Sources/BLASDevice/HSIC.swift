import COpenBLAS
import Device
import Dispatch

extension BLASDevice {
  /// All pairs as products of tiles of layers: float32 over short runs of the packed triangle,
  /// float64 from run to run.
  public func innerProducts(
    _ left: BLASGramStack, _ right: BLASGramStack
  ) throws(DeviceError) -> Matrix<Double> {
    precondition(left.packedCount == right.packedCount, "the stacks have different examples")
    let rows = left.summaries.count
    let columns = right.summaries.count
    let isSymmetric = left === right
    let rowTiles = tiles(of: rows)
    let columnTiles = tiles(of: columns)
    let pairs = rowTiles.indices.flatMap { row in
      columnTiles.indices.filter { !isSymmetric || $0 <= row }.map { (row, $0) }
    }
    var result = Matrix<Double>(rows: rows, columns: columns, repeating: 0)
    result.elements.withUnsafeMutableBufferPointer { elements in
      nonisolated(unsafe) let elements = elements
      DispatchQueue.concurrentPerform(iterations: pairs.count) { index in
        let (row, column) = pairs[index]
        let rowRange = rowTiles[row]
        let columnRange = columnTiles[column]
        let tile = product(left, rowRange, right, columnRange)
        for (i, layer) in rowRange.enumerated() {
          for (j, other) in columnRange.enumerated() where !isSymmetric || other <= layer {
            let value = tile[i * columnRange.count + j]
            elements[layer * columns + other] = value
            if isSymmetric { elements[other * columns + layer] = value }
          }
        }
      }
    }
    return result
  }

  /// See `Device`: the diagonals of the tiles that `innerProducts` makes.
  public func squaredNorms(_ stack: BLASGramStack) throws(DeviceError) -> [Double] {
    let tiles = tiles(of: stack.summaries.count)
    var norms = [Double](repeating: 0, count: stack.summaries.count)
    norms.withUnsafeMutableBufferPointer { norms in
      nonisolated(unsafe) let norms = norms
      DispatchQueue.concurrentPerform(iterations: tiles.count) { index in
        let tile = tiles[index]
        let products = product(stack, tile, stack, tile)
        for (i, layer) in tile.enumerated() { norms[layer] = products[i * (tile.count + 1)] }
      }
    }
    return norms
  }

  /// Layers a side of a tile, and numbers of the packed triangle a float32 sum: 1,024 products of
  /// numbers below 1 lose at most a few 2⁻²⁴ of their norms (see `Documentation/Numerics.md`).
  private static let tileSide = 32
  private static let runLength = 1024

  private func tiles(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: Self.tileSide).map { $0..<min($0 + Self.tileSide, count) }
  }

  private func product(
    _ left: BLASGramStack, _ rows: Range<Int>, _ right: BLASGramStack, _ columns: Range<Int>
  ) -> [Double] {
    let count = rows.count * columns.count
    var sums = [Double](repeating: 0, count: count)
    var partial = [Float](repeating: 0, count: count)
    for start in stride(from: 0, to: left.packedCount, by: Self.runLength) {
      let length = min(Self.runLength, left.packedCount - start)
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows.count), blasint(columns.count),
        blasint(length), 1, left.row(rows.lowerBound) + start, blasint(left.packedCount),
        right.row(columns.lowerBound) + start, blasint(left.packedCount), 0, &partial,
        blasint(columns.count))
      for index in 0..<count { sums[index] += Double(partial[index]) }
    }
    return sums
  }
}
