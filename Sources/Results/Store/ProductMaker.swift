import Activations
import CKA
import Device

/// Multiplies the Gram matrices of many models of one minibatch, groups of them at a time.
struct ProductMaker {
  /// One model's matrices, by the place of the model in the sweep.
  struct Model: Sendable {
    let side: ProductsFile.Side
    let place: Int
  }

  /// Layers of a group of models: so many that the device multiplies at full speed, so few that sums of
  /// all pairs of a group stay small.
  static let groupSize = 2048

  /// What is computed at once: products of some models' layers with others' or, without `columns`, among
  /// themselves.
  struct Block: Hashable {
    let rows: [Int]
    let columns: [Int]?
  }

  /// The blocks that hold all pairs of models for which `isKnown` does not say that they are there.
  ///
  /// - Parameter layerCounts: of every model, in the sweep's order.
  static func blocks(layerCounts: [Int], isKnown: (Int, Int) -> Bool) -> [Block] {
    var groups: [[Int]] = []
    var size = 0
    for (model, count) in layerCounts.enumerated() {
      if groups.isEmpty || size + count > groupSize {
        groups.append([])
        size = 0
      }
      groups[groups.count - 1].append(model)
      size += count
    }
    var blocks: [Block] = []
    for (index, rows) in groups.enumerated() {
      // New models are multiplied with each other, then with those that were there.
      let new = rows.filter { !isKnown($0, $0) }
      if !new.isEmpty { blocks.append(Block(rows: new, columns: nil)) }
      var left: Set<Int> = []
      var right: Set<Int> = []
      for (place, b) in rows.enumerated() {
        for a in rows[..<place] where !isKnown(a, b) {
          let (isNewA, isNewB) = (new.contains(a), new.contains(b))
          if isNewA, isNewB { continue }
          left.insert(isNewA ? a : b)
          right.insert(isNewA ? b : a)
        }
      }
      if !left.isEmpty { blocks.append(Block(rows: left.sorted(), columns: right.sorted())) }
      for columns in groups[(index + 1)...] {
        let rows = rows.filter { row in columns.contains { !isKnown(row, $0) } }
        let columns = columns.filter { column in rows.contains { !isKnown($0, column) } }
        if !rows.isEmpty { blocks.append(Block(rows: rows, columns: columns)) }
      }
    }
    return blocks
  }

  /// Bytes that may be taken.
  let memory: Int
  let packedCount: Int
  let storePrecision: SweepSettings.StorePrecision
  /// Hears of the products.
  let meter: WorkMeter?

  /// Multiplications and additions of a block.
  func flops(_ block: Block, layerCounts: [Int]) -> Double {
    func layers(_ models: [Int]) -> Double { Double(models.reduce(0) { $0 + layerCounts[$1] }) }
    let pairs = layers(block.rows) * (block.columns.map(layers) ?? layers(block.rows) / 2)
    return 2 * pairs * Double(packedCount)
  }

  /// Bytes that comparing `layers` layers with as many takes: two stacks, with room to widen one, sums in
  /// four lanes, the result, its place among others, and the one before, which is still being written.
  static func bytes(layers: Int, packedCount: Int) -> Int {
    3 * layers * packedCount * MemoryLayout<Float>.size + 7 * layers * layers * 8
  }

  /// How many layers of each side are compared at once.
  private var layersAtATime: Int {
    var layers = Self.groupSize
    while layers > 1, Self.bytes(layers: layers, packedCount: packedCount) > memory { layers /= 2 }
    return layers
  }

