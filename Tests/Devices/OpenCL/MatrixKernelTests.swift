import Device
import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

/// Gram matrices of some layers on the device, as reduce.cl leaves them.
struct MatricesOnDevice {
  let runtime: Runtime
  let n: Int
  let centering: GramCentering
  let stride: Int
  let stack: Guarded<Float>
  let records: Buffer
  let chunk: ChunkMatrices
  let scratch: ChunkScratch
  let layerCount: Int

  /// - Parameter matrices: n × n, symmetric.
  init(
    _ runtime: Runtime, _ matrices: [[Float]], n: Int, centering: GramCentering,
    flags: [Flags] = []
  ) throws {
    self.runtime = runtime
    self.n = n
    self.centering = centering
    layerCount = matrices.count
    let shape = MatrixShape(part: .triangle(n), centering: centering)
    stride = shape.layerStride
    var packed: [Float] = []
    var diagonals: [Float] = []
    for matrix in matrices {
      let start = packed.count
      for i in 0..<n {
        for j in 0..<i { packed.append(matrix[i * n + j]) }
        if centering == .biased { packed.append(.nan) }  // The diagonal lies apart.
        diagonals.append(matrix[i * n + i])
      }
      packed += Array(repeating: .nan, count: start + stride - packed.count)
    }
    stack = try Guarded(runtime, packed)
    scratch = try ChunkScratch(runtime, layerCount: layerCount, exampleCount: n)
    let diagonalBuffer = try runtime.buffer(byteCount: layerCount * n * 4)
    try runtime.upload(diagonals, to: diagonalBuffer)
    let table = matrices.indices.map {
      LayerRecord(flags: $0 < flags.count ? flags[$0] : .varies)
    }
    let buffer = try runtime.buffer(byteCount: layerCount * 32)
    try table.withUnsafeBytes { bytes in
      try runtime.write(buffer, from: bytes, on: runtime.compute).wait()
    }
    records = buffer
    chunk = ChunkMatrices(
      stack: stack.buffer, diagonals: diagonalBuffer, firstLayer: 0, layerCount: layerCount,
      shape: shape, records: buffer)
  }

  func layerRecords() throws -> [LayerRecord] {
    try runtime.readArray(records, count: layerCount, of: LayerRecord())
  }

  /// Where entry (i, j), i ≥ j, of a layer lies.
  func index(_ layer: Int, _ i: Int, _ j: Int) -> Int {
    layer * stride + i * (i - 1) / 2 + (centering == .biased ? i : 0) + j
  }
}

struct CenteringKernelTests {
  @Test(arguments: Fixture.isSimulated ? [2, 5, 33] : [2, 4, 5, 31, 33, 130], [true, false])
  func centering(n: Int, float64: Bool) throws {
    for centering in GramCentering.allCases where n >= centering.leastExamples {
      // A context each: Oclgrind takes a buffer whose number was another's before for uninitialized.
      let runtime = try Fixture.runtime(float64: float64)
      var generator = SeededGenerator(seed: UInt64(n))
      let matrices = [1.0, 3e6, 1e-9].map { scale -> [Float] in
        var matrix = [Float](repeating: 0, count: n * n)
        for i in 0..<n {
          for j in 0...i {
            let value = Float((generator.normal() + (i == j ? 30 : 0.5)) * scale)
            matrix[i * n + j] = value
            matrix[j * n + i] = value
          }
        }
        return matrix
      }
      let device = try MatricesOnDevice(runtime, matrices, n: n, centering: centering)
      try runtime.center(device.chunk, using: device.scratch, isLinear: true)
      let stored = try device.stack.read()
      let records = try device.layerRecords()
      for (layer, matrix) in matrices.enumerated() {
        let k = matrix.map(Double.init)
        let hasZeroDiagonal = centering == .unbiased
        func kept(_ i: Int, _ j: Int) -> Double { hasZeroDiagonal && i == j ? 0 : k[i * n + j] }
        let divisor = Double(hasZeroDiagonal ? n - 2 : n)
        let sums = (0..<n).map { i in (0..<n).reduce(0) { $0 + kept(i, $1) } }
        let total = sums.reduce(0, +)
        let grand =
          hasZeroDiagonal ? total / (divisor * Double(n - 1)) : total / (divisor * divisor)
        let largest = (0..<n).flatMap { i in (0..<n).map { abs(kept(i, $0)) } }.max() ?? 0
        let exponent = Int(records[layer].gramExponent)
        let scale = Double(sign: .plus, exponent: -exponent, significand: 1)
        #expect((0.5..<1).contains(largest * scale))
        var squaredNorm = 0.0
        for i in 0..<n {
          for j in 0...i where !hasZeroDiagonal || i != j {
            let centered = k[i * n + j] - sums[i] / divisor - sums[j] / divisor + grand
            let weight = i == j ? 1 : 2.0.squareRoot()
            // Rounded twice, at numbers of at most 4 · √2.
            let error = abs(
              Double(stored[device.index(layer, i, j)]) - centered * scale * weight)
            #expect(error < 2 * 8 * 0x1p-24, "n \(n), layer \(layer), \(i), \(j)")
            squaredNorm += weight * weight * k[i * n + j] * k[i * n + j] * scale * scale
          }
        }
        let end = layer * device.stride + centering.packedCount(exampleCount: n)
        #expect(stored[end..<((layer + 1) * device.stride)].allSatisfy { $0 == 0 })
        // n² positive terms by a tree and runs of at most n / 64 · 64.
        #expect(abs(Double(records[layer].squaredNorm) / squaredNorm - 1) < 1e-5)
        let trace = (0..<n).reduce(0) { $0 + k[$1 * n + $1] } * scale
        #expect(abs(Double(records[layer].trace) / trace - 1) < 1e-5)
      }
    }
  }

