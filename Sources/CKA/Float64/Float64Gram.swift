import Activations
import Device
import Dispatch
import Features
import Glibc
import Support
import Synchronization

/// One layer's centered Gram matrix over some examples, made in float64, one tile at a time.
package final class Float64Gram {
  /// As of a float32 matrix, but with the rounding of float64.
  package private(set) var summary: GramSummary
  private let products: Float64Products
  private let kernel: GramKernel
  private let centering: GramCentering
  private let grid: TileGrid
  /// ‖xᵢ‖² of the centered features, in units of 2^(2·centers.exponent); likewise σ².
  private var squaredNorms: [Double] = []
  private var sigmaSquared = 0.0
  private var storesLessOne = false
  /// What is taken from the entries, K_ij − mᵢ − mⱼ.
  private var means: [Double] = []

  /// Finds everything but the tiles: means, RBF's σ, row sums. Passes over all tiles, whose last leaves an
  /// only tile in `workspace`.
  package init(
    of layer: LayerActivations, examples: [Int], kernel: GramKernel, centering: GramCentering,
    grid: TileGrid, in workspace: Float64Workspace
  ) throws(ActivationReadError) {
    let centers = try FeatureMeans(of: layer, examples: examples)
    products = Float64Products(layer: layer, examples: examples, centers: centers)
    (self.kernel, self.centering, self.grid) = (kernel, centering, grid)
    summary = .empty(isFinite: centers.isFinite, isConstant: centers.isConstant)
    guard exists else { return }
    squaredNorms = try products.squaredNorms(in: workspace)
    if case .rbf(let rule) = kernel {
      try findSigma(rule, in: workspace)
      guard exists else { return }
    }
    try findMeans(in: workspace)
  }

  /// Multiplications and additions that a workspace's meter hears of: those of `init`, and of writing all tiles
  /// so often.
  static func flops(
    of layer: LayerActivations, exampleCount n: Int, kernel: GramKernel, grid: TileGrid, writes: Int
  ) -> Double {
    let isOne = grid.count == 1
    // The first writing has an only tile where the means left it.
    let passes = 1 + (isOne ? max(writes - 1, 0) : writes)
    var entries = Double(passes) * Double(n) * Double(n)
    switch kernel {
    case .linear, .rbf(.sigma): break
    case .rbf(.medianMultiple): entries += (isOne ? 1 : 6) * Double(n) * Double(n)
    case .rbf(.sampledMedianMultiple(_, let count)):
      let sample = Double(min(count, n))
      entries += sample * sample
    }
    return entries * Double(layer.featureCount)
  }

  /// Whether the layer has a matrix.
  var exists: Bool { summary.isFinite && !summary.isConstant }

  /// Numbers of a tile.
  package static func tileCount(
    rows: Range<Int>, columns: Range<Int>, _ centering: GramCentering
  ) -> Int {
    rows == columns
      ? centering.packedCount(exampleCount: rows.count) : rows.count * columns.count
  }

  /// Writes a tile of the centered matrix: of one on the diagonal the packed triangle, of another all
  /// entries, times √2 off the diagonal. Zeros where there is no matrix.
  package func write(
    tile index: Int, to destination: UnsafeMutablePointer<Double>, in workspace: Float64Workspace
  ) throws(ActivationReadError) {
    let (rows, columns) = grid[index]
    guard exists else {
      let count = Self.tileCount(rows: rows, columns: columns, centering)
      return destination.update(repeating: 0, count: count)
    }
    if workspace.owner !== self {
      _ = try entries(rows, columns, in: workspace)
    }
    let (isDiagonal, hasZeroDiagonal) = (rows == columns, centering == .unbiased)
    let root = 2.0.squareRoot()
    var out = destination
    for (a, i) in rows.enumerated() {
      let entries = workspace.entries + a * columns.count
      let length = isDiagonal ? a : columns.count
      for b in 0..<length {
        out[b] = (entries[b] - means[i] - means[columns.lowerBound + b]) * root
      }
      out += length
      if isDiagonal, !hasZeroDiagonal {
        out.pointee = entries[a] - 2 * means[i]
        out += 1
      }
    }
    workspace.owner = nil
  }

  private func findMeans(in workspace: Float64Workspace) throws(ActivationReadError) {
    var statistics = EntryStatistics(exampleCount: products.examples.count)
    for index in 0..<grid.count {
      let (rows, columns) = grid[index]
      statistics.add(
        try entries(rows, columns, in: workspace), rows: rows, columns: columns)
    }
    if grid.count == 1 { workspace.owner = self }
    means = centering.rowMeans(sums: statistics.sums)
    if kernel == .linear {
      summary.exponent = 2 * products.centers.exponent
      summary.roundingNorm = RoundingModel.linear(
        squaredNorm: statistics.squaredNorm, trace: squaredNorms.reduce(0, +),
        featureCount: products.layer.featureCount, unitRoundoff: Self.unitRoundoff)
    } else {
      summary.roundingNorm = statistics.squaredErrors.squareRoot()
    }
  }

  /// Makes a tile of the kernel's values, and adds them up.
  private func entries(
    _ rows: Range<Int>, _ columns: Range<Int>, in workspace: Float64Workspace
  ) throws(ActivationReadError) -> EntryStatistics.Tile {
    try products.fill(workspace, rows: rows, columns: columns, areDistances: kernel != .linear)
    let size = Float64Workspace.blockSize
    let blocks = stride(from: 0, to: rows.count, by: size).map { $0..<min($0 + size, rows.count) }
    nonisolated(unsafe) let entries = workspace.entries
    let (isDiagonal, width, isBiased) = (rows == columns, columns.count, centering == .biased)
    let factor = kernel == .linear ? 0 : 1 / (2 * sigmaSquared)
    let lengths = kernel == .linear ? [] : squaredNorms.map { $0.squareRoot() }
    // Differences from a reference have its magnitude in their rounding, too.
    let reference = products.centers.referenceNorm
    let (isLinear, lessOne) = (kernel == .linear, storesLessOne)
    return EntryStatistics.Tile(
      concurrentMap(0..<blocks.count) { index in
        var part = EntryStatistics.Tile(rows: rows.count, columns: width)
        for a in blocks[index] {
          let row = entries + a * width
          var total = 0.0
          for b in 0..<(isDiagonal ? a : width) {
            if !isLinear {
              let square = row[b]
              let value = exp(-square * factor)
              row[b] = lessOne ? expm1(-square * factor) : value
              let spread = lengths[rows.lowerBound + a] + lengths[columns.lowerBound + b]
              let error =
                abs(row[b]) + value * factor
                * (square + square.squareRoot() * (spread + reference) / 2)
              part.squaredErrors += 2 * error * error
            }
            let entry = row[b]
            total += entry
            part.columnSums[b] += entry
            part.squaredNorm += 2 * entry * entry
          }
          if isDiagonal {
            if !isLinear { row[a] = lessOne ? 0 : 1 }
            if isBiased {
              total += row[a]
              part.squaredNorm += row[a] * row[a]
            }
          }
          part.rowSums[a] += total
        }
        part.squaredErrors *= 16 * Self.unitRoundoff * Self.unitRoundoff
        return part
      })
  }

  /// u of float64: 2⁻⁵³.
  static let unitRoundoff = 0x1p-53
}

