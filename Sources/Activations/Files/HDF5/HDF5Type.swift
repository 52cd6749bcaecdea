#if HDF5
  import Activations
  import CHDF5Process

  /// The type of a dataset's numbers.
  struct HDF5Type: Equatable {
    let scalarType: ScalarType
    let isByteSwapped: Bool

    /// Takes what libhdf5 says of a type, or says what it is instead of a type of numbers.
    init(_ facts: cka_hdf5_type, place: Place) throws(ActivationFileError) {
      let kind = cka_hdf5_class(UInt32(truncatingIfNeeded: facts.type_class))
      let found: ScalarType? =
        switch kind {
        case CKA_HDF5_INTEGER: Self.integer(facts)
        case CKA_HDF5_FLOAT: Self.float(facts)
        case CKA_HDF5_BOOL: .bool
        default: throw place.noLayer(Self.words(for: kind))
        }
      guard let found else {
        throw place.noLayer(
          "found numbers of \(facts.size) bytes in a layout of their own, expected 8- to 64-bit "
            + "integers, IEEE float16, float32, float64, or bfloat16")
      }
      scalarType = found
      let isBigEndianMachine = 1.bigEndian == 1
      isByteSwapped = found.size > 1 && (facts.is_big_endian != 0) != isBigEndianMachine
    }

    private static func words(for kind: cka_hdf5_class) -> String {
      switch kind {
      case CKA_HDF5_ENUMERATION: "found an enumeration, expected numbers or FALSE and TRUE"
      case CKA_HDF5_COMPLEX: "found complex numbers, expected real ones"
      case CKA_HDF5_COMPOUND: "found a compound type, expected an array of numbers"
      case CKA_HDF5_STRING: "found strings, expected numbers"
      case CKA_HDF5_REFERENCE: "found references, expected numbers"
      case CKA_HDF5_VARIABLE_LENGTH: "found values of variable length, expected numbers"
      case CKA_HDF5_OPAQUE: "found opaque bytes, expected numbers"
      case CKA_HDF5_BIT_FIELD: "found bit fields, expected numbers"
      case CKA_HDF5_ARRAY: "found a type that is an array itself, expected numbers"
      case CKA_HDF5_TIME: "found points in time, expected numbers"
      default: "found a type that is unknown here, expected numbers"
      }
    }

    private static func integer(_ facts: cka_hdf5_type) -> ScalarType? {
      guard facts.is_plain != 0 else { return nil }
      switch (facts.is_signed != 0, facts.size) {
      case (true, 1): return .int8
      case (true, 2): return .int16
      case (true, 4): return .int32
      case (true, 8): return .int64
      case (false, 1): return .uint8
      case (false, 2): return .uint16
      case (false, 4): return .uint32
      case (false, 8): return .uint64
      default: return nil
      }
    }

    /// A sign, an exponent and a mantissa with a hidden first bit, side by side from the top.
    private static func float(_ facts: cka_hdf5_type) -> ScalarType? {
      guard facts.is_plain != 0, facts.has_implied_bit != 0, [2, 4, 8].contains(facts.size),
        facts.sign_place == facts.size * 8 - 1, facts.mantissa_place == 0,
        facts.exponent_place == facts.mantissa_size,
        facts.exponent_size == facts.sign_place &- facts.exponent_place
      else { return nil }
      switch (facts.size, facts.exponent_size, facts.exponent_bias) {
      case (2, 5, 15): return .float16
      case (2, 8, 127): return .bfloat16
      case (4, 8, 127): return .float32
      case (8, 11, 1023): return .float64
      default: return nil
      }
    }
  }
#endif
