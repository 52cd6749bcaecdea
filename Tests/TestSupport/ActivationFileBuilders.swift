import Activations
import Glibc

// Bytes of activations files, made without the code that reads them: correct ones, and ones that
// lie wherever a test wants them to.

extension ScalarType {
  /// numpy's or ml_dtypes' name of the type, without its byte order; that of float8_e4m3fn is `V1`, as are
  /// those of other types.
  public var numpyCode: String? {
    switch self {
    case .float16: "f2"
    case .bfloat16: "V2"
    case .float8e4m3: nil
    case .float8e5m2: "f1"
    case .float32: "f4"
    case .float64: "f8"
    case .int8: "i1"
    case .int16: "i2"
    case .int32: "i4"
    case .int64: "i8"
    case .uint8: "u1"
    case .uint16: "u2"
    case .uint32: "u4"
    case .uint64: "u8"
    case .bool: "b1"
    }
  }

  /// The type's name in a `.safetensors` header.
  public var safetensorsCode: String {
    switch self {
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float8e4m3: "F8_E4M3"
    case .float8e5m2: "F8_E5M2"
    case .float32: "F32"
    case .float64: "F64"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .uint8: "U8"
    case .uint16: "U16"
    case .uint32: "U32"
    case .uint64: "U64"
    case .bool: "BOOL"
    }
  }

  /// The bytes of `value`, which the type must hold exactly.
  public func bytes(of value: Double, bigEndian: Bool = false) -> [UInt8] {
    func encode<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
      withUnsafeBytes(of: bigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
    }
    switch self {
    case .float16: return encode(Float16(value).bitPattern)
    case .bfloat16: return encode(UInt16(Float(value).bitPattern >> 16))
    case .float8e4m3, .float8e5m2:
      for bits in UInt8.min...UInt8.max where self.value(ofByte: bits) == value { return [bits] }
      preconditionFailure("\(self) does not hold \(value)")
    case .float32: return encode(Float(value).bitPattern)
    case .float64: return encode(value.bitPattern)
    case .int8: return encode(Int8(value))
    case .int16: return encode(Int16(value))
    case .int32: return encode(Int32(value))
    case .int64: return encode(Int64(value))
    case .uint8: return encode(UInt8(value))
    case .uint16: return encode(UInt16(value))
    case .uint32: return encode(UInt32(value))
    case .uint64: return encode(UInt64(value))
    case .bool: return [value == 0 ? 0 : 1]
    }
  }

  /// The number stored at `pointer`, which may be unaligned.
  public func value(at pointer: UnsafeRawPointer, isByteSwapped: Bool) -> Double {
    func decode<Integer: FixedWidthInteger & BitwiseCopyable>(_ type: Integer.Type) -> Integer {
      let stored = pointer.loadUnaligned(as: Integer.self)
      return isByteSwapped ? stored.byteSwapped : stored
    }
    switch self {
    case .float16: return Double(Float16(bitPattern: decode(UInt16.self)))
    case .bfloat16: return Double(Float(bitPattern: UInt32(decode(UInt16.self)) << 16))
    case .float8e4m3, .float8e5m2: return value(ofByte: decode(UInt8.self))
    case .float32: return Double(Float(bitPattern: decode(UInt32.self)))
    case .float64: return Double(bitPattern: decode(UInt64.self))
    case .int8: return Double(decode(Int8.self))
    case .int16: return Double(decode(Int16.self))
    case .int32: return Double(decode(Int32.self))
    case .int64: return Double(decode(Int64.self))
    case .uint8, .bool: return Double(decode(UInt8.self))
    case .uint16: return Double(decode(UInt16.self))
    case .uint32: return Double(decode(UInt32.self))
    case .uint64: return Double(decode(UInt64.self))
    }
  }
}

