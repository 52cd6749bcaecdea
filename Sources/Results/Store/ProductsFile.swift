import Device
import Dispatch
import Glibc
import Support

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
    return hasher.digest.hexadecimal + Self.ending
  }

  /// What names of such files end with.
  static let ending = ".products"

  /// Whether files of products have names like this one.
  static func isName(_ name: String) -> Bool {
    name.hasSuffix(ending) && Digest(hexadecimal: String(name.dropLast(ending.count))) != nil
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

  /// Reads the header of a file of `minibatch`.
  ///
  /// - Parameter layerCounts: layers of the store's models, by the keys of their matrices. Models that it
  ///   has no more may stand beside them.
  init(
    _ reader: BinaryReader, minibatch: Int, layerCounts: [Digest: Int]
  ) throws(StoreError) {
    var reader = reader
    self.minibatch = try reader.next("minibatch", as: UInt32.self, in: minibatch...minibatch)
    let most = BinaryHeader.largest
    let rowModels = try reader.next("models on the rows", as: UInt32.self, in: 1...most)
    let columnModels = try reader.next("models on the columns", as: UInt32.self, in: 1...most)
    let precisions = Precision.allCases
    precision =
      precisions[
        try reader.next("precision", as: UInt32.self, in: 0...(precisions.count - 1))]
    func sides(_ count: Int, _ name: String) throws(StoreError) -> [Side] {
      var sides: [Side] = []
      for index in 0..<count {
        let field = "model \(index + 1) on the \(name)"
        let key = try reader.nextDigest("\(field), key")
        let range = layerCounts[key].map { $0...$0 } ?? 1...Int(UInt32.max)
        let layers = try reader.next("\(field), layers", as: UInt32.self, in: range)
        sides.append(Side(key: key, layerCount: layers))
      }
      return sides
    }
    rows = try sides(rowModels, "rows")
    columns = try sides(columnModels, "columns")
    // Less than 2³⁰ models of less than 2³² layers each.
    let (cells, overflow) = rowCount.multipliedReportingOverflow(by: columnCount)
    guard !overflow, reader.numbers.count / 8 == cells, reader.numbers.count % 8 == 0 else {
      throw reader.damaged(
        "numbers", found: "\(reader.numbers.count) bytes",
        expected: "8 for each of \(rowCount) × \(columnCount) products")
    }
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
    /// Of the file's matrix.
    let rows: Range<Int>
    let columns: Range<Int>
    let isTransposed: Bool
  }

  private struct Block: Sendable {
    let path: String
    let file: ProductsFile
    let mapped: Mapping
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
  /// - Parameter layerCounts: layers of the store's models, by the keys of their matrices.
  /// - Throws: `.data` where it is damaged or its models have other layers.
  mutating func add(
    _ path: String, minibatch: Int, layerCounts: [Digest: Int]
  ) throws(StoreError) {
    let mapped = try mapFile(path)
    let reader = try BinaryReader(mapped.bytes, kind: ProductsFile.kind, path: path)
    let file = try ProductsFile(reader, minibatch: minibatch, layerCounts: layerCounts)
    try reader.checkNumbers()
    // Products of many models are more than the memory that was granted.
    mapped.advise(mapped.bytes, MADV_DONTNEED)
    let block = blocks.count
    blocks.append(
      Block(
        path: path, file: file, mapped: mapped,
        numbersOffset: mapped.bytes.count - reader.numbers.count))
    var row = 0
    for left in file.rows {
      let rows = row..<(row + left.layerCount)
      var column = 0
      for right in file.columns {
        let columns = column..<(column + right.layerCount)
        // The first file wins, in the order of names: any would do.
        let pair = Pair(minibatch: minibatch, left: left.key, right: right.key)
        if places[pair] == nil {
          places[pair] = Place(block: block, rows: rows, columns: columns, isTransposed: false)
        }
        let mirrored = Pair(minibatch: minibatch, left: right.key, right: left.key)
        if places[mirrored] == nil {
          places[mirrored] = Place(block: block, rows: rows, columns: columns, isTransposed: true)
        }
        column = columns.upperBound
      }
      row = rows.upperBound
    }
  }

  /// The products of all layers of one model with all of another, how they were computed and where they are;
  /// nil where they are not there.
  func products(
    _ minibatch: Int, _ left: Digest, _ right: Digest
  ) -> (products: Matrix<Double>, precision: Precision, path: String)? {
    guard let place = places[Pair(minibatch: minibatch, left: left, right: right)] else {
      return nil
    }
    let block = blocks[place.block]
    let stride = block.file.columnCount
    let start = block.mapped.bytes.baseAddress.map { $0 + block.numbersOffset }
    guard let numbers = start?.assumingMemoryBound(to: Double.self) else { return nil }
    let (rows, columns) =
      place.isTransposed ? (place.columns, place.rows) : (place.rows, place.columns)
    var result = Matrix(rows: rows.count, columns: columns.count, repeating: 0.0)
    for i in 0..<rows.count {
      for j in 0..<columns.count {
        let (row, column) = place.isTransposed ? (j, i) : (i, j)
        result[i, j] =
          numbers[
            (place.rows.lowerBound + row) * stride + place.columns.lowerBound + column]
      }
    }
    return (result, block.file.precision, block.path)
  }
}
