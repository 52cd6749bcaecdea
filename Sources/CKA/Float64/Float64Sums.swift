import Activations
import Device
import Support

/// Sums of HSIC in float64, for layers of which float32 leaves too little.
struct Float64Sums {
  /// Both models' layers, and how their matrices are made.
  let comparison: Comparison
  /// Bytes that may be taken beside what the process has.
  let memory: Int
  /// The sides of tiles: longer ones save reading, shorter ones make room for more layers.
  var leastSide = 128
  var mostSide = MemoryModel.mostSide
  /// The side below which room for more layers is not worth it.
  private static let usefulSide = 1024

  /// Layers of the first model with layers of the second; of one model, with each other.
  struct Block {
    let rows: [Int]
    let columns: [Int]
  }

  /// A layer of one of the models.
  private struct Place: Hashable {
    let isRight: Bool
    let layer: Int
  }

  private var mostExamples: Int { comparison.plan.batches.largest }

  /// `rows` × `columns` in blocks whose matrices fit the memory, each to be made by itself.
  func blocks(rows: [Int], columns: [Int]) -> [Block] {
    let all = places(Block(rows: rows, columns: columns)).count
    let side = side(all)
    let most = max((memory - Float64Workspace.bytes(side: side)) / (8 * side * side), 2)
    guard all > most else { return [Block(rows: rows, columns: columns)] }
    let height = min(rows.count, max(most / 2, 1))
    let width = max(most - height, 1)
    func runs(_ layers: [Int], _ size: Int) -> [[Int]] {
      guard !layers.isEmpty else { return [[]] }
      return stride(from: 0, to: layers.count, by: size).map {
        Array(layers[$0..<min($0 + size, layers.count)])
      }
    }
    return runs(rows, max(height, 1)).flatMap { rows in
      runs(columns, width).map { Block(rows: rows, columns: $0) }
    }
  }

  /// The side of tiles of so many layers: all examples where they fit.
  private func side(_ layers: Int) -> Int {
    func fits(_ side: Int, _ layers: Int) -> Bool {
      8 * layers * side * side + Float64Workspace.bytes(side: side) <= memory
    }
    if fits(mostExamples, layers) { return mostExamples }
    var side = mostSide
    while side > Self.usefulSide, !fits(side, layers) { side /= 2 }
    while side > leastSide, !fits(side, 2) { side /= 2 }
    return min(side, mostExamples)
  }

  private func places(_ block: Block) -> [Place] {
    let rows = block.rows.map { Place(isRight: false, layer: $0) }
    let columns = block.columns.map { Place(isRight: comparison.right != nil, layer: $0) }
    let own = Set(rows)
    return rows + columns.filter { !own.contains($0) }
  }

  /// What the comparison's meter will hear of the sums of a block over so many minibatches.
  func flops(_ block: Block, minibatches: Int) -> Double {
    let places = places(block)
    return (0..<minibatches).reduce(0) { sum, index in
      let n = comparison.plan.batches.size(of: index)
      let grid = TileGrid(exampleCount: n, side: side(places.count))
      let grams = places.reduce(0) {
        $0
          + Float64Gram.flops(
            of: layers($1)[$1.layer], exampleCount: n, kernel: comparison.kernel, grid: grid,
            writes: 1)
      }
      let products = block.rows.count * block.columns.count + places.count
      return sum + grams + Double(n) * Double(n) * Double(products)
    }
  }

  private func layers(_ place: Place) -> [LayerActivations] {
    (place.isRight ? comparison.right ?? comparison.left : comparison.left).layers
  }

  /// The sums of a block over the first so many minibatches, for each of `points`, which ascend.
  func sums(_ block: Block, points: [Int]) throws(DeviceError) -> [HSICSums] {
    var total: HSICSums?
    var found: [HSICSums] = []
    for (index, batch) in comparison.plan.batches.prefix(points.last ?? 0).enumerated() {
      do throws(ActivationReadError) {
        let sums = try sums(block, of: batch)
        if total?.merge(sums) == nil { total = sums }
      } catch { throw DeviceError(error) }
      if let total, points[found.count] == index + 1 { found.append(total) }
    }
    return found
  }

  private func sums(_ block: Block, of batch: [Int]) throws(ActivationReadError) -> HSICSums {
    let (left, right) = comparison.minibatches(batch)
    let centering = comparison.estimator.centering
    let places = places(block)
    let grid = TileGrid(exampleCount: batch.count, side: side(places.count))
    let workspace = Float64Workspace(side: grid.side, meter: comparison.meter)
    let most = Float64Gram.tileCount(rows: grid.runs[0], columns: grid.runs[0], .biased)
    let room = grid.count == 1 ? most : grid.side * grid.side
    let tiles = UnsafeMutablePointer<Double>.allocate(capacity: places.count * room)
    defer { tiles.deallocate() }

    var grams: [Float64Gram] = []
    for (index, place) in places.enumerated() {
      let minibatch = place.isRight ? right ?? left : left
      let gram = try Float64Gram(
        of: minibatch.layers[place.layer], examples: minibatch.examples,
        kernel: comparison.kernel, centering: centering, grid: grid, in: workspace)
      if grid.count == 1 { try gram.write(tile: 0, to: tiles + index * room, in: workspace) }
      grams.append(gram)
    }
    let numbers = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
    let rows = block.rows.compactMap { numbers[Place(isRight: false, layer: $0)] }
    let columns = block.columns.compactMap {
      numbers[Place(isRight: comparison.right != nil, layer: $0)]
    }
    var products = Matrix<Double>(rows: rows.count, columns: columns.count, repeating: 0)
    var squares = [Double](repeating: 0, count: places.count)
    for index in 0..<grid.count {
      let tile = grid[index]
      if grid.count > 1 {
        for (place, gram) in grams.enumerated() {
          try gram.write(tile: index, to: tiles + place * room, in: workspace)
        }
      }
      let count = Float64Gram.tileCount(rows: tile.rows, columns: tile.columns, centering)
      nonisolated(unsafe) let numbers = tiles
      let found = concurrentMap(0..<(rows.count * columns.count)) { cell in
        dot(
          numbers + rows[cell / columns.count] * room,
          numbers + columns[cell % columns.count] * room, count)
      }
      for cell in found.indices { products.elements[cell] += found[cell] }
      let own = concurrentMap(0..<squares.count) { place in
        dot(numbers + place * room, numbers + place * room, count)
      }
      for place in own.indices { squares[place] += own[place] }
      comparison.meter?.add(
        TileGrid.entryCount(tile.rows, tile.columns)
          * Double(found.count + own.count))
    }
    return HSICSums(
      exampleCount: batch.count, centering: centering, left: rows.map { grams[$0].summary },
      right: columns.map { grams[$0].summary }, products: products,
      leftSquares: rows.map { squares[$0] }, rightSquares: columns.map { squares[$0] })
  }
}