extension ScalarType {
  /// The number of a float8, by the definition of a binary floating-point number.
  public func value(ofByte bits: UInt8) -> Double {
    let (mantissaBits, bias) = self == .float8e4m3 ? (3, 7) : (2, 15)
    let exponent = Int(bits & 0x7F) >> mantissaBits
    let mantissa = Double(Int(bits) & (1 << mantissaBits - 1)) / Double(1 << mantissaBits)
    let sign: Double = bits & 0x80 == 0 ? 1 : -1
    if self == .float8e4m3, bits & 0x7F == 0x7F { return .nan }
    if self == .float8e5m2, exponent == 31 { return mantissa == 0 ? sign * .infinity : .nan }
    return exponent == 0
      ? sign * mantissa * pow(2, Double(1 - bias))
      : sign * (1 + mantissa) * pow(2, Double(exponent - bias))
  }
}

extension LayerActivations {
  /// All numbers, n × p, as the rows give them.
  public var rows: [[Double]] {
    (0..<shape.exampleCount).map { example in
      guard let row = try? row(example) else {
        preconditionFailure("a file that cannot be read: check it first")
      }
      return (0..<shape.featureCount).map {
        scalarType.value(at: row.start + $0 * row.featureStride, isByteSwapped: isByteSwapped)
      }
    }
  }
}

/// Makes `.npy` files.
public enum NPYFile {
  /// A file with the dict `header` and the bytes `data`; `length` is what it says of the header.
  public static func bytes(
    header: String, data: [UInt8] = [], version: UInt8 = 1, length: Int? = nil
  ) -> [UInt8] {
    let dict = Array((header + "\n").utf8)
    let claimed = length ?? dict.count
    let lengthBytes = (0..<(version == 1 ? 2 : 4)).map {
      UInt8(truncatingIfNeeded: claimed >> (8 * $0))
    }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + lengthBytes + dict + data
  }

  /// The dict that numpy writes.
  public static func header(descr: String, fortran: Bool = false, shape: [Int]) -> String {
    let axes = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let order = fortran ? "True" : "False"
    return "{'descr': '\(descr)', 'fortran_order': \(order), 'shape': (\(axes)), }"
  }

  /// `values`, in the order in which they lie in the file.
  public static func bytes(
    _ values: [Double], shape: [Int], type: ScalarType = .float32, bigEndian: Bool = false,
    fortran: Bool = false, version: UInt8 = 1
  ) -> [UInt8] {
    let order = type.size == 1 ? "|" : bigEndian ? ">" : "<"
    guard let code = type.numpyCode else { preconditionFailure("numpy has no \(type)") }
    return bytes(
      header: header(descr: order + code, fortran: fortran, shape: shape),
      data: values.flatMap { type.bytes(of: $0, bigEndian: bigEndian) }, version: version)
  }
}

/// Makes `.safetensors` files.
public enum SafetensorsFile {
  /// A file with the JSON text `header`; `length` is what it says of the header.
  public static func bytes(
    header: String, data: [UInt8] = [], length: UInt64? = nil
  ) -> [UInt8] {
    let json = Array(header.utf8)
    let claimed = length ?? UInt64(json.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: claimed >> (8 * $0)) } + json + data
  }

  /// One tensor's entry in a header.
  public static func entry(
    _ name: String, dtype: String = "F32", shape: [Int], offsets: [Int]
  ) -> String {
    "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  /// Tensors of one type, their data in the given order.
  public static func bytes(
    _ tensors: [(name: String, shape: [Int], values: [Double])], type: ScalarType = .float32
  ) -> [UInt8] {
    var entries: [String] = []
    var data: [UInt8] = []
    for tensor in tensors {
      let begin = data.count
      data += tensor.values.flatMap { type.bytes(of: $0) }
      entries.append(
        entry(
          tensor.name, dtype: type.safetensorsCode, shape: tensor.shape,
          offsets: [begin, data.count]))
    }
    return bytes(header: "{\(entries.joined(separator: ","))}", data: data)
  }
}
