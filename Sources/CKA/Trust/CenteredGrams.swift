import Activations
import Device
import Support

/// The centered Gram matrices of all layers of one model over the same examples, in memory.
///
/// U-centered matrices A have a zero diagonal and rows that add up to zero: ⟨A, B⟩ = n(n−3)·HSIC₁. Each
/// layer is in units of its own power of two, which CKA does not see.
final class CenteredGrams: @unchecked Sendable {
  // @unchecked: nobody writes to `numbers` once others see them.

  /// n.
  let exampleCount: Int
  private(set) var layers: [GramSummary]
  /// Hears of what is done with them.
  let meter: WorkMeter?
  private let packedCount: Int
  /// layers × the packed lower triangle without its diagonal, times √2.
  private let numbers: UnsafeMutablePointer<Float>

  /// A copy of `stack`'s matrices, which are U-centered.
  init<D: Device>(
    _ stack: D.Stack, exampleCount: Int, on device: D, meter: WorkMeter?
  ) throws(DeviceError) {
    self.exampleCount = exampleCount
    self.meter = meter
    layers = stack.layers
    packedCount = GramCentering.unbiased.packedCount(exampleCount: exampleCount)
    numbers = .allocate(capacity: layers.count * packedCount)
    for layer in layers.indices {
      try device.copyNumbers(
        ofLayer: layer, of: stack,
        to: UnsafeMutableBufferPointer(start: numbers + layer * packedCount, count: packedCount))
    }
  }

  /// Puts the matrix that `write` writes in the place of a layer's.
  func take(
    asLayer layer: Int,
    write: (UnsafeMutablePointer<Float>) throws(DeviceError) -> GramSummary
  ) throws(DeviceError) {
    layers[layer] = try write(numbers + layer * packedCount)
  }

  /// The matrices of the same examples in another order: row and column i are `order[i]`'s.
  func permuted(_ order: [Int]) -> CenteredGrams {
    let result = CenteredGrams(like: self)
    perform(layers.count) { layer in
      let source = packedRow(1, ofLayer: layer)
      var target = result.numbers + layer * packedCount
      for i in 1..<exampleCount {
        for j in 0..<i {
          let (high, low) = (max(order[i], order[j]), min(order[i], order[j]))
          target.pointee = source[high * (high - 1) / 2 + low]
          target += 1
        }
      }
    }
    return result
  }

  private init(like other: CenteredGrams) {
    exampleCount = other.exampleCount
    meter = other.meter
    layers = other.layers
    packedCount = other.packedCount
    numbers = .allocate(capacity: layers.count * packedCount)
  }

  deinit { numbers.deallocate() }

  /// The matrices as a device takes them.
  var packed: PackedGrams {
    PackedGrams(
      exampleCount: exampleCount, centering: .unbiased, layers: layers,
      numbers: layers.indices.map { UnsafePointer(numbers + $0 * packedCount) }, owner: self,
      meter: meter)
  }

  /// Row i of a layer's packed triangle: √2·A_ij for j < i.
  func packedRow(_ i: Int, ofLayer layer: Int) -> UnsafePointer<Float> {
    UnsafePointer(numbers + layer * packedCount + i * (i - 1) / 2)
  }

  /// √2·A of one layer, n × n, with both triangles.
  func square(ofLayer layer: Int) -> [Float] {
    let n = exampleCount
    var square = [Float](repeating: 0, count: n * n)
    for i in 0..<n {
      let row = packedRow(i, ofLayer: layer)
      for j in 0..<i {
        square[i * n + j] = row[j]
        square[j * n + i] = row[j]
      }
    }
    return square
  }

  /// Writes the rows `rows` of A of all layers: layers × rows.count × n numbers.
  func copyRows(_ rows: Range<Int>, to destination: UnsafeMutablePointer<Double>) {
    let n = exampleCount
    let scale = 0.5.squareRoot()
    for layer in layers.indices {
      let target = destination + layer * rows.count * n
      for i in rows {
        let source = packedRow(i, ofLayer: layer)
        let row = target + (i - rows.lowerBound) * n
        for j in 0..<i { row[j] = Double(source[j]) * scale }
        row[i] = 0
      }
      // The rest of the rows is columns of the rows below: neighbors there are read together.
      for j in (rows.lowerBound + 1)..<max(n, rows.lowerBound + 1) {
        let source = packedRow(j, ofLayer: layer)
        for i in rows.lowerBound..<min(rows.upperBound, j) {
          target[(i - rows.lowerBound) * n + j] = Double(source[i]) * scale
        }
      }
    }
  }
}
