import Activations
import Foundation
import TestSupport
import Testing

@testable import Features

/// What a slab must hold: differences from the mean, in float64.
private func centered(_ columns: [[Double]]) -> [[Double]] {
  columns.map { column in
    let mean = column.reduce(0, +) / Double(column.count)
    return column.map { $0 - mean }
  }
}

private func read(_ layer: LayerActivations, _ examples: [Int]) throws -> (
  values: [Float], statistics: SlabStatistics
) {
  var slabs = FeatureReader(layer: layer, examples: examples)
  var values = [Float](repeating: .nan, count: examples.count * slabs.featureCount)
  let statistics = try slabs.read(
    0..<slabs.featureCount, into: &values, rowStride: slabs.featureCount)
  return (values, statistics)
}

@Suite struct FeatureReaderTests {
  static let n = 9
  static let p = 5

  /// Small whole numbers, which every type holds.
  static let numbers = (0..<(n * p)).map { ($0 * 37) % 101 }

  private func check(_ layer: LayerActivations, examples: [Int] = [7, 0, 3, 8, 2]) throws {
    let result = try read(layer, examples)
    #expect(result.statistics == SlabStatistics(exponent: 0, isFinite: true, isConstant: false))
    let expected = centered(
      (0..<Self.p).map { k in examples.map { Double(Self.numbers[$0 * Self.p + k]) } })
    for (row, _) in examples.enumerated() {
      for k in 0..<Self.p {
        // The mean is rounded to float32 near 50 (2⁻¹⁹), which shifts all rows alike.
        #expect(abs(Double(result.values[row * Self.p + k]) - expected[k][row]) < 1e-5)
      }
    }
  }

