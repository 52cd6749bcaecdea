import Device
import Support
import Synchronization

extension BLASDevice {
  /// All pairs: float32 over short runs of the packed triangle and over some of those, then float64.
  public func innerProducts(
    _ left: BLASGramStack, _ right: BLASGramStack
  ) throws(DeviceError) -> Matrix<Double> {
    try DeviceError.check(
      left.packedCount == right.packedCount, "innerProducts", "the stacks have different examples")
    let rows = left.summaries.count
    let columns = right.summaries.count
    let isSymmetric = left === right
    var result = try products(
      left, right,
      blocks: Block.all(rows: rows, columns: columns, side: blockSide, isLower: isSymmetric),
      pairs: isSymmetric ? rows * (rows + 1) / 2 : rows * columns)
    if isSymmetric { result.mirrorLowerTriangle() }
    return result
  }

  /// See `Device`: the diagonal of what `innerProducts` makes.
  public func squaredNorms(_ stack: BLASGramStack) throws(DeviceError) -> [Double] {
    let count = stack.summaries.count
    let blocks = Block.all(rows: count, columns: count, side: leastBlockSide, isLower: true)
      .filter { $0.rows == $0.columns }
    let products = try products(stack, stack, blocks: blocks, pairs: count)
    return (0..<count).map { products[$0, $0] }
  }

  /// Layers a side of a block. OpenBLAS adds in an order that depends on a product's shape: it gets
  /// the same shape for all, so that equal layers have equal products.
  private var blockSide: Int { multiplier.engine == .packed ? 256 : leastBlockSide }
  private var leastBlockSide: Int { 32 }

  /// The layers that `count` of them take in a slab, and in products: whole panels, or whole blocks for OpenBLAS.
  private func paddedCount(_ count: Int) -> Int {
    let unit = multiplier.engine == .packed ? multiplier.rowUnit : blockSide
    return (count + unit - 1) / unit * unit
  }

  /// ⟨Kᵢ, Lⱼ⟩ for the entries of `blocks`; zeros elsewhere.
  ///
  /// - Parameter pairs: how many of these are of use.
  private func products(
    _ left: BLASGramStack, _ right: BLASGramStack, blocks: [Block], pairs: Int
  ) throws(DeviceError) -> Matrix<Double> {
    let sides = left === right ? [left] : [left, right]
    let padded = sides.map { paddedCount($0.summaries.count) }
    let slab = PairSlab(
      packedCount: left.packedCount, layerCount: padded.reduce(0, +),
      rightPlace: left === right ? 0 : padded[0])
    let slabs = [
      try PooledFloats(slab.runCount, slab.runSize, for: "layers to be compared", from: memory),
      try PooledFloats(slab.runCount, slab.runSize, for: "layers to be compared", from: memory),
    ]
    let columns = right.summaries.count
    let chunks = sides.indices.flatMap { side in
      Block.runs(of: sides[side].summaries.count, size: blockSide).map { (sides[side], side, $0) }
    }

    let rows = left.summaries.count
    // A matrix of float64 sums for each lane: twice the room of as many float32.
    let memoryOfSums = try PooledFloats(
      2 * PairSlab.lanes * rows, columns, for: "sums of layers", from: memory)
    memoryOfSums.clear()
    nonisolated(unsafe) let sums = UnsafeMutableRawPointer(memoryOfSums.start)
      .bindMemory(to: Double.self, capacity: PairSlab.lanes * rows * columns)
    let failure = Mutex<DeviceError?>(nil)
    pipeline(
      slabs: slab.slabCount, pieces: slab.runCount * chunks.count,
      blocks: blocks.count * PairSlab.lanes,
      fill: { step, piece in
        let (stack, side, layers) = chunks[piece % chunks.count]
        let run = piece / chunks.count
        let numbers = slab.numbers(slab: step, run: run)
        guard !numbers.isEmpty else { return }
        multiplier.fill(
          slabs[step % 2].start + slab.place(run: run, side: side)
            + layers.lowerBound * numbers.count,
          with: layers.map { stack.row($0) }, first: numbers.lowerBound,
          count: numbers.count)
      },
      multiply: { step, index in
        let block = blocks[index / PairSlab.lanes]
        let lane = index % PairSlab.lanes
        let runs = slab.runs(slab: step, lane: lane)
        guard !runs.isEmpty else { return }
        do throws(DeviceError) {
          let stride = paddedCount(block.columns.count)
          let c = try PooledFloats(
            paddedCount(block.rows.count), stride, for: "products of layers", from: memory)
          c.clear()
          add(
            block, runs, of: slab, step, in: slabs[step % 2].start, isLower: left === right,
            partial: c, stride, to: sums + lane * rows * columns, columns)
        } catch {
          failure.withLock { $0 = error }
        }
      },
      count: { _ in
        left.meter?.add(
          2 * Double(pairs) * Double(left.packedCount) / Double(slab.slabCount))
      })
    if let error = failure.withLock({ $0 }) { throw error }
    return added(sums, rows: rows, columns: columns)
  }

