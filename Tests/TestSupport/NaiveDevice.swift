import Activations
import Device
import Foundation
import Synchronization

/// A device that does everything by the definitions, in float64 and with n × n matrices, and counts
/// what it is asked for. For a few hundred examples of float32 layers.
public struct NaiveDevice: CrossCovarianceDevice {
  /// What the device calls itself.
  public let info: DeviceInfo
  /// What it was asked for.
  public let log = Log()
  /// Called before every operation that makes something, with the number of such calls before it;
  /// throws to fail it.
  private let script: @Sendable (Int) throws(DeviceError) -> Void

  /// Counts of work. Flops as `Documentation/Numerics.md` counts them: of a symmetric matrix one half.
  public struct Counts: Sendable, Equatable {
    /// Products that fill Gram matrices.
    public var gramFlops = 0.0
    /// Products of Gram matrices.
    public var pairFlops = 0.0
    /// Products of features with features.
    public var featureFlops = 0.0
    /// Bytes of activations that were asked for.
    public var bytesRead = 0.0
    /// Calls that make or compare something.
    public var calls = 0
    /// The most numbers of one stack, in bytes of float32.
    public var largestStack = 0
    /// The sides of tiles that were asked for.
    public var largestSide = 0
  }

  /// Counts that grow.
  public final class Log: Sendable {
    private let state = Mutex(Counts())
    /// The counts so far.
    public var counts: Counts { state.withLock { $0 } }
    fileprivate func add(_ change: (inout Counts) -> Void) { state.withLock { change(&$0) } }
  }

  /// A device named `id`; `script` may fail it.
  public init(
    _ id: String = "naive", script: @escaping @Sendable (Int) throws(DeviceError) -> Void = { _ in }
  ) {
    info = DeviceInfo(
      id: id, name: "by definition", backend: "test", driver: "1", memory: 1 << 34,
      hasFloat64: true, computeUnits: 1)
    self.script = script
  }

  private func begin() throws(DeviceError) {
    let before = log.counts.calls
    log.add { $0.calls += 1 }
    try script(before)
  }

  /// See `Device`.
  public func gramStack(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering
  ) throws(DeviceError) -> NaiveStack {
    try begin()
    let n = minibatch.exampleCount
    let layers = minibatch.layers.enumerated().map {
      NaiveLayer($1, $0, minibatch.examples, kernel, centering)
    }
    count(minibatch.layers, rows: 0..<n, columns: 0..<n)
    return NaiveStack(layers, rows: 0..<n, columns: 0..<n, centering: centering)
  }

  /// See `Device`.
  public func innerProducts(
    _ left: NaiveStack, _ right: NaiveStack
  ) throws(DeviceError) -> Matrix<Double> {
    try begin()
    let (rows, columns) = (left.layers.count, right.layers.count)
    let pairs = left === right ? rows * (rows + 1) / 2 : rows * columns
    log.add { $0.pairFlops += Double(pairs) * left.flopsOfPair }
    return Matrix(
      rows: rows, columns: columns,
      elements: left.numbers.flatMap { a in
        right.numbers.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      })
  }

  /// See `Device`.
  public func squaredNorms(_ stack: NaiveStack) throws(DeviceError) -> [Double] {
    try begin()
    log.add { $0.pairFlops += Double(stack.layers.count) * stack.flopsOfPair }
    return stack.numbers.map { $0.reduce(0) { $0 + $1 * $1 } }
  }

  /// See `Device`.
  public func prepareTiles(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    division: TileDivision, observe: () -> Void
  ) throws(DeviceError) -> NaiveTiles {
    try begin()
    let n = minibatch.exampleCount
    // Means, then row norms.
    read(minibatch.layers, examples: 2 * n)
    let passes =
      switch kernel {
      case .linear: 0
      case .rbf(.medianMultiple): 3
      case .rbf: 1
      }
    let side = max(division.side, 1)
    let runs = stride(from: 0, to: n, by: side).map { $0..<min($0 + side, n) }
    if case .rbf(.sampledMedianMultiple(_, let sample)) = kernel {
      let sample = 0..<min(sample, n)
      count(minibatch.layers, rows: sample, columns: sample)
    }
    for _ in 0..<passes {
      for (index, rows) in runs.enumerated() {
        for columns in runs[...index] {
          count(minibatch.layers, rows: rows, columns: columns)
          observe()
        }
      }
    }
    return NaiveTiles(
      minibatch,
      minibatch.layers.enumerated().map {
        NaiveLayer($1, $0, minibatch.examples, kernel, centering)
      }, centering)
  }

