import Activations
import Device

/// Centered Gram matrices of one minibatch, anew in float64 and rounded to float32 once they are centered:
/// 2⁻²⁴ of what is left, not of what centering took away.
public struct NarrowedGrams {
  private let minibatch: Minibatch
  private let kernel: GramKernel
  private let centering: GramCentering
  private let grid: TileGrid
  private let workspace: Float64Workspace
  /// Room for one tile.
  private let tile: PackedTriangles<Double>

  /// - Parameters:
  ///   - minibatch: the layers and their examples.
  ///   - kernel: what fills the matrices.
  ///   - centering: how they are centered.
  ///   - memory: bytes that may be taken. Where a whole matrix does not fit, it is made in tiles, and twice:
  ///     its norm has to be known before it can be rounded.
  public init(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering, memory: Int
  ) {
    self.init(
      of: minibatch, kernel: kernel, centering: centering,
      side: Self.side(exampleCount: minibatch.exampleCount, memory: memory))
  }

  init(of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering, side: Int) {
    self.minibatch = minibatch
    self.kernel = kernel
    self.centering = centering
    grid = TileGrid(exampleCount: minibatch.exampleCount, side: side)
    workspace = Float64Workspace(side: grid.side, meter: minibatch.meter)
    tile = PackedTriangles(
      count: grid.count == 1
        ? centering.packedCount(exampleCount: minibatch.exampleCount) : grid.side * grid.side)
  }

  /// Bytes that are taken where whole matrices are made.
  package static func bytes(exampleCount n: Int) -> Int { bytes(side: n) }

  private static func bytes(side: Int) -> Int {
    Float64Workspace.bytes(side: side) + 8 * side * side
  }

  private static func side(exampleCount n: Int, memory: Int) -> Int {
    var side = n
    while side > MemoryModel.leastSide, bytes(side: side) > memory { side = (side + 1) / 2 }
    return side
  }

  /// What the minibatch's meter will hear of the writing of some layers.
  public func flops(ofLayers layers: [Int]) -> Double {
    layers.reduce(0) {
      $0
        + Float64Gram.flops(
          of: minibatch.layers[$1], exampleCount: minibatch.exampleCount, kernel: kernel,
          grid: grid, writes: grid.count == 1 ? 1 : 2)
    }
  }

  /// Writes the packed triangle of one layer.
  ///
  /// - Parameters:
  ///   - layer: its place in the minibatch, counted from 0.
  ///   - destination: room for `centering.packedCount(exampleCount:)` numbers.
  /// - Returns: the summary of what is written.
  public func write(
    layer: Int, to destination: UnsafeMutablePointer<Float>
  ) throws(DeviceError) -> GramSummary {
    try write(layer: layer, to: destination, exact: nil).summary
  }

  /// Writes it to `exact`, too, before it is rounded, in the units of the summary.
  ///
  /// - Returns: with the summary of what is written to `destination` ‖E‖ of what is written to `exact`.
  package func write(
    layer: Int, to destination: UnsafeMutablePointer<Float>, exact: UnsafeMutablePointer<Double>?
  ) throws(DeviceError) -> (summary: GramSummary, rounding: Double) {
    do throws(ActivationReadError) {
      let gram = try Float64Gram(
        of: minibatch.layers[layer], examples: minibatch.examples, kernel: kernel,
        centering: centering, grid: grid, in: workspace)
      var squaredNorm = 0.0
      for index in 0..<grid.count {
        let (rows, columns) = grid[index]
        try gram.write(tile: index, to: tile.start(), in: workspace)
        squaredNorm += dot(
          tile.start(), tile.start(),
          Float64Gram.tileCount(rows: rows, columns: columns, centering))
      }
      let (summary, scale) = gram.summary.narrowed(norm: squaredNorm.squareRoot())
      for index in 0..<grid.count {
        if grid.count > 1 { try gram.write(tile: index, to: tile.start(), in: workspace) }
        place(grid[index]) { destination[$1] = Float(tile.start()[$0] * scale) }
        if let exact { place(grid[index]) { exact[$1] = tile.start()[$0] * scale } }
      }
      return (summary, gram.summary.roundingNorm * scale)
    } catch { throw DeviceError(error) }
  }

  /// Calls `put` with the place of each number of a tile, and with that in the packed triangle.
  @inline(__always)
  private func place(
    _ part: (rows: Range<Int>, columns: Range<Int>), _ put: (_ source: Int, _ target: Int) -> Void
  ) {
    var source = 0
    for (a, i) in part.rows.enumerated() {
      let count =
        part.rows == part.columns
        ? centering.packedCount(exampleCount: a + 1) - centering.packedCount(exampleCount: a)
        : part.columns.count
      let target = centering.packedCount(exampleCount: i) + part.columns.lowerBound
      for b in 0..<count { put(source + b, target + b) }
      source += count
    }
  }
}

extension GramSummary {
  /// The summary of a matrix that was centered in float64, of the norm `norm`, when it is rounded to float32,
  /// divided by a power of two that makes its norm at most 1; and the factor that does so.
  func narrowed(norm: Double) -> (summary: GramSummary, scale: Double) {
    let own = norm > 0 ? Int(norm.exponent) + 1 : 0
    let scale = Double(sign: .plus, exponent: -own, significand: 1)
    var result = self
    result.exponent += own
    result.roundingNorm = (roundingNorm + RoundingModel.unitRoundoff * norm) * scale
    return (result, scale)
  }

  /// Rounds the packed numbers of such a matrix.
  ///
  /// - Returns: the summary of what is written.
  package func narrowed(
    _ numbers: UnsafePointer<Double>, count: Int, to destination: UnsafeMutablePointer<Float>
  ) -> GramSummary {
    let (summary, scale) = narrowed(norm: dot(numbers, numbers, count).squareRoot())
    for index in 0..<count { destination[index] = Float(numbers[index] * scale) }
    return summary
  }
}