  /// The sum of all lanes.
  private func added(
    _ sums: UnsafeMutablePointer<Double>, rows: Int, columns: Int
  ) -> Matrix<Double> {
    let count = rows * columns
    nonisolated(unsafe) let sums = sums
    let elements = [Double](unsafeUninitializedCapacity: count) { elements, initialized in
      nonisolated(unsafe) let target = elements
      perform(rows) { row in
        for index in (row * columns)..<((row + 1) * columns) {
          var sum = sums[index]
          for lane in 1..<PairSlab.lanes { sum += sums[lane * count + index] }
          target[index] = sum
        }
      }
      initialized = count
    }
    return Matrix(rows: rows, columns: columns, elements: elements)
  }

  /// Adds some runs of a slab to the sums of a block.
  private func add(
    _ block: Block, _ runs: [Int], of slab: PairSlab, _ step: Int,
    in numbers: UnsafePointer<Float>, isLower: Bool, partial c: PooledFloats, _ stride: Int,
    to sums: UnsafeMutablePointer<Double>, _ columns: Int
  ) {
    // OpenBLAS gets whole blocks: what lies beside the last layer is multiplied and never read.
    let isPacked = multiplier.engine == .packed
    let (rowCount, columnCount) =
      isPacked ? (block.rows.count, block.columns.count) : (blockSide, blockSide)
    for run in runs {
      let count = slab.numbers(slab: step, run: run).count
      multiplier.multiply(
        numbers + slab.place(run: run, side: 0) + block.rows.lowerBound * count,
        rows: rowCount,
        numbers + slab.place(run: run, side: 1) + block.columns.lowerBound * count,
        columns: columnCount, count: count,
        isLower: isLower && block.rows == block.columns && isPacked,
        into: c.start, stride: stride)
      guard slab.endsSum(slab: step, run: run) else { continue }
      multiplier.table.pointee.drain(
        c.start, block.rows.count, block.columns.count, stride,
        sums + block.rows.lowerBound * columns + block.columns.lowerBound, columns)
    }
  }
}

/// Some runs of the packed triangles of all layers of both stacks: run by run, and in each the left
/// stack's layers before the right's.
private struct PairSlab: Sendable {
  /// Numbers of the packed triangle that are multiplied at once, and how many such products are added
  /// in float32: the error grows with each, see `Documentation/Numerics.md`.
  static let runLength = 256
  static let runsPerSum = 8
  /// Sums are dealt to lanes, which are worked on side by side where there are few layers, and added
  /// up at the end: always as many, so that equal layers have equal products.
  static let lanes = 4
  /// Numbers of a slab of few layers: two of them stay in the cache that a core has to itself, or nearly.
  static let budget = 1 << 18

  let packedCount: Int
  /// Numbers of a run of all layers.
  let runSize: Int
  /// Runs of a slab, a multiple of `runsPerSum` but in the last.
  let runCount: Int
  let slabCount: Int
  /// The first layer of the right stack in a run.
  private let rightPlace: Int

  init(packedCount: Int, layerCount: Int, rightPlace: Int) {
    self.packedCount = packedCount
    self.rightPlace = rightPlace
    runSize = layerCount * Self.runLength
    let all = (packedCount + Self.runLength - 1) / Self.runLength
    let sums = max(Self.budget / max(runSize * Self.runsPerSum, 1), 1)
    runCount = min(sums * Self.runsPerSum, all)
    slabCount = (all + runCount - 1) / runCount
  }

  /// The numbers of a run of a slab; none past the last.
  func numbers(slab: Int, run: Int) -> Range<Int> {
    let first = min((slab * runCount + run) * Self.runLength, packedCount)
    return first..<min(first + Self.runLength, packedCount)
  }

  /// The runs of a slab that a lane has, in order.
  func runs(slab: Int, lane: Int) -> [Int] {
    (0..<runCount).filter {
      (slab * runCount + $0) / Self.runsPerSum % Self.lanes == lane
        && !numbers(slab: slab, run: $0).isEmpty
    }
  }

  /// Whether a float32 sum ends with this run.
  func endsSum(slab: Int, run: Int) -> Bool {
    (run + 1) % Self.runsPerSum == 0 || numbers(slab: slab, run: run).upperBound == packedCount
  }

  /// Where a side's layers begin.
  func place(run: Int, side: Int) -> Int {
    run * runSize + (side == 0 ? 0 : rightPlace * Self.runLength)
  }
}