  private func layer<T: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _ type: ScalarType, _ make: (Int) -> T, swapped: Bool, _ order: MemoryOrder
  ) -> LayerActivations {
    var values = Self.numbers.map(make)
    if order == .columnMajor {
      values = (0..<values.count).map { make(Self.numbers[$0 % Self.n * Self.p + $0 / Self.n]) }
    }
    return LayerActivations(
      name: "x", values: swapped ? values.map(\.byteSwapped) : values, scalarType: type,
      exampleCount: Self.n, featureAxes: [Self.p], isByteSwapped: swapped, memoryOrder: order)
  }

  @Test(arguments: [false, true], [MemoryOrder.rowMajor, .columnMajor])
  func everyTypeAndOrder(swapped: Bool, order: MemoryOrder) throws {
    try check(layer(.float16, { Float16($0).bitPattern }, swapped: swapped, order))
    try check(layer(.bfloat16, { UInt16(Float($0).bitPattern >> 16) }, swapped: swapped, order))
    try check(layer(.float32, { Float($0).bitPattern }, swapped: swapped, order))
    try check(layer(.float64, { Double($0).bitPattern }, swapped: swapped, order))
    try check(layer(.int8, { Int8($0) }, swapped: swapped, order))
    try check(layer(.int16, { Int16($0) }, swapped: swapped, order))
    try check(layer(.int32, { Int32($0) }, swapped: swapped, order))
    try check(layer(.int64, { Int64($0) }, swapped: swapped, order))
    try check(layer(.uint8, { UInt8($0) }, swapped: swapped, order))
    try check(layer(.uint16, { UInt16($0) }, swapped: swapped, order))
    try check(layer(.uint32, { UInt32($0) }, swapped: swapped, order))
    try check(layer(.uint64, { UInt64($0) }, swapped: swapped, order))
  }

  /// Examples that a layer does not have were read from foreign memory.
  @Test(arguments: [MemoryOrder.rowMajor, .columnMajor], [[0, 4], [-1], [0, .max], [.min]])
  func readsOnlyExamplesThatAreThere(order: MemoryOrder, examples: [Int]) {
    let layer = LayerActivations(
      name: "x", values: (0..<12).map(Float.init), scalarType: .float32, exampleCount: 4,
      featureAxes: [3], memoryOrder: order)
    for example in examples where !(0..<4).contains(example) {
      #expect(throws: ActivationReadError.self) { try layer.row(example) }
      #expect(throws: ActivationReadError.self) {
        var number: Float = 0
        try withUnsafeMutableBytes(of: &number) { (bytes) throws in
          guard let start = bytes.baseAddress else { return }
          try layer.read(0..<4, of: example, into: start)
        }
      }
    }
    #expect(throws: ActivationReadError.self) { try layer.numbers(of: 0..<1000) }
    #expect(throws: ActivationReadError.self) { try layer.numbers(of: -1..<2) }
    #expect(throws: ActivationReadError.self) { try read(layer, examples) }
    #expect(throws: ActivationReadError.self) {
      var slabs = FeatureReader(layer: layer.asFile(), examples: examples, mappedBytes: 0)
      var values = [Float](repeating: 0, count: 3 * examples.count)
      _ = try slabs.read(0..<3, into: &values, rowStride: 3)
    }
    layer.prefetch(examples.sorted())
    Minibatch(layers: [layer], examples: examples).prefetch()
    layer.evict(columns: -3..<700)
  }

  /// A block of fewer bytes than its shape promises.
  @Test func readsOnlyNumbersThatAreThere() throws {
    let whole = LayerActivations(
      name: "x", values: (0..<12).map(Float.init), scalarType: .float32, exampleCount: 4,
      featureAxes: [3])
    let block = try #require(whole.blocks.first)
    let short = LayerActivations.Block(
      firstExample: 0, exampleCount: 4,
      bytes: UnsafeRawBufferPointer(rebasing: block.bytes[..<44]), storage: block.storage)
    let layer = LayerActivations(
      name: "x", shape: whole.shape, scalarType: .float32, blocks: [short])
    #expect(throws: ActivationReadError.self) { try layer.row(0) }
    #expect(throws: ActivationReadError.self) { try read(layer, [0, 1]) }
  }

  /// Every bit pattern beside zero; the numbers are those of another reader.
  @Test(arguments: [ScalarType.float8e4m3, .float8e5m2]) func float8(type: ScalarType) throws {
    let table: [String: [String]] = try fixture("float8")
    let numbers = try #require(table[type.rawValue]).map { try #require(Double($0)) }
    #expect(numbers.count == 256)
    let patterns = (0...255).map { UInt8($0) }
    let layer = LayerActivations(
      name: "x", values: [UInt8](repeating: 0, count: 256) + patterns, scalarType: type,
      exampleCount: 2, featureAxes: [256])
    let read = try layer.numbers(of: 1..<2)
    for (bits, number) in numbers.enumerated() {
      #expect(number.isNaN ? read[bits].isNaN : read[bits] == number, "\(bits)")
      var slabs = FeatureReader(layer: layer, examples: [0, 1])
      var values: [Float] = [.nan, .nan]
      let statistics = try slabs.read(bits..<(bits + 1), into: &values, rowStride: 1)
      #expect(statistics.isFinite == number.isFinite, "\(bits)")
      if number.isFinite {
        // The differences from the mean, ± half of the number, are exact.
        let scale = Double(sign: .plus, exponent: statistics.exponent, significand: 1)
        #expect(Double(values[1]) * scale == number / 2, "\(bits)")
        #expect(Double(values[0]) * scale == -number / 2, "\(bits)")
      }
    }
  }

  @Test func boolsAreZeroAndOne() throws {
    let values: [UInt8] = [0, 1, 255, 0]
    let layer = LayerActivations(
      name: "x", values: values, scalarType: .bool, exampleCount: 4, featureAxes: [])
    #expect(try read(layer, [0, 1, 2, 3]).values == [-0.5, 0.5, 0.5, -0.5])
  }

  @Test func integersKeepTheirDifferences() throws {
    // Near 2⁶³ float64 is 1,024 apart; the differences are 1 to 4.
    let big: [Int64] = [.max - 4, .max - 3, .max - 2, .max - 1, .max]
    let layer = LayerActivations(
      name: "x", values: big, scalarType: .int64, exampleCount: 5, featureAxes: [1])
    #expect(try read(layer, [0, 1, 2, 3, 4]).values == [-2, -1, 0, 1, 2])
    let unsigned: [UInt64] = [.max, .max - 1, .max - 2]
    let other = LayerActivations(
      name: "x", values: unsigned, scalarType: .uint64, exampleCount: 3, featureAxes: [1])
    #expect(try read(other, [0, 1, 2]).values == [1, 0, -1])
    // The whole range: a difference that overflows Int64.
    let wide = LayerActivations(
      name: "x", values: [Int64.min, .max], scalarType: .int64, exampleCount: 2, featureAxes: [1])
    let result = try read(wide, [0, 1])
    #expect(result.statistics.exponent == 64)
    #expect(result.values == [-0.5, 0.5])
  }

  @Test func float64KeepsItsDifferences() throws {
    let values = [1e9, 1e9 + 1e-3, 1e9 + 2e-3]
    let layer = LayerActivations(
      name: "x", values: values, scalarType: .float64, exampleCount: 3, featureAxes: [1])
    let result = try read(layer, [0, 1, 2]).values
    // Float64 is 1.2e-7 apart at 1e9.
    #expect(abs(Double(result[2] - result[0]) - 2e-3) < 3e-7)
  }

  @Test(arguments: [1e-300, 1e-38, 1e-18, 1e18, 1e38, 1e300]) func farScales(scale: Double) throws {
    let values = [-1.0, 0.25, 0.75].map { $0 * scale }
    let layer =
      abs(log10(scale)) < 38.5
      ? LayerActivations(
        name: "x", values: values.map { Float($0) }, scalarType: .float32, exampleCount: 3,
        featureAxes: [1])
      : LayerActivations(
        name: "x", values: values, scalarType: .float64, exampleCount: 3, featureAxes: [1])
    let result = try read(layer, [0, 1, 2])
    #expect(result.statistics.isFinite && result.statistics.exponent % 32 == 0)
    for (found, expected) in zip(result.values, values) {
      let value = Double(found) * exp2(Double(result.statistics.exponent))
      #expect(abs(value - expected) <= 1e-6 * scale)
      #expect(abs(found) < 0x1p17 && abs(found) > 0x1p-19)
    }
  }

  @Test func tellsOfNonFiniteAndConstantLayers() throws {
    for type in [ScalarType.float32, .float64] {
      for bad in [Double.nan, .infinity] {
        let values = [1, 2, bad, 4]
        let layer =
          type == .float64
          ? LayerActivations(
            name: "x", values: values, scalarType: type, exampleCount: 4, featureAxes: [])
          : LayerActivations(
            name: "x", values: values.map { Float($0) }, scalarType: type, exampleCount: 4,
            featureAxes: [])
        #expect(try !read(layer, [0, 1, 2, 3]).statistics.isFinite)
        #expect(try read(layer, [0, 1, 3]).statistics.isFinite)
      }
    }
    let constant = LayerActivations(
      name: "x", values: [Float](repeating: 0.1, count: 30), scalarType: .float32,
      exampleCount: 10, featureAxes: [3])
    #expect(try read(constant, Array(0..<10)).statistics.isConstant)
  }

  @Test(arguments: [MemoryOrder.rowMajor, .columnMajor]) func meansOverPositions(order: MemoryOrder)
    throws
  {
    // The axes of one shape mean this or that: only the layout tells.
    for (axes, layout) in [
      ([2, 3, 2], LayerShape.Layout.channelsFirst), ([3, 2, 2], .channelsLast),
      ([4, 3], .channelsFirst), ([3, 4], .channelsLast),
    ] {
      let n = 4
      let p = 12
      let logical = (0..<(n * p)).map { Float(($0 * 29) % 53) }
      var stored = logical
      if order == .columnMajor {
        // Example fastest, then the axes from the first to the last.
        let lengths = [n] + axes
        for index in logical.indices {
          var rest = index
          var place = 0
          for axis in lengths.indices.reversed() {
            let coordinate = rest % lengths[axis]
            rest /= lengths[axis]
            place += coordinate * lengths[..<axis].reduce(1, *)
          }
          stored[place] = logical[index]
        }
      }
      let layer = LayerActivations(
        name: "x", values: stored, scalarType: .float32, exampleCount: n, featureAxes: axes,
        memoryOrder: order, pooling: .mean(layout))
      let channels = layout == .channelsFirst ? axes[0] : axes[axes.count - 1]
      #expect(layer.featureCount == channels)
      let columns = (0..<channels).map { channel in
        (0..<n).map { example in
          let features = (0..<p).filter {
            channel == (layout == .channelsLast ? $0 % channels : $0 / (p / channels))
          }
          return features.reduce(0.0) { $0 + Double(logical[example * p + $1]) }
            / Double(features.count)
        }
      }
      let expected = centered(columns)
      let found = try read(layer, Array(0..<n)).values
      for i in 0..<n {
        for k in 0..<channels {
          #expect(abs(Double(found[i * channels + k]) - expected[k][i]) < 1e-5)
        }
      }
    }
  }

  /// Rows from a file are copied in runs: whatever the shape of the slabs, the numbers are those of
  /// rows in memory, to the bit.
  @Test(arguments: [LayerShape.Pooling.flatten, .mean(.channelsFirst), .mean(.channelsLast)])
  func stagedRowsAreTheSame(
    pooling: LayerShape.Pooling
  ) throws {
    for axes in [[700], [30, 7, 3], [5, 260], [9000]] {
      let n = 23
      let p = axes.reduce(1, *)
      let values = Activations64.normal(n: n, p: p, seed: 7).values
      let layers = [
        LayerActivations(
          name: "x", values: values.map { Float($0) }, scalarType: .float32, exampleCount: n,
          featureAxes: axes, pooling: pooling),
        LayerActivations(
          name: "x", values: values, scalarType: .float64, exampleCount: n, featureAxes: axes,
          pooling: pooling),
      ]
      for layer in layers {
        let examples = [4, 0, 22, 7, 8]
        var direct = FeatureReader(layer: layer, examples: examples)
        var staged = FeatureReader(layer: layer.asFile(), examples: examples, mappedBytes: 0)
        for slab in [256, 100] {
          for start in stride(from: 0, to: layer.featureCount, by: slab) {
            let range = start..<min(start + slab, layer.featureCount)
            var expected = [Float](repeating: .nan, count: examples.count * slab)
            var found = expected
            let statistics = try direct.read(range, into: &expected, rowStride: slab)
            #expect(try staged.read(range, into: &found, rowStride: slab) == statistics)
            let bits = { (values: [Float]) in values.map(\.bitPattern) }
            #expect(bits(found) == bits(expected), "\(axes) \(range)")
          }
        }
      }
    }
  }

  @Test func aFileThatCannotBeReadIsAnError() {
    let layer = LayerActivations(
      name: "x", values: [Float](repeating: 1, count: 12), scalarType: .float32, exampleCount: 4,
      featureAxes: [3])
    let storage = FileLike(layer.blocks[0].storage, isBroken: true)
    for mappedBytes in [0, 1 << 20] {
      var slabs = FeatureReader(
        layer: layer.with(storage), examples: [0, 1, 2, 3], mappedBytes: mappedBytes)
      var values = [Float](repeating: 0, count: 12)
      #expect(throws: ActivationReadError.self) {
        _ = try slabs.read(0..<3, into: &values, rowStride: 3)
      }
    }
  }
}