  /// See `Device`.
  public func gramStack(
    of tiles: NaiveTiles, layers: [Int], rows: Range<Int>, columns: Range<Int>
  ) throws(DeviceError) -> NaiveStack {
    try begin()
    count(layers.map { tiles.minibatch.layers[$0] }, rows: rows, columns: columns)
    let stack = NaiveStack(
      layers.map { tiles.content[$0] }, rows: rows, columns: columns, centering: tiles.centering)
    log.add {
      let bytes = 4 * stack.numbers.reduce(0) { $0 + $1.count }
      $0.largestStack = max($0.largestStack, bytes)
      $0.largestSide = max($0.largestSide, rows.count, columns.count)
    }
    return stack
  }

  /// See `Device`.
  public func crossCovarianceNorms(
    _ left: NaiveTiles, _ right: NaiveTiles, pairs: [LayerPair]
  ) throws(DeviceError) -> [Double] {
    try begin()
    let n = left.minibatch.exampleCount
    let rows = Set(pairs.map(\.left))
    let columns = Set(pairs.map(\.right))
    if left === right {
      read(rows.union(columns).map { left.minibatch.layers[$0] }, examples: n)
    } else {
      read(rows.map { left.minibatch.layers[$0] }, examples: n)
      read(columns.map { right.minibatch.layers[$0] }, examples: n)
    }
    return pairs.map { pair in
      let (x, y) = (left.content[pair.left], right.content[pair.right])
      let isOwn = left === right && pair.left == pair.right
      log.add {
        $0.featureFlops += (isOwn ? 1 : 2) * Double(n) * Double(x.p) * Double(y.p)
      }
      var sum = 0.0
      for a in 0..<x.p {
        for b in 0..<y.p {
          let product = (0..<n).reduce(0.0) { $0 + x.values[$1 * x.p + a] * y.values[$1 * y.p + b] }
          sum += product * product
        }
      }
      return sum
    }
  }

  private func count(_ layers: [LayerActivations], rows: Range<Int>, columns: Range<Int>) {
    let isDiagonal = rows == columns
    read(layers, examples: isDiagonal ? rows.count : rows.count + columns.count)
    log.add {
      for layer in layers {
        $0.gramFlops +=
          (isDiagonal ? 1 : 2) * Double(rows.count * columns.count) * Double(layer.featureCount)
      }
    }
  }

  private func read(_ layers: [LayerActivations], examples: Int) {
    log.add {
      for layer in layers { $0.bytesRead += Double(layer.bytesPerExample * examples) }
    }
  }
}

/// What the naive device knows of a layer.
final class NaiveLayer: Sendable {
  let summary: GramSummary
  let exponentOfSquares: Int
  let p: Int
  /// Centered features in units of 2^(exponentOfSquares / 2), n × p.
  let values: [Double]
  let squaredNorms: [Double]
  let rowMeans: [Double]
  /// The centered matrix, n × n, in stored units.
  let matrix: [Double]

