import Activations
import Device
import Dispatch
import Features
import Synchronization

extension BLASDevice {
  /// See `Device`. Sums are float32: 256 products in registers, chunk after chunk of examples added to
  /// them. Both are walks of rounding errors, so that an entry is off by u·(√256 + √(n/256)) of its size,
  /// about 5e-6 at a million examples, in no preferred direction; squares are added in float64.
  public func crossCovarianceNorms(
    _ left: BLASGramTiles, _ right: BLASGramTiles, pairs: [LayerPair]
  ) throws(DeviceError) -> [Double] {
    let n = left.minibatch.exampleCount
    try DeviceError.check(
      n == right.minibatch.exampleCount, "crossCovarianceNorms", "the tiles have different examples"
    )
    try DeviceError.check(
      pairs, left: left.summaries.count, right: right.summaries.count, "crossCovarianceNorms")
    let work = FeatureWork(left, right, pairs, rowUnit: multiplier.rowUnit)
    // Squares of a pair's rows, added in their order whatever the passes.
    var squares = pairs.map { _ in 0.0 }
    for pass in work.passes {
      let sums = try add(pass, of: work)
      for (part, products) in zip(pass.parts, sums) {
        for square in squaresOfRows(part, products, of: work) { squares[part.pair] += square }
      }
    }
    return squares
  }

  /// The products of a pass, summed over all examples: while a chunk of examples is multiplied, the next
  /// is packed.
  private func add(_ pass: FeatureWork.Pass, of work: FeatureWork) throws(DeviceError)
    -> [PooledFloats]
  {
    var sums: [PooledFloats] = []
    for part in pass.parts {
      let size = work.size(of: part)
      sums.append(
        try PooledFloats(size.rows, size.stride, for: "products of features", from: memory))
    }
    var slabs: [[PooledFloats]] = []
    for layer in pass.layers {
      var both: [PooledFloats] = []
      for _ in 0..<2 {
        let slab = try PooledFloats(
          work.padded(work.layer(layer).featureCount), FeatureWork.chunkSize,
          for: "a chunk of examples",
          from: memory)
        // What lies beside a panel's last feature is multiplied, too, and never read. Whatever the memory
        // held before might be slow to multiply.
        slab.clear()
        both.append(slab)
      }
      slabs.append(both)
    }
    let chunks = Block.runs(of: work.exampleCount, size: FeatureWork.chunkSize)
    // Rows are copied from files: the system would map more of them than is touched, and some of it
    // would stay behind each chunk.
    let pieces = pass.layers.indices.flatMap { index in
      Block.runs(of: FeatureWork.chunkSize, size: FeatureWork.pieceSize).map {
        (layer: index, examples: $0)
      }
    }
    let stages = FeatureStages(budget: FeatureWork.stageBytes)
    let blocks = pass.parts.enumerated().flatMap { index, part in
      Block.all(
        rows: part.rows.count, columns: work.columnCount(of: part), side: 256, isLower: false
      ).map { (index, $0) }
    }
    let flops = pass.parts.reduce(0) { $0 + work.flopsOfExample($1) }
    let failure = Mutex<DeviceError?>(nil)
    pipeline(
      slabs: chunks.count, pieces: pieces.count, blocks: blocks.count,
      fill: { [slabs] step, index in
        let piece = pieces[index]
        let examples = piece.examples.clamped(to: 0..<chunks[step].count)
        guard !examples.isEmpty else { return }
        do throws(ActivationReadError) {
          try stages.withStage { (stage) throws(ActivationReadError) in
            try fill(
              slabs[piece.layer][step % 2].start, pass.layers[piece.layer], of: work,
              chunk: chunks[step], examples, by: stage)
          }
        } catch {
          failure.withLock { $0 = DeviceError(error) }
        }
      },
      finish: { _ in failure.withLock { $0 == nil } },
      multiply: { [slabs, sums] step, index in
        let (place, block) = blocks[index]
        let part = pass.parts[place]
        let stride = work.size(of: part).stride
        let products = sums[place].start + block.rows.lowerBound * stride + block.columns.lowerBound
        if step == 0 {
          for row in 0..<block.rows.count {
            (products + row * stride).update(repeating: 0, count: block.columns.count)
          }
        }
        let (left, right) = pass.places[place]
        multiplier.multiplyFeatures(
          slabs[left][step % 2].start, from: part.rows.lowerBound + block.rows.lowerBound,
          block.rows.count, of: work.layer(pass.layers[left]).featureCount,
          slabs[right][step % 2].start, from: block.columns.lowerBound, block.columns.count,
          of: work.layer(pass.layers[right]).featureCount, count: chunks[step].count,
          into: products, stride: stride)
      },
      count: { work.left.minibatch.meter?.add(flops * Double(chunks[$0].count)) })
    if let error = failure.withLock({ $0 }) { throw error }
    return sums
  }

  /// Packs all features of some examples of a chunk.
  private func fill(
    _ slab: UnsafeMutablePointer<Float>, _ index: FeatureWork.Layer, of work: FeatureWork,
    chunk: Range<Int>, _ examples: Range<Int>, by stage: FeatureStage
  ) throws(ActivationReadError) {
    let layer = work.layer(index)
    let first = chunk.lowerBound
    let rows = Array(
      work.examples(index)[(first + examples.lowerBound)..<(first + examples.upperBound)])
    var reader = FeatureReader(
      layer: layer, examples: rows, kernels: multiplier.table, stage: stage, mappedBytes: 0,
      centers: work.centers(index))
    try multiplier.fillFeatures(slab, chunk: chunk.count, at: examples.lowerBound, with: &reader)
  }

