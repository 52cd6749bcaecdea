import ActivationFiles
import Activations
import CKA
import CKAHeader
import Device
import ResultFigures
import Results
import Support
import Synchronization

private struct StreamOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable { case names, pooling }

  var names: [String]?
  var pooling: String?
}

/// A comparison that goes on.
private final class Stream: Sendable {
  private struct State {
    var stream: ComparisonStream
    let team: DeviceTeam
  }

  private let state: Mutex<State>

  private let names: [String]
  private let precision: Precision
  private let pooling: String

  init(_ json: UnsafePointer<CChar>?) throws {
    let (own, kernel, devices) = try options(
      json, StreamOptions.self, KernelOptions.self, DeviceOptions.self)
    names = own.names ?? ["left", "right"]
    guard (1...2).contains(names.count) else {
      throw Failure(.usage, "options: names has \(names.count) names, expected one or two")
    }
    precision = try devices.precisionValue
    pooling = own.pooling ?? TokenPooling.flatten.rawValue
    let value = try kernel.value
    state = Mutex(
      State(
        stream: ComparisonStream(kernel: value), team: DeviceTeam(try devices.choice().devices)))
  }

  func add(_ left: ActivationModel, _ right: ActivationModel?) throws {
    try state.withLock { try $0.stream.add(left, right, on: $0.team) }
  }

  func add(_ left: MinibatchGrams, _ right: MinibatchGrams?) throws {
    try state.withLock { try $0.stream.add(left, right, on: $0.team) }
  }

  /// Makes the matrix of a layer of a minibatch.
  func add(_ layer: LayerActivations, to grams: inout MinibatchGrams) throws {
    try state.withLock { try grams.add(layer, on: $0.team) }
  }

  /// Takes the matrix of a layer of a minibatch.
  func add(_ gram: PrecomputedGram, to grams: inout MinibatchGrams) throws {
    try state.withLock { try grams.add(gram, on: $0.team) }
  }

  var kernel: GramKernel { state.withLock { $0.stream.kernel } }

  var found: Found {
    get throws(Failure) {
      let stream = state.withLock { $0.stream }
      guard
        let result = CompareResult(stream, names: names, precision: precision, pooling: pooling)
      else { throw Failure(.usage, "stream: no minibatch has arrived") }
      return Found(result, result.dataFiles, statuses: stream.similarity?.statuses)
    }
  }
}

/// See `cka.h`.
@c @implementation
public func cka_stream_create(
  _ json: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) { Handles.all.add(try Stream(json)) }
}

/// See `cka.h`.
@c @implementation
public func cka_stream_add(
  _ stream: cka_handle, _ left: cka_handle, _ right: cka_handle,
  _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let target: Stream = try Handles.all.object(stream, "stream")
    let first: Model = try Handles.all.object(left, "left")
    let second: Model? = try Handles.all.second(right)
    try target.add(first.source, second?.source)
  }
}

/// The matrices of a minibatch of one model.
private final class Grams: Sendable {
  private let stream: Stream
  private let grams: Mutex<MinibatchGrams>

  init(for stream: Stream) {
    self.stream = stream
    grams = Mutex(MinibatchGrams(kernel: stream.kernel))
  }

  func add(_ layer: LayerActivations) throws {
    try grams.withLock { try stream.add(layer, to: &$0) }
  }

  func add(_ gram: PrecomputedGram) throws {
    try grams.withLock { try stream.add(gram, to: &$0) }
  }

  /// What has come so far.
  var value: MinibatchGrams { grams.withLock { $0 } }
}

/// See `cka.h`.
@c @implementation
public func cka_grams_create(
  _ stream: cka_handle, _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    Handles.all.add(Grams(for: try Handles.all.object(stream, "stream")))
  }
}

/// See `cka.h`.
@c @implementation
public func cka_grams_add(
  _ grams: cka_handle, _ name: UnsafePointer<CChar>?, _ array: UnsafePointer<cka_array>?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let target: Grams = try Handles.all.object(grams, "grams")
    try target.add(LayerActivations(name, array))
  }
}

/// See `cka.h`.
@c @implementation
public func cka_grams_add_matrix(
  _ grams: cka_handle, _ name: UnsafePointer<CChar>?, _ gram: UnsafePointer<cka_gram>?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let target: Grams = try Handles.all.object(grams, "grams")
    try target.add(PrecomputedGram(name, gram))
  }
}

extension PrecomputedGram {
  /// A matrix in the caller's memory.
  fileprivate init(
    _ name: UnsafePointer<CChar>?, _ gram: UnsafePointer<cka_gram>?
  ) throws {
    let name = try text(name, "name")
    guard let gram = gram?.pointee else { throw Failure(.usage, "gram is NULL") }
    let n = Int(gram.examples)
    // Of more examples than a minibatch has, no number is looked at.
    let count = (0...GramKernel.mostExamplesOfOneMatrix + 1).contains(n) ? n * (n + 1) / 2 : 0
    guard gram.numbers != nil || count == 0 else {
      throw Failure(.usage, "layer \(oneLine(name)): numbers is NULL")
    }
    try self.init(
      name: name, numbers: UnsafeBufferPointer(start: gram.numbers, count: count), exampleCount: n,
      featureCount: Int(gram.features), isFinite: gram.is_finite != 0,
      isConstant: gram.is_constant != 0, exponent: Int(gram.exponent))
  }
}

/// See `cka.h`.
@c @implementation
public func cka_stream_add_grams(
  _ stream: cka_handle, _ left: cka_handle, _ right: cka_handle,
  _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let target: Stream = try Handles.all.object(stream, "stream")
    let first: Grams = try Handles.all.object(left, "left")
    let second: Grams? = try Handles.all.second(right)
    try target.add(first.value, second?.value)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_stream_result(
  _ stream: cka_handle, _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let stream: Stream = try Handles.all.object(stream, "stream")
    return Handles.all.add(try stream.found)
  }
}
