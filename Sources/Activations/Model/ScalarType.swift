/// The type of one stored number of an activation matrix.
public enum ScalarType: String, Sendable, Hashable, CaseIterable {
  case float16, bfloat16, float32, float64
  /// A sign, four bits of exponent and three of mantissa, without infinities: `F8_E4M3` of safetensors,
  /// `float8_e4m3fn` elsewhere.
  case float8e4m3
  /// A sign, five bits of exponent and two of mantissa: the upper half of a float16.
  case float8e5m2
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool

  /// Bytes of one number.
  public var size: Int {
    switch self {
    case .int8, .uint8, .bool, .float8e4m3, .float8e5m2: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }
}

extension ScalarType {
  /// The number that eight bits of `float8e4m3` stand for. Micikevicius et al., "FP8 Formats for Deep
  /// Learning", 2022, https://arxiv.org/abs/2209.05433, table 1: all ones are NaN, and nothing is infinite.
  public static func float8e4m3(_ bits: UInt8) -> Double {
    let magnitude = Int(bits & 0x7F)
    guard magnitude != 0x7F else { return .nan }
    let (exponent, mantissa) = (magnitude >> 3, magnitude & 7)
    let value =
      exponent == 0
      ? Double(sign: .plus, exponent: -9, significand: Double(mantissa))
      : Double(sign: .plus, exponent: exponent - 10, significand: Double(8 + mantissa))
    return bits & 0x80 == 0 ? value : -value
  }

  /// The number that eight bits of `float8e5m2` stand for.
  public static func float8e5m2(_ bits: UInt8) -> Double {
    Double(Float16(bitPattern: UInt16(bits) << 8))
  }
}

/// The order in which the features of an example follow each other in memory.
///
/// CKA does not depend on the order of the features, so a column-major array is read as it lies.
public enum MemoryOrder: Sendable, Hashable {
  /// C order: the features of one example are neighbors.
  case rowMajor
  /// Fortran order: the examples of one feature are neighbors.
  case columnMajor
}
