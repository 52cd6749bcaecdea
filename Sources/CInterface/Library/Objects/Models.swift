import ActivationFiles
import Activations
import CKAHeader
import Glibc
import Support
import Synchronization

/// A model that a caller fills, or that was opened.
final class Model: Sendable {
  private struct State {
    var name: String
    var layers: [LayerActivations]
    var exampleIDs: [String]?
    var names: [CText]
  }

  private let state: Mutex<State>
  /// What was done with the positions of maps and the tokens of sequences.
  let pooling: TokenPooling

  init(name: String) {
    pooling = .flatten
    state = Mutex(State(name: name, layers: [], names: []))
  }

  init(_ model: ActivationModel, pooling: TokenPooling) {
    self.pooling = pooling
    state = Mutex(
      State(
        name: model.name, layers: model.layers, exampleIDs: model.exampleIDs,
        names: model.layers.map { CText($0.name) }))
  }

  func add(_ layer: LayerActivations) throws(Failure) {
    try state.withLock { (state) throws(Failure) in
      guard !state.names.contains(where: { String(cString: $0.start) == layer.name }) else {
        throw Failure(.usage, "layer \(oneLine(layer.name)) is there already")
      }
      if let first = state.layers.first,
        first.shape.exampleCount != layer.shape.exampleCount
      {
        throw Failure(
          .usage,
          "layer \(oneLine(layer.name)) has \(layer.shape.exampleCount) examples, expected "
            + "\(first.shape.exampleCount) as the others")
      }
      state.layers.append(layer)
      state.names.append(CText(layer.name))
    }
  }

  /// What it holds now: at least one layer.
  var source: ActivationModel {
    get throws(Failure) {
      let model = state.withLock {
        ActivationModel(name: $0.name, layers: $0.layers, exampleIDs: $0.exampleIDs)
      }
      guard !model.layers.isEmpty else {
        throw Failure(.data, "\(oneLine(model.name)): there is no layer")
      }
      return model
    }
  }

  var layerCount: Int { state.withLock { $0.layers.count } }

  func name(ofLayer layer: Int64) throws(Failure) -> UnsafePointer<CChar> {
    try state.withLock { (state) throws(Failure) in
      guard let place = Int(exactly: layer), state.names.indices.contains(place) else {
        throw Failure(.usage, "there is no layer \(layer) among \(state.names.count)")
      }
      return state.names[place].start
    }
  }
}

/// Memory of the caller.
private final class BorrowedStorage: MemoryStorage {}

extension LayerActivations {
  /// A layer in the caller's memory.
  init(_ name: UnsafePointer<CChar>?, _ array: UnsafePointer<cka_array>?) throws(Failure) {
    guard let array = array?.pointee else { throw Failure(.usage, "array is NULL") }
    let name = try text(name, "name")
    let place = "layer \(oneLine(name))"
    guard let type = ScalarType(array.type) else {
      throw Failure(.usage, "\(place): there is no type \(array.type.rawValue)")
    }
    guard (1...64).contains(array.axes), let axes = array.shape else {
      throw Failure(
        .usage, "\(place): \(array.shape == nil ? 0 : array.axes) axes, expected 1 to 64")
    }
    let lengths = (0..<array.axes).map { Int(axes[$0]) }
    let isColumnMajor = array.is_fortran_order != 0
    guard !isColumnMajor || lengths.count <= 2 else {
      throw Failure(.usage, "\(place): Fortran order of \(lengths.count) axes, expected at most 2")
    }
    guard let shape = LayerShape(exampleCount: lengths[0], featureAxes: Array(lengths.dropFirst()))
    else { throw Failure(.usage, "\(place): the shape \(lengths) is not one of an array") }
    let (size, overflow) = (shape.exampleCount * shape.featureCount)
      .multipliedReportingOverflow(by: type.size)
    guard !overflow else {
      throw Failure(.usage, "\(place): the shape \(lengths) is larger than any memory")
    }
    guard size == 0 || array.data != nil else { throw Failure(.usage, "\(place): data is NULL") }
    let block = Block(
      firstExample: 0, exampleCount: shape.exampleCount,
      bytes: UnsafeRawBufferPointer(start: size == 0 ? nil : array.data, count: size),
      storage: BorrowedStorage())
    self.init(
      name: name, shape: shape, scalarType: type,
      memoryOrder: isColumnMajor ? .columnMajor : .rowMajor, blocks: [block])
  }
}

extension ScalarType {
  /// A type of the header.
  fileprivate init?(_ type: cka_type) {
    let types: [(cka_type, ScalarType)] = [
      (CKA_FLOAT16, .float16), (CKA_BFLOAT16, .bfloat16), (CKA_FLOAT32, .float32),
      (CKA_FLOAT64, .float64), (CKA_FLOAT8_E4M3, .float8e4m3), (CKA_FLOAT8_E5M2, .float8e5m2),
      (CKA_INT8, .int8), (CKA_INT16, .int16), (CKA_INT32, .int32), (CKA_INT64, .int64),
      (CKA_UINT8, .uint8), (CKA_UINT16, .uint16), (CKA_UINT32, .uint32), (CKA_UINT64, .uint64),
      (CKA_BOOL, .bool),
    ]
    guard let found = types.first(where: { $0.0 == type }) else { return nil }
    self = found.1
  }
}

/// See `cka.h`.
@c @implementation
public func cka_set_program(
  _ path: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let path = try text(path, "path")
    #if HDF5
      HDF5Program.path = path
    #endif
    _ = path
  }
}

/// See `cka.h`.
@c @implementation
public func cka_model_create(
  _ name: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) { Handles.all.add(Model(name: try text(name, "name"))) }
}

/// See `cka.h`.
@c @implementation
public func cka_model_add_layer(
  _ model: cka_handle, _ name: UnsafePointer<CChar>?, _ array: UnsafePointer<cka_array>?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let target: Model = try Handles.all.object(model, "model")
    try target.add(LayerActivations(name, array))
  }
}

/// See `cka.h`.
@c @implementation
public func cka_model_open(
  _ path: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let path = try text(path, "path")
    let layers = try options(json, LayerOptions.self)
    return Handles.all.add(Model(try layers.model(path), pooling: try layers.poolingValue))
  }
}

private struct PoolingOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable { case pooling, layout }

  var pooling: String?
  var layout: String?
}

/// See `cka.h`.
@c @implementation
public func cka_model_pool(
  _ model: cka_handle, _ mask: UnsafePointer<cka_array>?, _ json: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let model: Model = try Handles.all.object(model, "model")
    let own = try options(json, PoolingOptions.self)
    let source = try model.source
    let layers = LayerOptions(pooling: own.pooling, layout: own.layout)
    var selection = try layers.selection
    selection.mask = try mask.map {
      try TokenMask(LayerActivations("mask", $0), called: "the mask")
    }
    return Handles.all.add(
      Model(try selection.pooled(source, at: source.name), pooling: try layers.poolingValue))
  }
}

/// See `cka.h`.
@c @implementation
public func cka_model_layers(
  _ model: cka_handle, _ error: UnsafeMutablePointer<cka_error>?
) -> Int64 {
  call(error, failed: -1) {
    let model: Model = try Handles.all.object(model, "model")
    return Int64(model.layerCount)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_model_layer_name(
  _ model: cka_handle, _ layer: Int64, _ error: UnsafeMutablePointer<cka_error>?
) -> UnsafePointer<CChar>? {
  call(error, failed: nil) {
    let model: Model = try Handles.all.object(model, "model")
    return try model.name(ofLayer: layer)
  }
}