  /// The products of all layers of `rows` with all of `columns`, or among themselves.
  ///
  /// - Parameter open: maps one model's matrices.
  func products<D: PackedDevice>(
    rows: [Model], columns: [Model]?, on device: D, cache: inout StackCache<D>,
    open: (Model) throws -> StoredGrams
  ) throws -> Matrix<Double> {
    let rowSlices = slices(rows)
    let columnSlices = columns.map(slices) ?? rowSlices
    func count(_ slices: [[Slice]]) -> Int {
      slices.joined().reduce(0) { $0 + $1.layers.count }
    }
    var result = Matrix(rows: count(rowSlices), columns: count(columnSlices), repeating: 0.0)
    var row = 0
    for (i, left) in rowSlices.enumerated() {
      let leftStack = try cache.stack(left) { try stack(left, on: device, open: open) }
      var column = 0
      for (j, right) in columnSlices.enumerated() {
        if columns == nil, j > i { break }
        let isDiagonal = columns == nil && i == j
        let rightStack = isDiagonal ? leftStack : try stack(right, on: device, open: open)
        let part = try device.innerProducts(leftStack, rightStack)
        if rowSlices.count == 1, columnSlices.count == 1 { return part }
        for a in 0..<part.rows {
          for b in 0..<part.columns {
            result[row + a, column + b] = part[a, b]
            if columns == nil { result[column + b, row + a] = part[a, b] }
          }
        }
        column += right.reduce(0) { $0 + $1.layers.count }
      }
      row += left.reduce(0) { $0 + $1.layers.count }
    }
    return result
  }

  /// Some layers of one model.
  struct Slice: Hashable {
    let place: Int
    let key: Digest
    let layers: Range<Int>
  }

  /// All layers of `models`, divided into runs that are compared at once.
  private func slices(_ models: [Model]) -> [[Slice]] {
    var result: [[Slice]] = [[]]
    var room = layersAtATime
    for model in models {
      var first = 0
      while first < model.side.layerCount {
        if room == 0 {
          result.append([])
          room = layersAtATime
        }
        let count = min(room, model.side.layerCount - first)
        result[result.count - 1].append(
          Slice(place: model.place, key: model.side.key, layers: first..<(first + count)))
        first += count
        room -= count
      }
    }
    return result
  }

  private func stack<D: PackedDevice>(
    _ slices: [Slice], on device: D, open: (Model) throws -> StoredGrams
  ) throws -> D.Stack {
    let count = slices.reduce(0) { $0 + $1.layers.count }
    let isWidened = storePrecision == .float16
    let memory = PackedTriangles<Float>(layers: isWidened ? count : 0, count: packedCount)
    var layers: [GramSummary] = []
    var numbers: [UnsafePointer<Float>] = []
    var files: [StoredGrams] = []
    for slice in slices {
      let file = try open(
        Model(side: .init(key: slice.key, layerCount: slice.layers.count), place: slice.place))
      numbers += file.numbers(
        of: slice.layers,
        widenedInto: isWidened ? memory.start(ofLayer: layers.count) : nil)
      layers += file.file.layers[slice.layers]
      files.append(file)
    }
    guard let first = files.first else {
      preconditionFailure("a block of models without layers: no store takes one")
    }
    return try device.gramStack(
      of: PackedGrams(
        exampleCount: first.file.exampleCount, centering: first.file.centering, layers: layers,
        numbers: numbers, owner: Owners(files: files, memory: memory), meter: meter))
  }

  /// What keeps a stack's numbers alive.
  private final class Owners {
    let files: [StoredGrams]
    let memory: PackedTriangles<Float>

    init(files: [StoredGrams], memory: PackedTriangles<Float>) {
      self.files = files
      self.memory = memory
    }
  }
}

/// The last stack of rows, which the next block often has, too.
struct StackCache<D: PackedDevice> {
  private var slices: [ProductMaker.Slice] = []
  private var last: D.Stack?

  mutating func stack(
    _ wanted: [ProductMaker.Slice], make: () throws -> D.Stack
  ) throws -> D.Stack {
    if let last, slices == wanted { return last }
    // The old one goes before the new one comes.
    last = nil
    let stack = try make()
    (slices, last) = (wanted, stack)
    return stack
  }
}
