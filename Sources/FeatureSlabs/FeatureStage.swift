import Activations

/// Rows of features copied out of files, a run of them at a time.
///
/// Touching a mapped file would leave its pages, and with large pages their neighbors, in the
/// process's memory: more of them the more examples there are. Reading the wanted bytes takes as
/// long (8 MB from the page cache: 0.6 ms either way), and puts them side by side. One stage serves
/// one thread, for layer after layer.
public final class FeatureStage {
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// A stage that holds nothing yet.
  public init() {}

  deinit { memory.deallocate() }

  /// Bytes of a stage, and the most and least bytes of one example in it. Long runs of a row make
  /// few system calls; all rows together should stay in the processor's last cache.
  private static let budget = 2 << 20
  private static let mostRowBytes = 8 << 10

  /// How many features to copy at a time where slabs have `slab` of them: a multiple of `slab`.
  func run(slab: Int, exampleCount: Int, bytesPerFeature: Int) -> Int {
    let rowBytes = min(Self.budget / max(exampleCount, 1), Self.mostRowBytes)
    return max(rowBytes / (bytesPerFeature * slab), 1) * slab
  }

  /// Copies the kept features `range` of `examples` of a row-major layer: one row an example, as
  /// many bytes from row to row as returned, positions that lie apart brought together.
  func fill(
    _ layer: LayerActivations, examples: [Int], features range: Range<Int>
  ) throws(ActivationReadError) -> (start: UnsafeMutableRawPointer, rowBytes: Int) {
    let positions = layer.positions
    let size = layer.scalarType.size
    let rowBytes = range.count * positions.count * size
    let start = reserve(examples.count * rowBytes)
    for (row, example) in examples.enumerated() {
      let destination = start + row * rowBytes
      if positions.positionStride <= 1 {
        // The positions of a kept feature are side by side, or there is one.
        let first = range.lowerBound * positions.count * size
        try layer.read(first..<(first + rowBytes), of: example, into: destination)
      } else {
        let segment = range.count * size
        for position in 0..<positions.count {
          let first = (position * positions.positionStride + range.lowerBound) * size
          try layer.read(
            first..<(first + segment), of: example, into: destination + position * segment)
        }
      }
    }
    return (start, rowBytes)
  }

  private func reserve(_ count: Int) -> UnsafeMutableRawPointer {
    if memory.count < count {
      memory.deallocate()
      memory = .allocate(byteCount: count, alignment: 64)
    }
    guard let start = memory.baseAddress else { preconditionFailure("an empty run of features") }
    return start
  }
}
