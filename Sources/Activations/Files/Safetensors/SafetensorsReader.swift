import Activations

/// Reads `.safetensors` files.
///
///     8 bytes   N, little-endian
///     N bytes   {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
///     …         the tensors, little-endian, in C order, without gaps
///
/// https://huggingface.co/docs/safetensors
enum SafetensorsReader {
  /// The format's own limit.
  static let longestHeader = 100_000_000

  /// The key of the metadata that lists the layers, as `layers` of `layers.json` does.
  static let layersKey = "cka.layers"

  /// The tensors of `file` in the natural order of their names, and the list of layers in its metadata.
  static func layers(
    in file: MappedFile, place: Place
  ) throws(ActivationFileError) -> (arrays: [FoundArray], list: LayerList?) {
    let bytes = file.bytes
    guard bytes.count >= 8 else {
      throw place.data("cut short: holds \(bytes.count) bytes, expected 8 for the header's length")
    }
    let length = try file.copy(0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(longestHeader) else {
      throw place.data("found a header of \(length) bytes, expected at most \(longestHeader)")
    }
    let start = 8 + Int(length)
    guard start <= bytes.count else {
      throw place.data("cut short: holds \(bytes.count) bytes, its header alone promises \(start)")
    }
    let header = try StrictJSON(try file.copy(8..<start), place: place)
    let data = UnsafeRawBufferPointer(rebasing: bytes[start...])
    let tensors = try tensors(of: header, place: place)
    try checkCover(tensors, of: data.count, place: place)
    var arrays: [FoundArray] = []
    for tensor in tensors.sorted(by: { naturallyPrecedes($0.name, $1.name) }) {
      arrays.append(
        try FoundArray(tensor.name) { () throws(ActivationFileError) in
          try tensor.layout.get().layer(
            tensor.name, bytes: UnsafeRawBufferPointer(rebasing: data[tensor.range]),
            storage: file)
        })
    }
    return (arrays, try list(in: header, place: place))
  }

  private static func list(
    in header: StrictJSON, place: Place
  ) throws(ActivationFileError) -> LayerList? {
    guard case .object(let members) = header,
      case .object(let metadata) = members.first(where: { $0.key == "__metadata__" })?.value,
      let value = metadata.first(where: { $0.key == layersKey })?.value
    else { return nil }
    let part = Place(path: place.path, part: "metadata \(quoted(layersKey))")
    guard case .string(let text) = value else {
      throw part.data("found \(value.kind), expected a string")
    }
    return try LayerList(layers: text, place: part)
  }

  private struct Tensor {
    let name: String
    let range: Range<Int>
    /// How the numbers lie, or why the tensor cannot be a layer.
    let layout: Result<ArrayLayout, ActivationFileError>
  }

  /// The tensors the header lists, by data offset.
  private static func tensors(
    of header: StrictJSON, place: Place
  ) throws(ActivationFileError) -> [Tensor] {
    guard case .object(let members) = header else {
      throw place.data("the header is \(header.kind), expected an object")
    }
    var tensors: [Tensor] = []
    for member in members {
      if member.key == "__metadata__" {
        guard case .object = member.value else {
          throw place.data("__metadata__ is \(member.value.kind), expected an object")
        }
        continue
      }
      let part = Place(path: place.path, part: "tensor \(quoted(member.key))")
      tensors.append(try tensor(member.key, member.value, place: part))
    }
    guard !tensors.isEmpty else { throw place.data("holds no tensors") }
    // An empty tensor lies before the one that begins at the same byte.
    return tensors.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
  }

  private static func tensor(
    _ name: String, _ value: StrictJSON, place: Place
  ) throws(ActivationFileError) -> Tensor {
    guard case .object(let members) = value else {
      throw place.data("found \(value.kind), expected an object")
    }
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    for member in members {
      switch member.key {
      case "dtype":
        guard case .string(let name) = member.value else {
          throw place.data("dtype is \(member.value.kind), expected a string")
        }
        type = name
      case "shape": shape = try integers(member, place: place)
      case "data_offsets": offsets = try integers(member, place: place)
      default: throw place.data("found the unknown key \(quoted(member.key))")
      }
    }
    guard let type, let shape, let offsets else {
      throw place.data("expected the keys dtype, shape and data_offsets")
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw place.data("found the data_offsets \(offsets), expected [begin, end]")
    }
    let range = offsets[0]..<offsets[1]
    let layout = Result { () throws(ActivationFileError) in
      try self.layout(dtype: type, shape: shape, range: range, place: place)
    }
    if case .failure(let error) = layout, error.whyNoLayer == nil { throw error }
    return Tensor(name: name, range: range, layout: layout)
  }

  private static func layout(
    dtype: String, shape: [Int], range: Range<Int>, place: Place
  ) throws(ActivationFileError) -> ArrayLayout {
    guard let type = types[dtype] else {
      throw place.noLayer(
        "found the dtype \(quoted(dtype)), expected F16, BF16, F32, F64, F8_E4M3, F8_E5M2, I8 … I64, "
          + "U8 … U64 or BOOL")
    }
    let layout = try ArrayLayout(axes: shape, scalarType: type, place: place)
    guard range.count == layout.byteCount else {
      throw place.data(
        "its data_offsets span \(range.count) bytes, its shape promises \(layout.byteCount)")
    }
    return layout
  }

  private static let types: [String: ScalarType] = [
    "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64,
    "I8": .int8, "I16": .int16, "I32": .int32, "I64": .int64,
    "U8": .uint8, "U16": .uint16, "U32": .uint32, "U64": .uint64,
    "BOOL": .bool, "F8_E4M3": .float8e4m3, "F8_E5M2": .float8e5m2,
  ]

  private static func integers(
    _ member: StrictJSON.Member, place: Place
  ) throws(ActivationFileError) -> [Int] {
    guard case .array(let elements) = member.value else {
      throw place.data("\(member.key) is \(member.value.kind), expected an array")
    }
    var integers: [Int] = []
    for element in elements {
      guard case .integer(let integer) = element, integer >= 0 else {
        throw place.data("\(member.key) holds something else than integers of 0 or more")
      }
      integers.append(integer)
    }
    return integers
  }

  /// Checks that the tensors lie side by side from the first byte to the last.
  private static func checkCover(
    _ tensors: [Tensor], of byteCount: Int, place: Place
  ) throws(ActivationFileError) {
    var end = 0
    for tensor in tensors {
      guard tensor.range.lowerBound == end else {
        let what = tensor.range.lowerBound < end ? "overlaps the one before" : "follows a gap"
        throw place.data(
          "tensor \(quoted(tensor.name)) \(what): begins at byte \(tensor.range.lowerBound) of "
            + "the data, expected \(end)")
      }
      end = tensor.range.upperBound
    }
    guard end <= byteCount else {
      throw place.data("cut short: holds \(byteCount) bytes of data, its header promises \(end)")
    }
    guard end == byteCount else {
      throw place.data("holds \(byteCount) bytes of data, its header promises only \(end)")
    }
  }
}
