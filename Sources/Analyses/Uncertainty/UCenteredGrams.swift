import Activations
import CKA
import Device
import Support

/// The centered Gram matrices of all layers of one model over the same examples, in memory.
///
/// U-centered matrices A have a zero diagonal and rows that add up to zero: ⟨A, B⟩ = n(n−3)·HSIC₁. Each
/// layer is in units of its own power of two, which CKA does not see.
///
/// Layers that were made anew in float64 are kept so, too: without an example that holds nearly all of a matrix,
/// what is left may be below the rounding of float32.
final class UCenteredGrams: @unchecked Sendable {
  // @unchecked: nobody writes to the numbers once others see them.

  /// n.
  let exampleCount: Int
  private(set) var layers: [GramSummary]
  /// Hears of what is done with them.
  let meter: WorkMeter?
  /// Of each layer the packed lower triangle without its diagonal, times √2.
  private let numbers: PackedTriangles<Float>
  /// The triangles of some layers in float64, in the units of `layers`, and ‖E‖ of each.
  private var float64: [Int: (numbers: PackedTriangles<Double>, rounding: Double)] = [:]

  /// A copy of `stack`'s matrices, which are U-centered.
  init<D: PackedDevice>(
    _ stack: D.Stack, exampleCount: Int, on device: D, meter: WorkMeter?
  ) throws(DeviceError) {
    self.exampleCount = exampleCount
    self.meter = meter
    layers = stack.layers
    numbers = PackedTriangles(
      layers: layers.count,
      count: GramCentering.unbiased.packedCount(exampleCount: exampleCount))
    for layer in layers.indices {
      try device.copyNumbers(ofLayer: layer, of: stack, to: numbers[layer])
    }
  }

  /// Makes some layers anew in float64, rounds what centering leaves of them to float32, and keeps both of as many
  /// as `memory` bytes have room for.
  func makeAnew(
    _ chosen: [Int], of minibatch: Minibatch, kernel: GramKernel, memory: Int
  ) throws(DeviceError) {
    guard !chosen.isEmpty else { return }
    let whole = NarrowedGrams.bytes(exampleCount: exampleCount)
    let kept = max(memory - whole, 0) / (8 * packedCount)
    let grams = NarrowedGrams(
      of: minibatch, kernel: kernel, centering: .unbiased,
      memory: memory - min(kept, chosen.count) * 8 * packedCount)
    meter?.beginFloat64(grams.flops(ofLayers: chosen))
    defer { meter?.end() }
    for (place, layer) in chosen.enumerated() {
      let narrowed = numbers.start(ofLayer: layer)
      if place < kept {
        let exact = PackedTriangles<Double>(count: packedCount)
        let made = try grams.write(layer: layer, to: narrowed, exact: exact.start())
        layers[layer] = made.summary
        float64[layer] = (exact, made.rounding)
      } else {
        layers[layer] = try grams.write(layer: layer, to: narrowed)
      }
    }
  }

  /// Becomes the matrices `other` of the same examples in another order, in float32: row and column i are `order[i]`'s.
  func take(_ other: UCenteredGrams, in order: [Int]) {
    perform(layers.count) { layer in
      let source = other.packedRow(1, ofLayer: layer)
      var target = numbers.start(ofLayer: layer)
      for i in 1..<exampleCount {
        for j in 0..<i {
          let (high, low) = (max(order[i], order[j]), min(order[i], order[j]))
          target.pointee = source[high * (high - 1) / 2 + low]
          target += 1
        }
      }
    }
  }

  /// Room for as many matrices of as many examples, with any numbers.
  init(like other: UCenteredGrams) {
    exampleCount = other.exampleCount
    meter = other.meter
    layers = other.layers
    numbers = PackedTriangles(layers: layers.count, count: other.packedCount)
  }

  private var packedCount: Int { numbers.count }

  /// The matrices as a device takes them.
  var packed: PackedGrams {
    PackedGrams(
      exampleCount: exampleCount, centering: .unbiased, layers: layers,
      numbers: layers.indices.map { UnsafePointer(numbers.start(ofLayer: $0)) }, owner: self,
      meter: meter)
  }

  /// Row i of a layer's packed triangle, rounded to float32: √2·A_ij for j < i.
  func packedRow(_ i: Int, ofLayer layer: Int) -> UnsafePointer<Float> {
    UnsafePointer(numbers.start(ofLayer: layer) + i * (i - 1) / 2)
  }

  /// Whether there is a matrix in float64 of a layer.
  func isFloat64(layer: Int) -> Bool { float64[layer] != nil }