/// Memory that says it is a file.
final class FileLike: ActivationStorage {
  let storage: any ActivationStorage
  let isBroken: Bool

  init(_ storage: any ActivationStorage, isBroken: Bool = false) {
    self.storage = storage
    self.isBroken = isBroken
  }

  var isFile: Bool { true }

  func check(_ bytes: UnsafeRawBufferPointer) throws(ActivationReadError) {
    if isBroken { throw ActivationReadError(path: "x.npy", reason: "was cut short") }
  }

  func read(
    _ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer
  ) throws(ActivationReadError) {
    if isBroken { throw ActivationReadError(path: "x.npy", reason: "was cut short") }
    try storage.read(bytes, into: destination)
  }

  func isCached(_ bytes: UnsafeRawBufferPointer) -> Bool { true }
  func prefetch(_ bytes: UnsafeRawBufferPointer) {}
  func evict(_ bytes: UnsafeRawBufferPointer) {}
}

extension LayerActivations {
  func asFile() -> LayerActivations { with(FileLike(blocks[0].storage)) }

  fileprivate func with(_ storage: any ActivationStorage) -> LayerActivations {
    LayerActivations(
      name: name, shape: shape, scalarType: scalarType, isByteSwapped: isByteSwapped,
      memoryOrder: memoryOrder,
      blocks: [
        Block(
          firstExample: 0, exampleCount: shape.exampleCount, bytes: blocks[0].bytes,
          storage: storage)
      ], pooling: pooling)
  }
}
