import Device
import Dispatch
import Foundation

/// The inner products of some models' Gram matrices with those of others, of one minibatch: a file.
///
/// After the common header (`BinaryHeader`): minibatch (from 0), row models, column models and
/// precision (as in `GramFile`), each 4 bytes; then for every row model and every column model its key
/// and its layers, 20 bytes. The numbers: float64, all layers of the row models × all layers of the
/// column models, row by row.
struct ProductsFile: Sendable {
  static let kind = "CKAPROD1"

  /// Some models' layers, one after another along one side.
  struct Side: Sendable, Hashable {
    let key: Digest
    let layerCount: Int
  }

  let minibatch: Int
  let precision: Precision
  let rows: [Side]
  let columns: [Side]

  var rowCount: Int { rows.reduce(0) { $0 + $1.layerCount } }
  var columnCount: Int { columns.reduce(0) { $0 + $1.layerCount } }

  /// What the file is called: the same for the same models in the same places.
  var name: String {
    let hasher = Hasher128()
    hasher.update(minibatch)
    for side in [rows, columns] {
      hasher.update(side.count)
      for model in side { hasher.update(model.key) }
    }
    return hasher.digest.hexadecimal + ".products"
  }

  var header: BinaryHeader {
    var header = BinaryHeader(kind: Self.kind)
    let index = Precision.allCases.firstIndex(of: precision) ?? 0
    for number in [minibatch, rows.count, columns.count, index] { header.append(UInt32(number)) }
    for model in rows + columns {
      header.append(model.key)
      header.append(UInt32(model.layerCount))
    }
    return header
  }

  init(minibatch: Int, precision: Precision, rows: [Side], columns: [Side]) {
    self.minibatch = minibatch
    self.precision = precision
    self.rows = rows
    self.columns = columns
  }

  /// Reads the header; nil where it is damaged.
  init?(_ reader: BinaryReader) {
    var reader = reader
    guard let minibatch = reader.next(UInt32.self), let rows = reader.next(UInt32.self),
      let columns = reader.next(UInt32.self), let precision = reader.next(UInt32.self),
      precision < Precision.allCases.count
    else { return nil }
    var sides: [Side] = []
    for _ in 0..<(Int(rows) + Int(columns)) {
      guard let key = reader.nextDigest(), let count = reader.next(UInt32.self) else { return nil }
      sides.append(Side(key: key, layerCount: Int(count)))
    }
    self.init(
      minibatch: Int(minibatch), precision: Precision.allCases[Int(precision)],
      rows: Array(sides.prefix(Int(rows))), columns: Array(sides.suffix(Int(columns))))
    guard reader.numbers.count == rowCount * columnCount * 8 else { return nil }
  }

  /// Writes the products into `folder`.
  func write(_ products: Matrix<Double>, in folder: String) throws(StoreError) {
    var header = header
    let result = products.elements.withUnsafeBytes { numbers -> Result<Void, StoreError> in
      header.seal(numbersSize: numbers.count, numbersChecksum: checksum(numbers))
      return Result { () throws(StoreError) in
        let file = try NewFile("\(folder)/\(name)")
        try file.write(numbers, at: header.bytes.count)
        try header.bytes.withUnsafeBytes { bytes -> Result<Void, StoreError> in
          Result { () throws(StoreError) in try file.write(bytes, at: 0) }
        }.get()
        try file.finish()
      }
    }
    try result.get()
  }
}

/// Products on their way to the disk while the next are made.
final class BackgroundWrite: @unchecked Sendable {
  // @unchecked: `result` is written before the group is left, and read after.
  let file: ProductsFile
  private let group = DispatchGroup()
  private var result: Result<Void, StoreError> = .success(())

  init(_ file: ProductsFile, _ products: Matrix<Double>, in folder: String) {
    self.file = file
    DispatchQueue.global().async(group: group) { [self] in
      result = Result { () throws(StoreError) in try file.write(products, in: folder) }
    }
  }

  /// Waits until the file is on the disk.
  func finish() throws(StoreError) {
    group.wait()
    try result.get()
  }
}

/// All products of one or more minibatches that are there, found by the models' keys.
struct ProductIndex: Sendable {
  /// Two models' matrices of one minibatch.
  struct Pair: Hashable, Sendable {
    let minibatch: Int
    let left: Digest
    let right: Digest
  }

  private struct Place: Sendable {
    let block: Int
    let row: Int
    let column: Int
    let isTransposed: Bool
  }

  private struct Block: Sendable {
    let path: String
    let file: ProductsFile
    let mapped: MappedBytes
    let numbersOffset: Int
  }

  private var blocks: [Block] = []
  private var places: [Pair: Place] = [:]

  /// Whether the products of a pair are there.
  func contains(_ minibatch: Int, _ left: Digest, _ right: Digest) -> Bool {
    places[Pair(minibatch: minibatch, left: left, right: right)] != nil
  }

  /// The files of a minibatch that hold no pair of models with these keys.
  func unusedFiles(_ minibatch: Int, keys: Set<Digest>) -> [String] {
    func isUsed(_ side: [ProductsFile.Side]) -> Bool { side.contains { keys.contains($0.key) } }
    return blocks.filter {
      $0.file.minibatch == minibatch && !(isUsed($0.file.rows) && isUsed($0.file.columns))
    }.map(\.path)
  }

  /// Adds the products of the file at `path`.
  ///
  /// - Throws: `.data` where it is damaged.
  mutating func add(_ path: String, minibatch: Int) throws(StoreError) {
    let mapped = try MappedBytes(path)
    guard let reader = BinaryReader(mapped.bytes, kind: ProductsFile.kind),
      let file = ProductsFile(reader), file.minibatch == minibatch
    else { throw StoreError(.data, path, "is damaged: expected whole products") }
    guard reader.numbersAreWhole else {
      throw StoreError(.data, path, "is damaged: its checksum is another")
    }
    // Products of many models are more than the memory that was granted.
    mapped.evict()
    let block = blocks.count
    blocks.append(
      Block(
        path: path, file: file, mapped: mapped,
        numbersOffset: mapped.bytes.count - reader.numbers.count))
    var row = 0
    for left in file.rows {
      var column = 0
      for right in file.columns {
        // The first file wins, in the order of names: any would do.
        let pair = Pair(minibatch: minibatch, left: left.key, right: right.key)
        if places[pair] == nil {
          places[pair] = Place(block: block, row: row, column: column, isTransposed: false)
        }
        let mirrored = Pair(minibatch: minibatch, left: right.key, right: left.key)
        if places[mirrored] == nil {
          places[mirrored] = Place(block: block, row: row, column: column, isTransposed: true)
        }
        column += right.layerCount
      }
      row += left.layerCount
    }
  }

  /// The products of `rows` layers of one model with `columns` of another, and how they were made.
  func products(
    _ minibatch: Int, _ left: Digest, rows: Int, _ right: Digest, columns: Int
  ) -> (products: Matrix<Double>, precision: Precision)? {
    guard let place = places[Pair(minibatch: minibatch, left: left, right: right)] else {
      return nil
    }
    let block = blocks[place.block]
    let stride = block.file.columnCount
    let start = block.mapped.bytes.baseAddress.map { $0 + block.numbersOffset }
    guard let numbers = start?.assumingMemoryBound(to: Double.self) else { return nil }
    var result = Matrix(rows: rows, columns: columns, repeating: 0.0)
    for i in 0..<rows {
      for j in 0..<columns {
        let (row, column) = place.isTransposed ? (j, i) : (i, j)
        result[i, j] = numbers[(place.row + row) * stride + place.column + column]
      }
    }
    return (result, block.file.precision)
  }
}