  /// The squares of the products of each row of a part, with exactly centered features: what is left of
  /// their sums is taken out, Σᵢ(xᵢ − x̄)(yᵢ − ȳ)ᵀ = XᵀY − n·x̄·ȳᵀ.
  private func squaresOfRows(
    _ part: FeatureWork.Part, _ products: PooledFloats, of work: FeatureWork
  ) -> [Double] {
    let pair = work.pairs[part.pair]
    let (own, other) = (
      work.left.centers[pair.left].residues, work.right.centers[pair.right].residues
    )
    let count = part.rows.count
    let stride = work.size(of: part).stride
    var squares = [Double](repeating: 0, count: count)
    var mixed = squares
    multiplier.table.pointee.row_products(
      products.start, count, other.count, stride, other, &squares, &mixed)
    let otherSquare = other.reduce(0) { $0 + $1 * $1 }
    for row in 0..<count {
      let mean = own[part.rows.lowerBound + row] / Double(work.exampleCount)
      squares[row] += mean * (mean * otherSquare - 2 * mixed[row])
    }
    return squares
  }
}

/// How the products of the features of pairs of layers are divided into passes over the examples.
private struct FeatureWork: Sendable {
  let left: BLASGramTiles
  let right: BLASGramTiles
  let pairs: [LayerPair]
  let rowUnit: Int
  private(set) var passes: [Pass] = []

  /// Examples that are packed at once, and those that one core packs. Sums end with a chunk: always as
  /// many, so that equal layers have equal products.
  static let chunkSize = 256
  static let pieceSize = 64
  /// Bytes of a piece that are copied at once: some of a core's second cache.
  static let stageBytes = 256 << 10

  /// A layer of one of the sides; of one where both are the same.
  struct Layer: Sendable, Hashable {
    let isRight: Bool
    let index: Int
  }

  /// Some features of a pair's left layer against all of the right one's.
  struct Part: Sendable {
    let pair: Int
    let rows: Range<Int>
  }

  /// What fits the memory at once.
  struct Pass: Sendable {
    var layers: [Layer] = []
    var parts: [Part] = []
    /// Where each part's layers are in `layers`.
    var places: [(left: Int, right: Int)] = []
    var sumCount = 0
  }

  init(_ left: BLASGramTiles, _ right: BLASGramTiles, _ pairs: [LayerPair], rowUnit: Int) {
    self.left = left
    self.right = right
    self.pairs = pairs
    self.rowUnit = rowUnit
    let budget = min(left.division.memory, right.division.memory) / MemoryLayout<Float>.size
    let isSame = left === right
    func layers(of pair: LayerPair) -> [Layer] {
      [
        Layer(isRight: false, index: pair.left), Layer(isRight: !isSame, index: pair.right),
      ]
    }
    let all = Set(pairs.flatMap(layers))
    let widths = Dictionary(
      uniqueKeysWithValues: all.map { layer in
        let tiles = layer.isRight ? right : left
        let p = tiles.minibatch.layers[layer.index].featureCount
        return (layer, (p + rowUnit - 1) / rowUnit * rowUnit)
      })
    var pass = Pass()
    for (index, pair) in pairs.enumerated() {
      guard left.centers[pair.left].varies, right.centers[pair.right].varies else {
        continue
      }
      let needed = layers(of: pair)
      let p = left.minibatch.layers[pair.left].featureCount
      var first = 0
      while first < p {
        let new = Set(needed).subtracting(pass.layers)
        // Twice a chunk of each layer.
        let packed =
          2 * Self.chunkSize * (pass.layers + new).reduce(0) { $0 + widths[$1, default: 0] }
        let stride = Self.stride(widths[needed[1], default: 0])
        let room = max(budget - packed - pass.sumCount, 0) / stride / rowUnit * rowUnit
        guard room > 0 || pass.parts.isEmpty else {
          passes.append(pass)
          pass = Pass()
          continue
        }
        let rows = first..<min(first + max(room, rowUnit), p)
        for layer in needed where !pass.layers.contains(layer) { pass.layers.append(layer) }
        let places = needed.map { layer in pass.layers.firstIndex(of: layer) ?? 0 }
        pass.parts.append(Part(pair: index, rows: rows))
        pass.places.append((places[0], places[1]))
        pass.sumCount += (rows.count + rowUnit - 1) / rowUnit * rowUnit * stride
        first = rows.upperBound
      }
    }
    if !pass.parts.isEmpty { passes.append(pass) }
  }

  var exampleCount: Int { left.minibatch.exampleCount }

  func layer(_ layer: Layer) -> LayerActivations {
    (layer.isRight ? right : left).minibatch.layers[layer.index]
  }

  func examples(_ layer: Layer) -> [Int] { (layer.isRight ? right : left).minibatch.examples }

  func centers(_ layer: Layer) -> FeatureMeans {
    (layer.isRight ? right : left).centers[layer.index]
  }

  func padded(_ count: Int) -> Int { (count + rowUnit - 1) / rowUnit * rowUnit }

  func columnCount(of part: Part) -> Int {
    right.minibatch.layers[pairs[part.pair].right].featureCount
  }

  /// Multiplications and additions of one example, of a layer with itself one half.
  func flopsOfExample(_ part: Part) -> Double {
    let pair = pairs[part.pair]
    return Double(part.rows.count) * Double(columnCount(of: part))
      * (left === right && pair.left == pair.right ? 1 : 2)
  }

  /// The room a part's products take, with whole panels of rows and columns.
  func size(of part: Part) -> (rows: Int, stride: Int) {
    (padded(part.rows.count), Self.stride(padded(columnCount(of: part))))
  }

  /// Avoids strides of a large power of two, which map all rows to the same cache sets.
  private static func stride(_ columns: Int) -> Int { columns % 256 == 0 ? columns + 16 : columns }
}
