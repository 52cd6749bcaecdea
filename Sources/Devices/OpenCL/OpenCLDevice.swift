import Activations
import Device
import Synchronization

/// One device behind OpenCL: portable kernels in float32, tensor cores where they are there and the
/// precision allows, sums in float64 or in pairs of float32.
///
/// Work that does not fit the device's memory is split; a stack that does not fit is kept on the
/// host. Operations of several threads run one after another.
public final class OpenCLDevice: CrossCovarianceDevice, PackedDevice {
  /// What the device is.
  public let info: DeviceInfo
  /// What OpenCL says of the device.
  public let description: OpenCLDeviceDescription
  let runtime: Runtime
  /// What is kept between calls. Its lock is the device's.
  private let workspace = Mutex<Workspace?>(nil)

  /// Opens a device of `all()`, with what the user's cache folder holds of it: measured shapes and
  /// compiled programs. Where `precision` asks for tensor cores they are tested now; where they are
  /// missing or fail, the device is exact.
  public convenience init(
    _ description: OpenCLDeviceDescription, precision: Precision = .exact
  ) throws(DeviceError) {
    try self.init(
      description, limits: OpenCLLimits(description),
      tuning: Tuning(description, measuredIn: .user), precision: precision, cache: .user)
  }

  init(
    _ description: OpenCLDeviceDescription, limits: OpenCLLimits, tuning: Tuning,
    precision: Precision = .exact, cache: CacheFolder? = nil
  ) throws(DeviceError) {
    runtime = try Runtime(
      description, limits: limits, tuning: tuning, precision: precision, cache: cache)
    self.description = description
    let failure = precision == .exact ? nil : runtime.whyNoTensors()
    var info = description.info
    info.precisionNote = failure.map {
      "\(info.id) makes exact products: tensor cores are not used, \($0)"
    }
    info.precision = failure == nil ? precision : .exact
    self.info = info
  }

  /// See `Device`. Activations are gathered and sent while the device works on those before.
  public func gramStack(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering
  ) throws(DeviceError) -> OpenCLGramStack {
    try DeviceError.check(minibatch, for: centering, "gramStack")
    try DeviceError.check(kernel, "gramStack")
    if case .rbf(.medianMultiple) = kernel,
      minibatch.exampleCount > runtime.limits.medianExamples
    {
      throw DeviceError(
        kind: .unsupported, call: "gramStack",
        context: "the exact median of \(minibatch.exampleCount) examples at once: at most "
          + "\(runtime.limits.medianExamples) are possible; tiles have no such limit")
    }
    return try alone { (workspace) throws(DeviceError) in
      let run = MinibatchGrams(
        runtime: runtime, minibatch: minibatch, kernel: kernel, centering: centering,
        tensors: runtime.tensorUse(for: minibatch, kernel: kernel))
      return try run.stack(in: &workspace)
    }
  }

  /// See `Device`. All sums have one order, which depends on the number of examples alone.
  public func innerProducts(_ left: OpenCLGramStack, _ right: OpenCLGramStack)
    throws(DeviceError) -> Matrix<Double>
  {
    try DeviceError.check(
      left.runtime === runtime && right.runtime === runtime, "innerProducts",
      "the stacks belong to different devices")
    try DeviceError.check(
      left.shape == right.shape, "innerProducts", "the stacks have different examples")
    return try alone { (_) throws(DeviceError) in try runtime.products(left, right) }
  }

  /// See `Device`.
  public func squaredNorms(_ stack: OpenCLGramStack) throws(DeviceError) -> [Double] {
    try DeviceError.check(
      stack.runtime === runtime, "squaredNorms", "the stack belongs to another device")
    return try alone { (_) throws(DeviceError) in try runtime.squaredNorms(stack) }
  }

  /// See `Device`.
  public func copyNumbers(
    ofLayer layer: Int, of stack: OpenCLGramStack,
    to destination: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError) {
    try DeviceError.check(
      stack.runtime === runtime, "copyNumbers", "the stack belongs to another device")
    try DeviceError.check(
      destination.count == stack.shape.count, "copyNumbers",
      "room for \(destination.count) numbers, expected \(stack.shape.count)")
    nonisolated(unsafe) let bytes = UnsafeMutableRawBufferPointer(destination)
    try alone { (_) throws(DeviceError) in
      try runtime.copyNumbers(ofLayer: layer, of: stack, into: bytes)
    }
  }

  /// See `Device`. Matrices that do not fit the device are kept on the host.
  public func gramStack(of packed: PackedGrams) throws(DeviceError) -> OpenCLGramStack {
    try alone { (_) throws(DeviceError) in try runtime.stack(of: packed) }
  }

  /// Runs `body` with the device to itself. After an error nothing is left under way.
  func alone<Result: Sendable>(
    _ body: (inout Workspace?) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result {
    try workspace.withLock { (workspace) throws(DeviceError) in
      do throws(DeviceError) {
        return try body(&workspace)
      } catch {
        runtime.drain()
        // Its events may have failed, and would fail whoever waits for them.
        workspace = nil
        throw error
      }
    }
  }
}