  /// U-centering annihilates what float32 alone would not: a matrix of one value everywhere.
  @Test(arguments: [true, false]) func sumsAreWide(float64: Bool) throws {
    let n = Fixture.isSimulated ? 20 : 100
    let value: Float = 1.0 / 3
    let matrix = [Float](repeating: value, count: n * n)
    for centering in GramCentering.allCases {
      let runtime = try Fixture.runtime(float64: float64)
      let device = try MatricesOnDevice(runtime, [matrix], n: n, centering: centering)
      try runtime.center(device.chunk, using: device.scratch, isLinear: true)
      // Sums of 48 bits or more leave less than float32's own rounding by far.
      #expect(try device.stack.read().allSatisfy { abs($0) < 0x1p-40 })
    }
  }

  @Test func layersThatAreNotFiniteBecomeZeros() throws {
    let n = 10
    let nan = [Float](repeating: .nan, count: n * n)
    var good = [Float](repeating: 0, count: n * n)
    for i in 0..<n { good[i * n + i] = 1 }
    let device = try MatricesOnDevice(
      Fixture.runtime(), [nan, good], n: n, centering: .biased,
      flags: [[.varies, .notFinite], .varies])
    try device.runtime.center(device.chunk, using: device.scratch, isLinear: true)
    let stored = try device.stack.read()
    #expect(stored[..<device.stride].allSatisfy { $0 == 0 })
    #expect(stored[device.index(1, 0, 0)] == 0.45)
  }
}

struct RBFKernelTests {
  @Test(arguments: Fixture.isSimulated ? [2, 3, 16] : [2, 3, 4, 5, 16, 31, 65])
  func medianAndExponentials(n: Int) throws {
    let runtime = try Fixture.runtime()
    let layers = [1.0, 1e4, 1e-7].map { Activations64.normal(n: n, p: 3, seed: 5, scale: $0) }
    let matrices = layers.map { Oracle.gram($0, .linear).map { Float($0) } }
    let device = try MatricesOnDevice(runtime, matrices, n: n, centering: .biased)
    for multiple in [0.5] {
      try runtime.applyRBF(
        BandwidthRule(medianMultiple: multiple, layerCount: matrices.count, on: runtime),
        to: device.chunk, using: device.scratch)
      let stored = try device.stack.read()
      let records = try device.layerRecords()
      for (layer, matrix) in matrices.enumerated() {
        // The kernel's own float32 arithmetic, so that the median is exact.
        func distance(_ i: Int, _ j: Int) -> Float {
          i == j
            ? 0
            : max((matrix[i * n + i] + matrix[j * n + j]).addingProduct(-2, matrix[i * n + j]), 0)
        }
        let all = (0..<n).flatMap { i in (0..<n).map { distance(max(i, $0), min(i, $0)) } }
          .sorted()
        let low = all[(n * n - 1) / 2]
        let high = all[n * n / 2]
        let squared = Float(multiple * multiple) * (low == high ? low : 0.5 * low + 0.5 * high)
        #expect(records[layer].bandwidth == squared, "n \(n)")
        let trace = (0..<n).reduce(Float(0)) { $0 + matrix[$1 * n + $1] }
        #expect(abs(records[layer].trace / trace - 1) < 1e-5)
        let lessOne = records[layer].flags.contains(.lessOne)
        for i in 0..<n {
          for j in 0..<i {
            let exponent = -Double(distance(i, j)) / (2 * Double(squared))
            let truth = lessOne ? expm1(exponent) : exp(exponent)
            // `exp` may err by 3 units in the last place, its argument by one of its own.
            let bound = (4 + abs(exponent)) * 0x1p-23 * max(abs(truth), 1e-30)
            #expect(abs(Double(stored[device.index(layer, i, j)]) - truth) < bound)
          }
        }
      }
    }
  }

