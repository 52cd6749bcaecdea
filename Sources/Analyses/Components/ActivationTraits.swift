import Activations
import Support

/// What is counted of one layer's stored numbers, before any pooling.
public struct ActivationTraits: Sendable {
  /// How many of all numbers are 0.
  public let zeroFraction: Double
  /// ‖xᵢ‖ of each example, in units of the activations; NaN or infinite where a number is.
  public let norms: [Double]

  /// The traits of `examples` of each layer; all numbers are read once, on all cores.
  public static func traits(
    of layers: [LayerActivations], examples: [Int]
  ) throws(ActivationReadError) -> [ActivationTraits] {
    let results = concurrentMap(0..<layers.count) { index in
      Result { () throws(ActivationReadError) in
        try ActivationTraits(layers[index], examples: examples)
      }
    }
    var traits: [ActivationTraits] = []
    for result in results { traits.append(try result.get()) }
    return traits
  }

  private init(_ layer: LayerActivations, examples: [Int]) throws(ActivationReadError) {
    if let other = examples.first(where: { !(0..<layer.shape.exampleCount).contains($0) }) {
      throw ActivationReadError(
        path: layer.name,
        reason: "has \(layer.shape.exampleCount) examples, and no example \(other)")
    }
    let count = layer.shape.featureCount
    let size = layer.scalarType.size
    let room = UnsafeMutableRawPointer.allocate(
      byteCount: max(layer.bytesPerExample, 1), alignment: 16)
    defer { room.deallocate() }
    if layer.memoryOrder == .columnMajor { try layer.check() }
    var zeros = 0
    var norms: [Double] = []
    norms.reserveCapacity(examples.count)
    for example in examples {
      var row = (start: UnsafeRawPointer(room), featureStride: size)
      switch layer.memoryOrder {
      case .rowMajor: try layer.read(0..<layer.bytesPerExample, of: example, into: room)
      case .columnMajor: row = try layer.row(example)
      }
      func sums(scale: Double) -> (square: Double, zeros: Int) {
        Self.sums(
          row.start, stride: row.featureStride, count: count, layer.scalarType,
          isSwapped: layer.isByteSwapped, scale: scale)
      }
      let (square, ofRow) = sums(scale: 1)
      zeros += ofRow
      if square < 0x1p-900 && ofRow < count || square == .infinity {
        // Squares beyond float64's range, of numbers within it.
        let scale = square == .infinity ? 0x1p-600 : 0x1p600
        norms.append(sums(scale: scale).square.squareRoot() / scale)
      } else {
        norms.append(square.squareRoot())
      }
    }
    layer.evict()
    zeroFraction = Double(zeros) / Double(max(count * examples.count, 1))
    self.norms = norms
  }

  /// Σ(scale·x)² and how many are 0.
  private static func sums(
    _ start: UnsafeRawPointer, stride: Int, count: Int, _ type: ScalarType, isSwapped: Bool,
    scale: Double
  ) -> (square: Double, zeros: Int) {
    @inline(__always) func sums<Integer: FixedWidthInteger>(
      _ integer: Integer.Type, _ value: (Integer) -> Double
    ) -> (square: Double, zeros: Int) {
      var (square, zeros) = (0.0, 0)
      for index in 0..<count {
        let stored = start.loadUnaligned(fromByteOffset: index * stride, as: Integer.self)
        let number = value(isSwapped ? stored.byteSwapped : stored)
        square += (scale * number) * (scale * number)
        zeros += number == 0 ? 1 : 0
      }
      return (square, zeros)
    }
    return switch type {
    case .float16: sums(UInt16.self) { Double(Float16(bitPattern: $0)) }
    case .bfloat16: sums(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .float8e4m3: sums(UInt8.self) { ScalarType.float8e4m3($0) }
    case .float8e5m2: sums(UInt8.self) { ScalarType.float8e5m2($0) }
    case .float32: sums(UInt32.self) { Double(Float(bitPattern: $0)) }
    case .float64: sums(UInt64.self) { Double(bitPattern: $0) }
    case .int8: sums(Int8.self) { Double($0) }
    case .int16: sums(Int16.self) { Double($0) }
    case .int32: sums(Int32.self) { Double($0) }
    case .int64: sums(Int64.self) { Double($0) }
    case .uint8: sums(UInt8.self) { Double($0) }
    case .uint16: sums(UInt16.self) { Double($0) }
    case .uint32: sums(UInt32.self) { Double($0) }
    case .uint64: sums(UInt64.self) { Double($0) }
    case .bool: sums(UInt8.self) { $0 == 0 ? 0 : 1 }
    }
  }
}
