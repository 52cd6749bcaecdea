#if HDF5
  import Activations
  import CHDF5

  /// The type of a dataset's numbers.
  struct HDF5Type: Equatable {
    let scalarType: ScalarType
    let isByteSwapped: Bool

    /// Reads the type `id`, or says what it is instead of a type of numbers.
    init(_ id: hid_t, place: Place) throws(ActivationFileError) {
      let size = H5Tget_size(id)
      let found: ScalarType?
      switch H5Tget_class(id) {
      case H5T_INTEGER: found = Self.integer(id, size)
      case H5T_FLOAT: found = Self.float(id, size)
      case H5T_ENUM:
        guard try Self.isBool(id, place: place) else {
          throw place.data("found an enumeration, expected numbers or FALSE and TRUE")
        }
        found = .bool
      case H5T_COMPOUND:
        throw place.data(
          Self.isComplex(id)
            ? "found complex numbers, expected real ones"
            : "found a compound type, expected an array of numbers")
      case H5T_STRING: throw place.data("found strings, expected numbers")
      case H5T_REFERENCE: throw place.data("found references, expected numbers")
      case H5T_VLEN: throw place.data("found values of variable length, expected numbers")
      case H5T_OPAQUE: throw place.data("found opaque bytes, expected numbers")
      case H5T_BITFIELD: throw place.data("found bit fields, expected numbers")
      case H5T_ARRAY: throw place.data("found a type that is an array itself, expected numbers")
      case H5T_TIME: throw place.data("found points in time, expected numbers")
      default: throw place.data("found a type that is unknown here, expected numbers")
      }
      guard let found else {
        throw place.data(
          "found numbers of \(size) bytes in a layout of their own, expected 8- to 64-bit integers, "
            + "IEEE float16, float32, float64, or bfloat16")
      }
      scalarType = found
      isByteSwapped = found.size > 1 && H5Tget_order(id) == Self.otherOrder
    }

    private static let otherOrder = 1.littleEndian == 1 ? H5T_ORDER_BE : H5T_ORDER_LE

    /// Whether all bits count and their order is one of the two.
    private static func isPlain(_ id: hid_t, _ size: Int) -> Bool {
      H5Tget_precision(id) == size * 8 && H5Tget_offset(id) == 0
        && (size == 1 || [H5T_ORDER_LE, H5T_ORDER_BE].contains(H5Tget_order(id)))
    }

    private static func integer(_ id: hid_t, _ size: Int) -> ScalarType? {
      guard isPlain(id, size) else { return nil }
      switch (H5Tget_sign(id), size) {
      case (H5T_SGN_2, 1): return .int8
      case (H5T_SGN_2, 2): return .int16
      case (H5T_SGN_2, 4): return .int32
      case (H5T_SGN_2, 8): return .int64
      case (H5T_SGN_NONE, 1): return .uint8
      case (H5T_SGN_NONE, 2): return .uint16
      case (H5T_SGN_NONE, 4): return .uint32
      case (H5T_SGN_NONE, 8): return .uint64
      default: return nil
      }
    }

    /// A sign, an exponent and a mantissa with a hidden first bit, side by side from the top.
    private static func float(_ id: hid_t, _ size: Int) -> ScalarType? {
      var sign = 0
      var exponent = (start: 0, size: 0)
      var mantissa = (start: 0, size: 0)
      guard isPlain(id, size), H5Tget_norm(id) == H5T_NORM_IMPLIED,
        H5Tget_fields(
          id, &sign, &exponent.start, &exponent.size, &mantissa.start, &mantissa.size) >= 0,
        sign == size * 8 - 1, exponent.start == mantissa.size, mantissa.start == 0,
        exponent.size + mantissa.size == sign
      else { return nil }
      switch (size, exponent.size, H5Tget_ebias(id)) {
      case (2, 5, 15): return .float16
      case (2, 8, 127): return .bfloat16
      case (4, 8, 127): return .float32
      case (8, 11, 1023): return .float64
      default: return nil
      }
    }

    /// Whether an enumeration is what h5py makes of NumPy's bool: bytes, FALSE = 0 and TRUE = 1.
    private static func isBool(_ id: hid_t, place: Place) throws(ActivationFileError) -> Bool {
      let base = try HDF5Handle(H5Tget_super(id), opening: place)
      guard H5Tget_size(id) == 1, H5Tget_class(base.id) == H5T_INTEGER, H5Tget_nmembers(id) == 2
      else { return false }
      for (name, expected) in [("FALSE", Int8(0)), ("TRUE", 1)] {
        var value: Int8 = -1
        guard H5Tenum_valueof(id, name, &value) >= 0, value == expected else { return false }
      }
      return true
    }

    /// Whether a compound is what h5py makes of NumPy's complex numbers.
    private static func isComplex(_ id: hid_t) -> Bool {
      H5Tget_nmembers(id) == 2 && H5Tget_member_index(id, "r") == 0
        && H5Tget_member_index(id, "i") == 1
    }
  }
#endif
