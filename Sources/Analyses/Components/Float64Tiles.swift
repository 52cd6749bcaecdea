import Activations
import CKA
import Device

/// One layer's H-centered Gram matrix in float64 without some of its first components, a tile at a time.
///
/// Components are projected out from both sides, (I − UUᵀ)K(I − UUᵀ), as `HCenteredGram.reduceFloat64` does.
final class Float64ReducedLayer {
  /// The components of the float64 matrix.
  let found: FoundComponents
  private let gram: Float64Gram
  private let centering: GramCentering
  private let grid: TileGrid
  private let workspace: Float64Workspace
  private let numbers: PackedTriangles<Double>
  /// By how many components are taken out.
  private let rests: [Int: Rest]

  /// What is left without some components.
  private struct Rest {
    let projection: HCenteredGram.Projection
    /// Of the estimator's centering: rows of what is left add up to 0, without the diagonal to less its number.
    let means: [Double]
    /// Tiles are divided by 2^exponent: about the norm of what is left, which the next eigenvalue tells.
    let exponent: Int
  }

  /// Makes the matrix tile by tile, and takes the components from its packed triangle, which is then let go.
  ///
  /// - Parameters:
  ///   - counts: how many components will be taken out.
  ///   - search: finds the components.
  init(
    of layer: LayerActivations, examples: [Int], centering: GramCentering, grid: TileGrid,
    removing counts: [Int], in workspace: Float64Workspace,
    search: (HCenteredGram) throws(DeviceError) -> FoundComponents
  ) throws(DeviceError) {
    (self.centering, self.grid, self.workspace) = (centering, grid, workspace)
    numbers = PackedTriangles(
      count: max(
        grid.side * grid.side, GramCentering.biased.packedCount(exampleCount: grid.side)))
    let whole: HCenteredGram
    do throws(ActivationReadError) {
      gram = try Float64Gram(
        of: layer, examples: examples, kernel: .linear, centering: .biased, grid: grid,
        in: workspace)
      let (tile, made) = (numbers, gram)
      whole = try HCenteredGram(float64: made, grid: grid, tile: tile, in: workspace)
    } catch { throw DeviceError(error) }
    found = try search(whole)
    let (pairs, diagonal) = (found.pairs, whole.diagonal)
    var rests: [Int: Rest] = [:]
    for count in counts where whole.exists {
      let projection = whole.projection(removing: count, of: pairs)
      let sums =
        centering == .unbiased
        ? diagonal.indices.map { -projection.rest(of: diagonal[$0], $0, $0) }
        : diagonal.map { _ in 0 }
      let next = count < pairs.values.count ? pairs.values[count] : pairs.next
      rests[count] = Rest(
        projection: projection, means: centering.rowMeans(sums: sums),
        exponent: next > 0 ? Int(next.exponent) + 1 : 0)
    }
    self.rests = rests
  }

  /// The summary of what is written without `count` components.
  func summary(removing count: Int) -> GramSummary {
    guard let rest = rests[count] else { return found.summary }
    var summary = found.summary
    summary.exponent += rest.exponent
    summary.roundingNorm *= Double(sign: .plus, exponent: -rest.exponent, significand: 1)
    return summary
  }

  /// Writes a tile without `count` components, centered for the estimator: of one on the diagonal the packed
  /// triangle, of another all entries, times √2 off the diagonal.
  func write(
    tile index: Int, removing count: Int, to destination: UnsafeMutablePointer<Float>
  ) throws(DeviceError) {
    let (rows, columns) = grid[index]
    guard let rest = rests[count] else {
      return destination.update(
        repeating: 0,
        count: Float64Gram.tileCount(rows: rows, columns: columns, centering))
    }
    do throws(ActivationReadError) {
      try gram.write(tile: index, to: numbers.start(), in: workspace)
    } catch { throw DeviceError(error) }
    let scale = Double(sign: .plus, exponent: -rest.exponent, significand: 1)
    let isDiagonal = rows == columns
    var (source, out) = (numbers.start(), destination)
    for (a, i) in rows.enumerated() {
      let length = isDiagonal ? a : columns.count
      for b in 0..<length {
        let j = columns.lowerBound + b
        let entry = rest.projection.rest(of: source[b] * 0.5.squareRoot(), i, j)
        out[b] = Float((entry - rest.means[i] - rest.means[j]) * 2.0.squareRoot() * scale)
      }
      (source, out) = (source + length, out + length)
      guard isDiagonal else { continue }
      if centering == .biased {
        out.pointee = Float(
          (rest.projection.rest(of: source.pointee, i, i) - 2 * rest.means[i]) * scale)
        out += 1
      }
      source += 1
    }
  }
}

extension HCenteredGram {
  /// The packed triangle of a matrix that was made for tiles, H-centered.
  fileprivate convenience init(
    float64 gram: Float64Gram, grid: TileGrid, tile: PackedTriangles<Double>,
    in workspace: Float64Workspace
  ) throws(ActivationReadError) {
    let n = grid.runs.last?.upperBound ?? 0
    let numbers = PackedTriangles<Double>(
      count: GramCentering.biased.packedCount(exampleCount: n))
    self.init(float64: numbers, summary: gram.summary, exampleCount: n)
    let start = numbers.start()
    for index in 0..<grid.count {
      let (rows, columns) = grid[index]
      try gram.write(tile: index, to: tile.start(), in: workspace)
      var source = tile.start()
      for (a, i) in rows.enumerated() {
        let length = rows == columns ? a + 1 : columns.count
        (start + i * (i + 1) / 2 + columns.lowerBound).update(from: source, count: length)
        source += length
      }
    }
  }
}
