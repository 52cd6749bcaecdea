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

  /// The same of some examples, in ascending order.
  func square(ofLayer layer: Int, examples: [Int]) -> [Double] {
    let m = examples.count
    var square = [Double](repeating: 0, count: m * m)
    square.withUnsafeMutableBufferPointer { square in
      forEachRow(ofLayer: layer, examples) { a, row in
        for (b, example) in examples.prefix(a).enumerated() {
          square[a * m + b] = row[example]
          square[b * m + a] = row[example]
        }
      }
    }
    return square
  }

  /// Calls `body` with √2·A_ij, j < i, of some examples i, in ascending order: the place of i, and the numbers.
  private func forEachRow(
    ofLayer layer: Int, _ examples: some Collection<Int>,
    _ body: (_ place: Int, _ row: UnsafePointer<Double>) -> Void
  ) {
    // Zeros behind the numbers, for sums of eight at a time.
    let room = UnsafeMutablePointer<Double>.allocate(capacity: exampleCount + 7)
    defer { room.deallocate() }
    room.initialize(repeating: 0, count: exampleCount + 7)
    let exact = float64[layer]?.numbers.start()
    for (place, i) in examples.enumerated() {
      if let exact {
        room.update(from: exact + i * (i - 1) / 2, count: i)
      } else {
        let row = packedRow(i, ofLayer: layer)
        for j in 0..<i { room[j] = Double(row[j]) }
      }
      body(place, room)
    }
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

  /// Σⱼ A_kj² of every example k of each layer: layers × n.
  var weights: Matrix<Double> {
    let rows = concurrentMap(0..<layers.count) { self.weights(ofLayer: $0) }
    return Matrix(rows: layers.count, columns: exampleCount, elements: Array(rows.joined()))
  }

  /// Σⱼ A_kj² of every example k. They add up to ⟨A, A⟩.
  func weights(ofLayer layer: Int) -> [Double] {
    sums(ofLayer: layer, times: [Double](repeating: 1, count: exampleCount)) { 0.5 * $0 * $0 }
  }

  /// Σⱼ A_kj of every example k of some layers, 0 beside rounding.
  func rowSums(ofLayers layers: [Int]) -> [[Double]] {
    let ones = [Double](repeating: 1, count: exampleCount)
    return concurrentMap(0..<layers.count) { self.product(ofLayer: layers[$0], with: ones) }
  }

  /// A·v of one layer.
  func product(ofLayer layer: Int, with vector: [Double]) -> [Double] {
    let scale = 0.5.squareRoot()
    return sums(ofLayer: layer, times: vector) { scale * $0 }
  }

  /// Σⱼ f(√2·A_kj)·vⱼ of every example k, where f(0) = 0.
  @inline(__always)
  private func sums(
    ofLayer layer: Int, times vector: [Double], _ f: (SIMD8<Double>) -> SIMD8<Double>
  ) -> [Double] {
    let n = exampleCount
    // Each number of the triangle belongs to two rows.
    var sums = [Double](repeating: 0, count: n + 7)
    (vector + [Double](repeating: 0, count: 7)).withUnsafeBytes { vector in
      sums.withUnsafeMutableBytes { sums in
        forEachRow(ofLayer: layer, 0..<n) { i, row in
          let own = vector.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)
          var total = SIMD8<Double>()
          for place in stride(from: 0, to: 8 * i, by: 64) {
            let terms = f(
              UnsafeRawPointer(row).loadUnaligned(fromByteOffset: place, as: SIMD8<Double>.self))
            total += terms * vector.loadUnaligned(fromByteOffset: place, as: SIMD8<Double>.self)
            let others = sums.loadUnaligned(fromByteOffset: place, as: SIMD8<Double>.self)
            sums.storeBytes(
              of: others + terms * own, toByteOffset: place, as: SIMD8<Double>.self)
          }
          let sum = sums.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)
          sums.storeBytes(of: sum + total.sum(), toByteOffset: 8 * i, as: Double.self)
        }
      }
    }
    return Array(sums.prefix(n))
  }
}
