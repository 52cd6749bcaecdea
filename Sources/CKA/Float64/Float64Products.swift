import Activations
import Features
import LinearAlgebra
import Support
import Synchronization

/// Room for one tile of a float64 matrix and for the features it is made of.
package final class Float64Workspace {
  /// The most rows, and columns, of a tile.
  let side: Int
  /// The entries, row by row; of a tile on the diagonal those above it mean nothing.
  let entries: UnsafeMutablePointer<Double>
  fileprivate let rows: UnsafeMutablePointer<Double>
  fileprivate let columns: UnsafeMutablePointer<Double>
  fileprivate let stages = FeatureStages()
  /// The matrix whose only tile `entries` holds.
  weak var owner: Float64Gram?
  /// Hears of products.
  let meter: WorkMeter?

  /// Features of a slab: so many products are added in one sum, as `RoundingModel` takes for granted.
  fileprivate static let slabWidth = 512
  /// Rows that a core works on at a time.
  static let blockSize = 64

  package init(side: Int, meter: WorkMeter?) {
    self.side = side
    self.meter = meter
    entries = .allocate(capacity: side * side)
    rows = .allocate(capacity: side * Self.slabWidth)
    columns = .allocate(capacity: side * Self.slabWidth)
  }

  deinit {
    entries.deallocate()
    rows.deallocate()
    columns.deallocate()
  }

  /// Bytes of a workspace.
  package static func bytes(side: Int) -> Int { 8 * side * (side + 2 * slabWidth) }
}

/// Products, or squared distances, of the centered features of one layer's examples in float64.
struct Float64Products {
  let layer: LayerActivations
  let examples: [Int]
  let centers: FeatureMeans

  /// ‖xᵢ‖² of all examples, in units of 2^(2·centers.exponent).
  func squaredNorms(in workspace: Float64Workspace) throws(ActivationReadError) -> [Double] {
    workspace.owner = nil
    var norms = [Double](repeating: 0, count: examples.count)
    for run in TileGrid(exampleCount: examples.count, side: workspace.side).runs {
      for features in slabs {
        try read(features, of: run, into: workspace.rows, workspace)
        for i in run {
          let x = workspace.rows + (i - run.lowerBound) * features.count
          norms[i] += dot(x, x, features.count)
        }
      }
    }
    return norms
  }

  private var slabs: [Range<Int>] {
    stride(from: 0, to: layer.featureCount, by: Float64Workspace.slabWidth).map {
      $0..<min($0 + Float64Workspace.slabWidth, layer.featureCount)
    }
  }

  /// Fills `workspace.entries` with the tile `rows` × `columns`, `columns.count` numbers a row.
  ///
  /// Distances are sums of squared differences: two examples that are close to each other but far from the
  /// mean keep their digits.
  func fill(
    _ workspace: Float64Workspace, rows: Range<Int>, columns: Range<Int>, areDistances: Bool
  ) throws(ActivationReadError) {
    let isDiagonal = rows == columns
    let width = columns.count
    workspace.owner = nil
    workspace.entries.update(repeating: 0, count: rows.count * width)
    nonisolated(unsafe) let (entries, a) = (workspace.entries, workspace.rows)
    nonisolated(unsafe) let b = isDiagonal ? workspace.rows : workspace.columns
    let blocks = stride(from: 0, to: rows.count, by: Float64Workspace.blockSize).map {
      $0..<min($0 + Float64Workspace.blockSize, rows.count)
    }
    for features in slabs {
      try read(features, of: rows, into: a, workspace)
      if !isDiagonal { try read(features, of: columns, into: b, workspace) }
      let p = features.count
      perform(blocks.count) { index in
        // The last rows of a triangle are the longest: first.
        let block = blocks[blocks.count - 1 - index]
        let last = isDiagonal ? block.upperBound : width
        let (x, out) = (a + block.lowerBound * p, entries + block.lowerBound * width)
        if areDistances {
          for i in block.indices {
            for j in 0..<(isDiagonal ? i : width) {
              entries[i * width + j] += squaredDistance(a + i * p, b + j * p, p)
            }
          }
        } else {
          addProduct(
            rows: block.count, columns: last, terms: p, x, stride: p, isTransposed: false, b,
            stride: p, isTransposed: true, to: out, stride: width)
        }
      }
      workspace.meter?.add(TileGrid.entryCount(rows, columns) * Double(p))
    }
    layer.evict()
  }

  /// Reads some features of some examples, on all cores.
  private func read(
    _ features: Range<Int>, of rows: Range<Int>, into slab: UnsafeMutablePointer<Double>,
    _ workspace: Float64Workspace
  ) throws(ActivationReadError) {
    nonisolated(unsafe) let slab = slab
    let parts = stride(from: rows.lowerBound, to: rows.upperBound, by: 128).map {
      $0..<min($0 + 128, rows.upperBound)
    }
    let stages = workspace.stages
    let failure = Mutex<ActivationReadError?>(nil)
    perform(parts.count) { index in
      do throws(ActivationReadError) {
        try stages.withStage { (stage) throws(ActivationReadError) in
          var slabs = FeatureReader(
            layer: layer, examples: Array(examples[parts[index]]), stage: stage, mappedBytes: 0,
            centers: centers)
          try slabs.readFloat64(
            features, into: slab + (parts[index].lowerBound - rows.lowerBound) * features.count,
            rowStride: features.count)
        }
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// ⟨a, b⟩ of `count` numbers: the same bits for the same numbers, whichever of two factors they are.
func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
  sum(count, { $0 * $1 }, { $0 * $1 }, a, b)
}

/// ‖a − b‖² of `count` numbers.
private func squaredDistance(
  _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
) -> Double {
  sum(
    count,
    {
      let difference = $0 - $1
      return difference * difference
    },
    {
      let difference = $0 - $1
      return difference * difference
    }, a, b)
}

/// A sum over pairs of numbers, in eight partial sums.
@inline(__always)
private func sum(
  _ count: Int, _ eight: (SIMD8<Double>, SIMD8<Double>) -> SIMD8<Double>,
  _ one: (Double, Double) -> Double, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>
) -> Double {
  var sums = SIMD8<Double>()
  let whole = count / 8 * 8
  for index in stride(from: 0, to: whole, by: 8) {
    sums += eight(
      UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Double>.self),
      UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Double>.self))
  }
  var rest = 0.0
  for index in whole..<count { rest += one(a[index], b[index]) }
  return sums.sum() + rest
}
