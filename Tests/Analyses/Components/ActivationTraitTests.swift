import Activations
import Analyses
import TestSupport
import Testing

@Suite struct ActivationTraitTests {
  @Test func traitsOfEveryStoredType() throws {
    // 0, 1, 2 and 3 in each of three examples, or 0 and 1 where there is no more.
    let numbers = [0, 1, 2, 3, 1, 2, 2, 0, 0, 0, 3, 3]
    func check(_ layer: LayerActivations, _ type: ScalarType) throws {
      let found = try ActivationTraits.traits(of: [layer], examples: [0, 2])[0]
      #expect(found.zeroFraction == 3.0 / 8, "\(type)")
      let squares: [Double] = type == .bool ? [3, 2] : [14, 18]
      #expect(found.norms == squares.map { $0.squareRoot() }, "\(type)")
    }
    func layer<Scalar: BitwiseCopyable & Sendable>(
      _ type: ScalarType, swapped: Bool = false, order: MemoryOrder = .rowMajor,
      _ value: (Int) -> Scalar
    ) -> LayerActivations {
      let places =
        order == .rowMajor ? Array(0..<12) : (0..<4).flatMap { k in (0..<3).map { $0 * 4 + k } }
      return LayerActivations(
        name: "layer", values: places.map { value(numbers[$0]) }, scalarType: type,
        exampleCount: 3, featureAxes: [4], isByteSwapped: swapped, memoryOrder: order)
    }
    try check(layer(.float16) { Float16($0) }, .float16)
    try check(layer(.bfloat16) { UInt16(Float($0).bitPattern >> 16) }, .bfloat16)
    for type in [ScalarType.float8e4m3, .float8e5m2] {
      try check(layer(type) { type.bytes(of: Double($0))[0] }, type)
    }
    try check(layer(.float32) { Float($0) }, .float32)
    try check(layer(.float32, order: .columnMajor) { Float($0) }, .float32)
    try check(layer(.float64) { Double($0) }, .float64)
    try check(layer(.float64, swapped: true) { Double($0).bitPattern.byteSwapped }, .float64)
    try check(layer(.int8) { Int8($0) }, .int8)
    try check(layer(.int16, swapped: true) { Int16($0).byteSwapped }, .int16)
    try check(layer(.int32) { Int32($0) }, .int32)
    try check(layer(.int64) { $0 }, .int64)
    try check(layer(.uint8) { UInt8($0) }, .uint8)
    try check(layer(.uint16) { UInt16($0) }, .uint16)
    try check(layer(.uint32) { UInt32($0) }, .uint32)
    try check(layer(.uint64) { UInt64($0) }, .uint64)
    try check(layer(.bool) { UInt8(min($0, 1)) }, .bool)
  }

  @Test func bimodalityByHand() {
    // Two values, equally often: γ = 0, and the coefficient is near 1 from below as n grows.
    let two = bimodalityCoefficient((0..<1000).map { Double($0 % 2) })
    #expect(abs(two - 1) < 0.01)
    // A coefficient has no unit: fourth powers of these are beyond float64.
    let sample = [0.3, 1, 1.1, 2.9, 3, 3.4, 7]
    for scale in [1e-200, 1e200, 1e307] {
      let scaled = bimodalityCoefficient(sample.map { $0 * scale })
      #expect(abs(scaled - bimodalityCoefficient(sample)) < 1e-12)
    }
    #expect(bimodalityCoefficient([1, 2, 3]).isNaN)
    #expect(bimodalityCoefficient([5, 5, 5, 5, 5]).isNaN)
  }
}
