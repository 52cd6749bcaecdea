import Activations
import CPUKernels

extension LayerActivations {
  /// The type that kernels read in place: in this machine's byte order, the features of an example
  /// side by side, none averaged. Else nil, and for 64-bit integers, whose differences float64 does
  /// not hold, truth values and float8, which are converted one by one.
  public var nativeType: cka_native_type? {
    guard !isByteSwapped, memoryOrder == .rowMajor, positions.count == 1 else { return nil }
    switch scalarType {
    case .float32: return CKA_FLOAT32
    case .float16: return CKA_FLOAT16
    case .bfloat16: return CKA_BFLOAT16
    case .float64: return CKA_FLOAT64
    case .int8: return CKA_INT8
    case .int16: return CKA_INT16
    case .int32: return CKA_INT32
    case .uint8: return CKA_UINT8
    case .uint16: return CKA_UINT16
    case .uint32: return CKA_UINT32
    case .int64, .uint64, .bool, .float8e4m3, .float8e5m2: return nil
    }
  }

  /// The type of its numbers, in this machine's byte order or not, for the conversion one by one.
  var wideType: cka_wide_type {
    switch scalarType {
    case .float16: CKA_WIDE_FLOAT16
    case .bfloat16: CKA_WIDE_BFLOAT16
    case .float8e4m3: CKA_WIDE_FLOAT8_E4M3
    case .float8e5m2: CKA_WIDE_FLOAT8_E5M2
    case .float32: CKA_WIDE_FLOAT32
    case .float64: CKA_WIDE_FLOAT64
    case .int8: CKA_WIDE_INT8
    case .int16: CKA_WIDE_INT16
    case .int32: CKA_WIDE_INT32
    case .int64: CKA_WIDE_INT64
    case .uint8: CKA_WIDE_UINT8
    case .uint16: CKA_WIDE_UINT16
    case .uint32: CKA_WIDE_UINT32
    case .uint64: CKA_WIDE_UINT64
    case .bool: CKA_WIDE_BOOL
    }
  }
}
