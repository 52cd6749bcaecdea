import Activations
import CKA
import CKAHeader
import Device
import DeviceRegistry
import Results
import Support
import Synchronization

/// See `cka.h`.
@c @implementation
public func cka_compare(
  _ left: cka_handle, _ right: cka_handle, _ options: UnsafePointer<CChar>?,
  _ progress: cka_progress?, _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let known = Options.ofEstimator.union(Options.ofKernel).union(Options.ofDevice)
      .union(["memory"])
    let options = try Options(options, known: known)
    let first: Model = try Handles.all.object(left, "left")
    let second: Model? = right == 0 ? nil : try Handles.all.object(right, "right")
    let comparison = try Comparison(
      first.source, second.map { (model) throws(Failure) in try model.source },
      estimator: options.estimatorValue, kernel: options.kernelValue)
    let (memory, precision) = try (options.memoryValue, options.precisionValue)
    let meter = WorkMeter()
    let result = try watched(by: progress, context, meter) { isCancelled in
      let choice = try options.choice()
      let team = DeviceTeam(
        choice.devices, sharing: choice.sharing, memory: memory, meter: meter,
        isCancelled: isCancelled)
      let plan = try comparison.plan(on: team, isLimited: options.memory != nil)
      let outcome = try comparison.run(on: team, plan: plan)
      var document = ResultDocument(
        comparison, outcome,
        paths: [comparison.left.name, (comparison.right ?? comparison.left).name],
        precision: precision)
      document.device.add(reasons: choice.reasons)
      return try Found(outcome.similarity, CompareResult(document, outcome.similarity))
    }
    return Handles.all.add(result)
  }
}

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
    let second: Model? = right == 0 ? nil : try Handles.all.object(right, "right")
    try target.add(first.source, second.map { (model) throws(Failure) in try model.source })
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