  /// Bytes of the triangles in float64.
  var float64Bytes: Int { 8 * packedCount * float64.count }

  /// ‖E‖ of the most precise matrix that there is of a layer.
  func rounding(ofLayer layer: Int) -> Double {
    float64[layer]?.rounding ?? layers[layer].roundingNorm
  }
}

// Each of these reads the most precise matrix that there is of a layer.
extension UCenteredGrams {
  /// √2·A of one layer, n × n, with both triangles.
  func square(ofLayer layer: Int) -> [Double] {
    let n = exampleCount
    var square = [Double](repeating: 0, count: n * n)
    square.withUnsafeMutableBufferPointer { square in
      guard let start = square.baseAddress else { return }
      copyRows(0..<n, layers: [layer], scale: 1, to: start)
    }
    return square
  }

  /// Writes the rows `rows` of A of some layers: layers × rows.count × n numbers.
  func copyRows(
    _ rows: Range<Int>, layers: [Int], to destination: UnsafeMutablePointer<Double>
  ) {
    copyRows(rows, layers: layers, scale: 0.5.squareRoot(), to: destination)
  }

  private func copyRows(
    _ rows: Range<Int>, layers: [Int], scale: Double, to destination: UnsafeMutablePointer<Double>
  ) {
    for (place, layer) in layers.enumerated() {
      let target = destination + place * rows.count * exampleCount
      if let exact = float64[layer] {
        copyRows(rows, of: exact.numbers.start(), scale: scale, to: target)
      } else {
        copyRows(rows, of: numbers.start(ofLayer: layer), scale: scale, to: target)
      }
    }
  }

  private func copyRows<Number: BinaryFloatingPoint>(
    _ rows: Range<Int>, of triangle: UnsafePointer<Number>, scale: Double,
    to target: UnsafeMutablePointer<Double>
  ) {
    let n = exampleCount
    for i in rows {
      let source = triangle + i * (i - 1) / 2
      let row = target + (i - rows.lowerBound) * n
      for j in 0..<i { row[j] = Double(source[j]) * scale }
      row[i] = 0
    }
    // The rest of the rows is columns of the rows below: neighbors there are read together.
    for j in (rows.lowerBound + 1)..<max(n, rows.lowerBound + 1) {
      let source = triangle + j * (j - 1) / 2
      for i in rows.lowerBound..<min(rows.upperBound, j) {
        target[(i - rows.lowerBound) * n + j] = Double(source[i]) * scale
      }
    }
  }

  /// ⟨A, A⟩ of each layer.
  var squaredNorms: [Double] {
    concurrentMap(0..<layers.count) { layer in
      self.float64[layer].map { self.squaredNorm($0.numbers.start()) }
        ?? self.squaredNorm(self.numbers.start(ofLayer: layer))
    }
  }

  private func squaredNorm<Number: BinaryFloatingPoint>(
    _ triangle: UnsafePointer<Number>
  ) -> Double {
    var sum = 0.0
    for index in 0..<packedCount { sum += Double(triangle[index]) * Double(triangle[index]) }
    return sum
  }

  /// Σⱼ A_kj² of every example k of each layer: layers × n.
  var weights: Matrix<Double> {
    let rows = concurrentMap(0..<layers.count) { self.sumsOverRows(ofLayer: $0) { $0 * $0 } }
    return Matrix(rows: layers.count, columns: exampleCount, elements: Array(rows.joined()))
  }

  /// Σⱼ A_kj of every example k of some layers, 0 beside rounding.
  func rowSums(ofLayers layers: [Int]) -> [[Double]] {
    concurrentMap(0..<layers.count) { self.sumsOverRows(ofLayer: layers[$0]) { $0 } }
  }

  private func sumsOverRows(
    ofLayer layer: Int, _ term: (Double) -> Double
  ) -> [Double] {
    if let exact = float64[layer] { return sumsOverRows(of: exact.numbers.start(), term) }
    return sumsOverRows(of: numbers.start(ofLayer: layer), term)
  }

  @inline(__always)
  private func sumsOverRows<Number: BinaryFloatingPoint>(
    of triangle: UnsafePointer<Number>, _ term: (Double) -> Double
  ) -> [Double] {
    let scale = 0.5.squareRoot()
    var sums = [Double](repeating: 0, count: exampleCount)
    sums.withUnsafeMutableBufferPointer { sums in
      var source = triangle
      for i in 0..<exampleCount {
        var sum = 0.0
        for j in 0..<i {
          let value = term(Double(source[j]) * scale)
          sum += value
          sums[j] += value
        }
        sums[i] = sum
        source += i
      }
    }
    return sums
  }
}
