import Activations
import CKA
import CKAHeader
import Device
import DeviceRegistry
import Support
import Synchronization

/// A comparison that goes on.
private final class Stream: Sendable {
  private struct State {
    var stream: ComparisonStream
    let team: DeviceTeam
  }

  private let state: Mutex<State>

  init(_ options: Options) throws {
    let choice = try options.choice()
    let kernel = try options.kernelValue
    state = Mutex(
      State(stream: ComparisonStream(kernel: kernel), team: DeviceTeam(choice.devices)))
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

  var kernel: GramKernel { state.withLock { $0.stream.kernel } }

  var found: Found {
    get throws(Failure) {
      let stream = state.withLock { $0.stream }
      guard let similarity = stream.similarity else {
        throw Failure(.usage, "stream: no minibatch has arrived")
      }
      return Found(similarity)
    }
  }
}

/// See `cka.h`.
@c @implementation
public func cka_stream_create(
  _ options: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    Handles.all.add(
      try Stream(Options(options, known: Options.ofKernel.union(Options.ofDevice))))
  }
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
