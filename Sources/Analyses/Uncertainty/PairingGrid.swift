import Activations
import CKA
import LinearAlgebra
import Support

/// Random pairings of the examples of two layers, as cells of a grid.
///
/// A is taken in one order of the examples for each row, B in one for each column. So √count permuted copies of each
/// matrix are made, and one product of matrices has all their inner products. The order of row r is that of
/// `MinibatchPlan.permutation(of:seed:pass:)` for the pass 2r, of column c for 2c + 1; the first row and the first column
/// have the examples as they are. Any two cells but the first are independent, and the first, the true pairing, is as
/// likely to have any rank as another: see Numerics.
struct PairingGrid {
  private let grams: SquareGrams
  private let seed: UInt64
  private let count: Int
  private let rows: Int
  private let columns: Int

  /// A grid with `count` cells, at least one, beside the true pairing.
  init(_ grams: SquareGrams, count: Int, seed: UInt64) {
    (self.grams, self.count, self.seed) = (grams, count, seed)
    rows = Int(Double(count + 1).squareRoot().rounded(.up))
    columns = (count + rows) / rows
  }

  /// Orders of the rows, or of the columns, that are in memory at once.
  private static let ordersAtOnce = 256
  /// Numbers of permuted copies that are in memory at once.
  private static let numbersAtOnce = 1 << 20
  /// Rows that are multiplied together.
  private static let panel = 16

  /// The bytes that are taken of layers of `exampleCount` examples, beside those of the values.
  static func bytes(exampleCount: Double) -> Double {
    8 * Double(numbersAtOnce) + 16 * Double(ordersAtOnce) * exampleCount
  }

  /// ⟨A, PBPᵀ⟩ of each pairing. Of a grid with more cells those that `MinibatchPlan.permutation(of:seed:pass:)` has
  /// first, of all but the true pairing in the order of rows, for the pass 0.
  func products(meter: WorkMeter?) -> [Double] {
    let tiles = stride(from: 0, to: rows, by: Self.ordersAtOnce).flatMap { row in
      stride(from: 0, to: columns, by: Self.ordersAtOnce).map { (row, $0) }
    }
    meter?.begin(Double(tiles.count * terms), as: "random pairings of the cell")
    defer { meter?.end() }
    var products = [Double](repeating: 0, count: rows * columns)
    products.withUnsafeMutableBufferPointer { products in
      guard let start = products.baseAddress else { return }
      for (row, column) in tiles {
        add(
          row..<min(row + Self.ordersAtOnce, rows),
          column..<min(column + Self.ordersAtOnce, columns), to: start, meter: meter)
      }
    }
    let chosen = MinibatchPlan.permutation(of: rows * columns - 1, seed: seed, pass: 0)
    return chosen.prefix(count).map { products[$0 + 1] }
  }

  /// Numbers of the triangle of a matrix without its diagonal.
  private var terms: Int { grams.exampleCount * (grams.exampleCount - 1) / 2 }

  /// Adds the products of some rows with some columns to the grid at `products`.
  private func add(
    _ tileRows: Range<Int>, _ tileColumns: Range<Int>, to products: UnsafeMutablePointer<Double>,
    meter: WorkMeter?
  ) {
    let orders =
      tileRows.map { order($0, pass: 2 * $0) } + tileColumns.map { order($0, pass: 2 * $0 + 1) }
    let length = min(terms, Self.numbersAtOnce / orders.count)
    let copies = UnsafeMutablePointer<Double>.allocate(capacity: orders.count * length)
    defer { copies.deallocate() }
    let right = copies + tileRows.count * length
    for first in stride(from: 0, to: terms, by: length) {
      let part = first..<min(first + length, terms)
      perform(orders.count) { copy in
        Self.write(
          part, of: copy < tileRows.count ? grams.left : grams.right, in: orders[copy],
          to: copies + copy * length)
      }
      // Panels do not depend on the number of cores, and with them no bit of the products.
      perform((tileRows.count + Self.panel - 1) / Self.panel) { index in
        let row = index * Self.panel
        addProduct(
          rows: min(Self.panel, tileRows.count - row), columns: tileColumns.count,
          terms: part.count, copies + row * length, stride: length, isTransposed: false,
          right, stride: length, isTransposed: true,
          to: products + (tileRows.lowerBound + row) * columns + tileColumns.lowerBound,
          stride: columns)
      }
      meter?.add(Double(part.count))
    }
  }

  /// The order of the examples in a row or a column.
  private func order(_ index: Int, pass: Int) -> [Int] {
    index == 0
      ? Array(0..<grams.exampleCount)
      : MinibatchPlan.permutation(of: grams.exampleCount, seed: seed, pass: pass)
  }

  /// Writes the numbers `part` of the triangle of a matrix whose rows and columns are in some order, row by row.
  private static func write(
    _ part: Range<Int>, of square: [Double], in order: [Int],
    to target: UnsafeMutablePointer<Double>
  ) {
    // i(i − 1)/2 numbers come before row i.
    var i = Int((1 + Double(1 + 8 * part.lowerBound).squareRoot()) / 2)
    while i * (i - 1) / 2 > part.lowerBound { i -= 1 }
    while i * (i + 1) / 2 <= part.lowerBound { i += 1 }
    var j = part.lowerBound - i * (i - 1) / 2
    var place = 0
    square.withUnsafeBufferPointer { square in
      order.withUnsafeBufferPointer { order in
        while place < part.count {
          let row = order[i] * order.count
          let end = min(i, j + part.count - place)
          for column in j..<end { target[place + column - j] = square[row + order[column]] }
          place += end - j
          (i, j) = (i + 1, 0)
        }
      }
    }
  }
}