  @Test func givenBandwidth() throws {
    let n = 12
    let x = Activations64.normal(n: n, p: 3, seed: 6)
    let matrix = Oracle.gram(x, .linear).map { Float($0) }
    for (sigma, isLessOne) in [(0.4, false), (50, true), (1e-30, false), (1e30, true)] {
      let device = try MatricesOnDevice(Fixture.runtime(), [matrix], n: n, centering: .unbiased)
      try device.runtime.applyRBF(
        BandwidthRule(sigmas: [sigma], on: device.runtime), to: device.chunk, using: device.scratch)
      let record = try device.layerRecords()[0]
      #expect(record.flags.contains(.lessOne) == isLessOne)
      #expect(!record.flags.contains(.noBandwidth))
      let stored = try device.stack.read()[..<(n * (n - 1) / 2)]
      #expect(stored.allSatisfy { $0.isFinite })
      if sigma == 1e-30 { #expect(stored.allSatisfy { $0 == 0 }) }
    }
  }

  @Test func noBandwidth() throws {
    let n = 8
    let matrix = [Float](repeating: 2, count: n * n)
    let device = try MatricesOnDevice(Fixture.runtime(), [matrix], n: n, centering: .unbiased)
    try device.runtime.applyRBF(
      BandwidthRule(medianMultiple: 1, layerCount: 1, on: device.runtime), to: device.chunk,
      using: device.scratch)
    #expect(try device.layerRecords()[0].flags.contains(.noBandwidth))
  }
}

struct PairKernelTests {
  static let shapes = [
    TileShape(tile: 32, rows: 4, columns: 4, depth: 8),
    TileShape(tile: 64, rows: 4, columns: 8, depth: 32),
    TileShape(tile: 32, rows: 8, columns: 4, depth: 16),
  ]

  /// The bits are the same whatever the shape: each sum has one order.
  @Test(arguments: Fixture.isSimulated ? Array(shapes.suffix(1)) : shapes)
  func otherTiles(shape: TileShape) throws {
    #expect(shape.isValid)
    let stride = Fixture.isSimulated ? 96 : 4224
    let rows = 37
    var generator = SeededGenerator(seed: 4)
    let numbers = (0..<(rows * stride)).map { _ in Float(generator.normal()) }
    func block(_ shape: TileShape) throws -> Matrix<Double> {
      let description = try Fixture.description()
      var tuning = Fixture.tuning(float64: true)
      tuning.pair = shape
      let runtime = try Runtime(
        description, limits: OpenCLLimits(description), tuning: tuning)
      let buffer = try Guarded(runtime, numbers)
      return try runtime.blockOfProducts(
        buffer.buffer, rows, buffer.buffer, rows, layerStride: stride, which: .symmetric)
    }
    let usual = try block(TileShape(tile: 32, rows: 4, columns: 4, depth: 32))
    #expect(try block(shape) == usual)
  }

  @Test(
    arguments: Fixture.isSimulated
      ? [(3, 5, 160), (33, 5, 32)] : [(1, 1, 32), (3, 5, 96), (33, 40, 4128), (65, 2, 9000)],
    [true, false])
  func products(shape: (Int, Int, Int), float64: Bool) throws {
    let stride = shape.2.roundedUp(to: 32)
    let (rows, columns) = (shape.0, shape.1)
    var generator = SeededGenerator(seed: 3)
    let left = (0..<(rows * stride)).map { _ in Float(generator.normal()) }
    let right = (0..<(columns * stride)).map { _ in Float(generator.normal()) }
    // A runtime of its own for each: Oclgrind takes memory that is handed out again, as a second
    // call's sums would be, for uninitialized.
    func block(_ other: [Float]?, which: Runtime.Pairs) throws -> Matrix<Double> {
      let runtime = try Fixture.runtime(float64: float64)
      let leftBuffer = try Guarded(runtime, left)
      let rightBuffer = try other.map { try Guarded(runtime, $0) } ?? leftBuffer
      return try runtime.blockOfProducts(
        leftBuffer.buffer, rows, rightBuffer.buffer, other == nil ? rows : columns,
        layerStride: stride, which: which)
    }
    func dot(_ a: [Float], _ i: Int, _ b: [Float], _ j: Int) -> (Double, Double) {
      var sum = 0.0
      var size = 0.0
      for k in 0..<stride {
        let product = Double(a[i * stride + k]) * Double(b[j * stride + k])
        sum += product
        size += product * product
      }
      return (sum, size.squareRoot())
    }
    // Runs of 128 float32 products: a random walk of at most √size, rounded 128 times a run.
    func bound(_ size: Double) -> Double { 40 * 0x1p-24 * size + 1e-12 }

    let all = try block(right, which: .all)
    for i in 0..<rows {
      for j in 0..<columns {
        let (truth, size) = dot(left, i, right, j)
        #expect(abs(all[i, j] - truth) < bound(size))
      }
    }
    let own = try block(nil, which: .symmetric)
    let full = try block(nil, which: .all)
    let equal = try block(nil, which: .equal)
    #expect(own == full)
    for i in 0..<rows {
      #expect(own[i, i] == equal[i, 0])
      for j in 0..<i { #expect(own[i, j] == own[j, i]) }
    }
  }
}