extension Float64Gram {
  private func findSigma(
    _ rule: GramKernel.Bandwidth, in workspace: Float64Workspace
  ) throws(ActivationReadError) {
    let n = products.examples.count
    let unit = Double(sign: .plus, exponent: products.centers.exponent, significand: 1)
    switch rule {
    case .sigma(let sigma):
      sigmaSquared = sigma / unit * (sigma / unit)
    case .medianMultiple(let multiple):
      let median = try medianOfSquaredDistances(products, grid, in: workspace)
      sigmaSquared = multiple * multiple * median
    case .sampledMedianMultiple(let multiple, let count):
      let sample = GramKernel.Bandwidth.sample(of: n, count: count)
      let some = Float64Products(
        layer: products.layer, examples: sample.map { products.examples[$0] },
        centers: products.centers)
      let median = try medianOfSquaredDistances(
        some, TileGrid(exampleCount: sample.count, side: workspace.side), in: workspace)
      sigmaSquared = multiple * multiple * median
    }
    let sigma = sigmaSquared.squareRoot() * unit
    summary.sigma = sigma
    summary.isFinite = sigma > 0 && sigma.isFinite && sigmaSquared.isNormal
    storesLessOne = RoundingModel.storesLessOne(
      trace: squaredNorms.reduce(0, +), exampleCount: n, sigmaSquared: sigmaSquared)
  }
}

/// Sums over the entries that centering keeps, before it.
struct EntryStatistics {
  /// Σⱼ K_ij of each example.
  var sums: [Double]
  /// ‖K‖².
  var squaredNorm = 0.0
  /// ‖E‖² of RBF's matrices.
  var squaredErrors = 0.0

  init(exampleCount n: Int) { sums = [Double](repeating: 0, count: n) }

  /// The sums of one tile.
  struct Tile: Sendable {
    var rowSums: [Double]
    var columnSums: [Double]
    var squaredNorm = 0.0
    var squaredErrors = 0.0

    init(rows: Int, columns: Int) {
      rowSums = [Double](repeating: 0, count: rows)
      columnSums = [Double](repeating: 0, count: columns)
    }

    /// The sum of some parts, in their order.
    init(_ parts: [Tile]) {
      self = parts[0]
      for part in parts.dropFirst() {
        for index in rowSums.indices { rowSums[index] += part.rowSums[index] }
        for index in columnSums.indices { columnSums[index] += part.columnSums[index] }
        squaredNorm += part.squaredNorm
        squaredErrors += part.squaredErrors
      }
    }
  }

  mutating func add(_ tile: Tile, rows: Range<Int>, columns: Range<Int>) {
    for (index, i) in rows.enumerated() { sums[i] += tile.rowSums[index] }
    for (index, j) in columns.enumerated() { sums[j] += tile.columnSums[index] }
    squaredNorm += tile.squaredNorm
    squaredErrors += tile.squaredErrors
  }
}
