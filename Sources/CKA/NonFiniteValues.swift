import Activations
import Support

/// NaN and infinity among the stored numbers of one layer.
public struct NonFiniteValues: Sendable, Hashable {
  /// How many numbers are NaN or infinite; at least one.
  public let count: Int
  /// Places in the list of examples of those that hold one, ascending.
  public let places: [Int]

  /// What `examples` of each of `layers` hold, nil where all numbers are finite. Every number is read once, on
  /// all cores.
  public static func find(
    in layers: [LayerActivations], examples: [Int]
  ) throws(ActivationReadError) -> [NonFiniteValues?] {
    let results = concurrentMap(0..<layers.count) { index in
      Result { () throws(ActivationReadError) in
        try NonFiniteValues(layers[index], examples: examples)
      }
    }
    var found: [NonFiniteValues?] = []
    for result in results { found.append(try result.get()) }
    return found
  }

  private init?(_ layer: LayerActivations, examples: [Int]) throws(ActivationReadError) {
    guard layer.scalarType.holdsNonFinite else { return nil }
    var count = 0
    var (place, places) = (0, [Int]())
    try layer.withRows(of: examples) { start, featureStride in
      let found = layer.scalarType.nonFiniteCount(
        start, stride: featureStride, count: layer.shape.featureCount,
        isSwapped: layer.isByteSwapped)
      if found > 0 { places.append(place) }
      count += found
      place += 1
    }
    layer.evict()
    guard count > 0 else { return nil }
    self.count = count
    self.places = places
  }
}

extension ScalarType {
  /// Whether NaN and infinity are among the type's numbers.
  fileprivate var holdsNonFinite: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64, .float8e4m3, .float8e5m2: true
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: false
    }
  }

  /// How many of `count` numbers, `stride` bytes from one to the next, are NaN or infinite: the bits of their
  /// exponents are all set, of float8e4m3 those of the mantissa, too.
  fileprivate func nonFiniteCount(
    _ start: UnsafeRawPointer, stride: Int, count: Int, isSwapped: Bool
  ) -> Int {
    @inline(__always) func found<Bits: FixedWidthInteger>(_ exponent: Bits) -> Int {
      let mask = isSwapped ? exponent.byteSwapped : exponent
      var sum = 0
      for index in 0..<count {
        let bits = start.loadUnaligned(fromByteOffset: index * stride, as: Bits.self)
        sum += bits & mask == mask ? 1 : 0
      }
      return sum
    }
    return switch self {
    case .float16: found(0x7C00 as UInt16)
    case .bfloat16: found(0x7F80 as UInt16)
    case .float32: found(0x7F80_0000 as UInt32)
    case .float64: found(0x7FF0_0000_0000_0000 as UInt64)
    case .float8e4m3: found(0x7F as UInt8)
    case .float8e5m2: found(0x7C as UInt8)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: 0
    }
  }
}

extension ExamplePairing {
  /// The pairs of which no number in any layer of either model is NaN or infinite; `dropped` are the others.
  public func withoutNonFinite(
    _ left: any ActivationSource, _ right: (any ActivationSource)? = nil
  ) throws(ActivationReadError) -> ExamplePairing {
    var found = try NonFiniteValues.find(in: left.layers, examples: self.left)
    if let right { found += try NonFiniteValues.find(in: right.layers, examples: self.right) }
    let bad = Set(found.flatMap { $0?.places ?? [] })
    return without(bad.sorted().map { self.left[$0] })
  }
}