  /// Layers have unlike units, so that whoever mixes them up is found out.
  init(
    _ layer: LayerActivations, _ index: Int, _ examples: [Int], _ kernel: GramKernel,
    _ centering: GramCentering
  ) {
    let (n, p) = (examples.count, layer.featureCount)
    precondition(layer.scalarType == .float32 && layer.memoryOrder == .rowMajor)
    let half = index % 5 - 2
    let exponentOfSquares = 2 * half
    let unit = Double(sign: .plus, exponent: -half, significand: 1)
    var values = [Double](repeating: 0, count: n * p)
    for (i, example) in examples.enumerated() {
      guard let row = try? layer.row(example).start else {
        preconditionFailure("layers of tests are in memory")
      }
      for k in 0..<p {
        values[i * p + k] = Double(row.loadUnaligned(fromByteOffset: 4 * k, as: Float.self)) * unit
      }
    }
    let isFinite = values.allSatisfy(\.isFinite)
    var isConstant = true
    for k in 0..<p {
      let mean = (0..<n).reduce(0.0) { $0 + values[$1 * p + k] } / Double(n)
      isConstant = isConstant && (0..<n).allSatisfy { values[$0 * p + k] == values[k] }
      for i in 0..<n { values[i * p + k] -= mean }
    }
    self.p = p
    self.exponentOfSquares = exponentOfSquares
    guard isFinite, !isConstant else {
      summary = .empty(isFinite: isFinite, isConstant: isConstant)
      self.values = Array(repeating: 0, count: n * p)
      squaredNorms = Array(repeating: 0, count: n)
      rowMeans = squaredNorms
      matrix = Array(repeating: 0, count: n * n)
      return
    }
    func product(_ i: Int, _ j: Int) -> Double {
      (0..<p).reduce(0) { $0 + values[i * p + $1] * values[j * p + $1] }
    }
    var k = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0...i {
        k[i * n + j] = product(i, j)
        k[j * n + i] = k[i * n + j]
      }
    }
    let norms = (0..<n).map { k[$0 * n + $0] }
    var sigma: Double?
    if case .rbf(let rule) = kernel {
      for i in 0..<n {
        for j in 0..<n where i != j { k[i * n + j] = norms[i] + norms[j] - 2 * k[i * n + j] }
        k[i * n + i] = 0
      }
      let square: Double
      switch rule {
      case .sigma(let given): square = given * given * unit * unit
      case .medianMultiple(let multiple):
        let sorted = k.sorted()
        square = multiple * multiple * (sorted[(n * n - 1) / 2] + sorted[n * n / 2]) / 2
      case .sampledMedianMultiple(let multiple, let count):
        let sample = (0..<count).map { $0 * n / count }
        let sorted = sample.flatMap { i in sample.map { k[i * n + $0] } }.sorted()
        let middle = (sorted[(count * count - 1) / 2] + sorted[count * count / 2]) / 2
        square = multiple * multiple * middle
      }
      k = k.map { exp(-$0 / (2 * square)) }
      sigma = square.squareRoot() / unit
    }
    var means: [Double]
    let hasZeroDiagonal = centering == .unbiased
    if hasZeroDiagonal { for i in 0..<n { k[i * n + i] = 0 } }
    means = (0..<n).map { i in k[(i * n)..<((i + 1) * n)].reduce(0, +) }
    let total = means.reduce(0, +)
    let count = Double(n)
    means = means.map {
      hasZeroDiagonal
        ? $0 / (count - 2) - total / (2 * (count - 1) * (count - 2))
        : $0 / count - total / (2 * count * count)
    }
    for i in 0..<n {
      for j in 0..<n where !hasZeroDiagonal || i != j { k[i * n + j] -= means[i] + means[j] }
    }
    self.values = values
    squaredNorms = norms
    rowMeans = means
    matrix = k
    summary = GramSummary(
      exponent: sigma == nil ? exponentOfSquares : 0, isFinite: true, isConstant: false,
      roundingNorm: 0, sigma: sigma)
  }
}

/// Packed matrices, or tiles of them, in float64.
public final class NaiveStack: GramStack {
  /// See `GramStack`.
  public let layers: [GramSummary]
  /// See `GramStack`.
  public let timings = StageTimings()
  let numbers: [[Double]]
  let flopsOfPair: Double

  init(
    _ content: [NaiveLayer], rows: Range<Int>, columns: Range<Int>, centering: GramCentering
  ) {
    layers = content.map(\.summary)
    let isDiagonal = rows == columns
    flopsOfPair = Double(rows.count * columns.count) * (isDiagonal ? 1 : 2)
    numbers = content.map { layer in
      let n = layer.rowMeans.count
      return rows.flatMap { i in
        columns.filter { !isDiagonal || $0 < i || ($0 == i && centering == .biased) }.map { j in
          layer.matrix[i * n + j] * (i == j ? 1 : 2.0.squareRoot())
        }
      }
    }
  }
}

/// Everything about some layers.
public final class NaiveTiles: TiledGramInput {
  /// See `TiledGramInput`.
  public let layers: [GramSummary]
  /// See `TiledGramInput`.
  public let timings = StageTimings()
  let minibatch: Minibatch
  let content: [NaiveLayer]
  let centering: GramCentering

  init(_ minibatch: Minibatch, _ content: [NaiveLayer], _ centering: GramCentering) {
    self.minibatch = minibatch
    self.content = content
    self.centering = centering
    layers = content.map(\.summary)
  }

  /// See `TiledGramInput`.
  public func squaredNorms(ofLayer layer: Int) -> [Float] {
    content[layer].squaredNorms.map { Float($0) }
  }

  /// See `TiledGramInput`.
  public func exponentOfSquares(ofLayer layer: Int) -> Int { content[layer].exponentOfSquares }

  /// See `TiledGramInput`.
  public func rowMeans(ofLayer layer: Int) -> [Float] { content[layer].rowMeans.map { Float($0) } }
}
