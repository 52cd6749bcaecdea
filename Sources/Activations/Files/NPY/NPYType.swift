import Activations

/// The scalar type and byte order that numpy's `descr` names, for example `<f4`.
struct NPYType {
  let scalarType: ScalarType
  let isByteSwapped: Bool

  init(descr: String, place: Place) throws(ActivationFileError) {
    var code = Substring(descr)
    let order = code.first.flatMap { "<>|=".contains($0) ? $0 : nil }
    if order != nil { code.removeFirst() }
    guard let type = Self.types[String(code)] else {
      throw place.noLayer(
        "found the scalar type \(quoted(descr))\(Self.reason(code)), expected \(Self.expected)")
    }
    scalarType = type
    let isBigEndianMachine = UInt16(1).bigEndian == 1
    isByteSwapped = type.size > 1 && order == (isBigEndianMachine ? "<" : ">")
  }

  private static let expected = "f2, f4, f8, i1 … i8, u1 … u8 or b1"

  private static let types: [String: ScalarType] = [
    "f2": .float16, "f4": .float32, "f8": .float64,
    "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64,
    "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64,
    "b1": .bool,
    // NumPy's one-letter names, which it reads but does not write.
    "e": .float16, "f": .float32, "d": .float64, "?": .bool, "b": .int8, "B": .uint8, "h": .int16,
    "H": .uint16, "i": .int32, "I": .uint32, "q": .int64, "Q": .uint64,
    // As ml_dtypes' bfloat16 and float8_e5m2 call themselves; nothing else writes these.
    "V2": .bfloat16, "f1": .float8e5m2,
  ]

  /// Why numpy's other types are no activations.
  private static func reason(_ code: Substring) -> String {
    switch code.first {
    case "c": " (complex numbers)"
    case "O": " (Python objects, which are never unpickled)"
    case "S", "a", "U", "T": " (strings)"
    case "M", "m": " (dates or times)"
    case "V" where code == "V1":
      " (one raw byte, as several types of ml_dtypes; save float8 in .safetensors)"
    case "V": " (raw bytes)"
    case "f": " (floating point of that size)"
    default: ""
    }
  }
}
