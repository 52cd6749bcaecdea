import ActivationFiles
import Activations
import CommandSupport

/// The labels in a `.npy` file: whole numbers, one an example, n or n × 1.
///
/// - Parameter count: how many examples have labels.
func readLabels(_ path: String, count: Int, of model: String) throws -> [Int] {
  let file = try openModel(path)
  guard file.layers.count == 1, let layer = file.layers.first, layer.shape.featureCount == 1 else {
    let found = file.layers.count == 1 ? "\(file.layers[0].shape)" : "\(file.layers.count) arrays"
    throw Failure(.data, "\(oneLine(path)): found \(found), expected one label an example")
  }
  guard layer.shape.exampleCount == count else {
    throw Failure(
      .data,
      "\(oneLine(path)): found \(layer.shape.exampleCount) labels, expected \(count): one for each "
        + "example of \(oneLine(model))")
  }
  guard let read = reader(of: layer.scalarType) else {
    throw Failure(
      .data,
      "\(oneLine(path)): found \(layer.scalarType.rawValue) numbers, expected labels that are whole "
        + "numbers")
  }
  do throws(ActivationReadError) { try layer.check() } catch {
    throw Failure(.io, error.description)
  }
  return try (0..<count).map { example in
    guard let label = read(layer.row(example).start, layer.isByteSwapped) else {
      throw Failure(
        .data, "\(oneLine(path)): the label of example \(example) is larger than any class")
    }
    return label
  }
}

/// What reads a whole number where it lies; nil for other types, and from it for one that is no `Int`.
private func reader(of type: ScalarType) -> ((UnsafeRawPointer, Bool) -> Int?)? {
  func whole<Number: FixedWidthInteger & BitwiseCopyable>(
    _: Number.Type
  ) -> (UnsafeRawPointer, Bool) -> Int? {
    { pointer, isSwapped in
      let number = pointer.loadUnaligned(as: Number.self)
      return Int(exactly: isSwapped ? number.byteSwapped : number)
    }
  }
  return switch type {
  case .int8: whole(Int8.self)
  case .int16: whole(Int16.self)
  case .int32: whole(Int32.self)
  case .int64: whole(Int64.self)
  case .uint8, .bool: whole(UInt8.self)
  case .uint16: whole(UInt16.self)
  case .uint32: whole(UInt32.self)
  case .uint64: whole(UInt64.self)
  case .float16, .bfloat16, .float32, .float64: nil
  }
}
