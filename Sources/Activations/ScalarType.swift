/// The type of one stored number of an activation matrix.
public enum ScalarType: String, Sendable, Hashable, CaseIterable {
  case float16, bfloat16, float32, float64
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool

  /// Bytes of one number.
  public var size: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
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
