import Device
import Glibc
import Support

/// The lower triangle of one layer's Gram matrix, before and while it is centered.
final class GramMatrix: @unchecked Sendable {
  // @unchecked: used by one thread at a time, or by several on different entries.
  let exampleCount: Int
  /// Numbers from row to row; whole panels of rows and columns are there.
  let stride: Int
  let rowCount: Int
  let memory: PooledFloats
  /// Whether rows are worked on by all cores at once, or by the one that has the matrix.
  let isShared: Bool

  /// The matrix times 2^exponent is the true one: twice the exponent of the activations.
  private(set) var exponent = 0
  private(set) var isFinite = true
  private(set) var isConstant = true

  var start: UnsafeMutablePointer<Float> { memory.start }

  func row(_ index: Int) -> UnsafeMutablePointer<Float> { start + index * stride }

  init(
    exampleCount n: Int, rowUnit: Int, isShared: Bool, pool: MemoryPool
  ) throws(DeviceError) {
    exampleCount = n
    rowCount = (n + rowUnit - 1) / rowUnit * rowUnit
    // Avoids strides of a large power of two, which map all rows to the same cache sets.
    stride = rowCount % 256 == 0 && isShared ? rowCount + 16 : rowCount
    self.isShared = isShared
    memory = try PooledFloats(rowCount, stride, for: "a Gram matrix", from: pool)
  }

  /// Makes it the matrix of no features. What lies above the blocks of the diagonal is never read.
  func clear() {
    forEachRun { _, rows in
      for row in rows {
        memset(start + row * stride, 0, rows.upperBound * MemoryLayout<Float>.size)
      }
    }
    exponent = 0
    isFinite = true
    isConstant = true
  }

  /// Brings the sums so far to units of 2^`exponent`, if that is more than theirs.
  func raise(to exponent: Int) {
    if !isConstant, exponent > self.exponent {
      scale(start, memory.count, by: self.exponent - exponent)
    }
    self.exponent = isConstant ? exponent : max(exponent, self.exponent)
    isConstant = false
  }

  /// Marks the matrix as undefined: a feature is NaN or infinite.
  func markNotFinite() {
    isFinite = false
    isConstant = false
  }

  /// Adds the matrix of other features of the same layer.
  func add(_ other: GramMatrix) {
    guard isFinite, other.isFinite else { return markNotFinite() }
    guard !other.isConstant else { return }
    raise(to: other.exponent)
    if other.exponent < exponent { scale(other.start, memory.count, by: other.exponent - exponent) }
    for index in 0..<memory.count { start[index] += other.start[index] }
  }

  /// The matrix of some of the examples, in ascending order.
  func part(_ examples: [Int], pool: MemoryPool) throws(DeviceError) -> GramMatrix {
    let part = try GramMatrix(
      exampleCount: examples.count, rowUnit: 1, isShared: isShared, pool: pool)
    for (i, row) in examples.enumerated() {
      for (j, column) in examples[...i].enumerated() {
        part.start[i * part.stride + j] = start[row * stride + column]
      }
    }
    return part
  }

  /// Runs of rows, of some size where cores share them. Sums over them are added run by run, so that
  /// no result depends on the number of cores.
  var rowRuns: [Range<Int>] {
    Block.runs(of: exampleCount, size: isShared ? 128 : exampleCount)
  }

  /// Calls `body` with every run of rows and its number.
  func forEachRun(_ body: @Sendable (_ run: Int, _ rows: Range<Int>) -> Void) {
    let runs = rowRuns
    guard isShared else { return body(0, runs[0]) }
    // The last rows are the longest: first.
    perform(runs.count) {
      let run = runs.count - 1 - $0
      body(run, runs[run])
    }
  }
}

/// `numbers` ← `numbers` · 2^exponent.
private func scale(_ numbers: UnsafeMutablePointer<Float>, _ count: Int, by exponent: Int) {
  let factor = powerOfTwo(exponent)
  for index in 0..<count { numbers[index] *= factor }
}

/// 2^exponent, for an exponent of at most 0.
func powerOfTwo(_ exponent: Int) -> Float {
  Float(sign: .plus, exponent: max(exponent, -149), significand: 1)
}
