import Device

/// An open device: its context, queues, compiled kernels and memory ledger.
///
/// Kernels and programs are cached without a lock of their own: whoever launches holds the device's
/// (`OpenCLDevice`), or is the only user (tests).
final class Runtime: @unchecked Sendable {
  // @unchecked: all variables change only under the lock of the device that owns this.

  let description: OpenCLDeviceDescription
  let context: Context
  /// Where kernels run.
  let compute: Queue
  /// Where activations are copied to the device, while kernels run.
  let transfer: Queue
  let limits: OpenCLLimits
  let ledger: MemoryLedger
  let tuning: Tuning
  /// What was asked for.
  let precision: Precision
  /// Why tensor cores are not used, once it was asked; nil inside where they are.
  private var tensorFailure: String??
  private let programCache: ProgramCache?
  private let launchesAlone: Bool
  /// Programs that the device's compiler made, rather than the cache had.
  private(set) var compiledPrograms = 0
  /// The kernels and the copies to the device since `startTiming`, for their durations.
  private var isTiming = false
  private var launches: [Event] = []
  private var copies: [Event] = []
  private var programs: [KernelVariant: Program] = [:]
  private var kernels: [KernelName: Kernel] = [:]

  private struct KernelName: Hashable {
    let variant: KernelVariant
    let name: String
  }

  /// - Parameter cache: where compiled programs are kept from run to run.
  init(
    _ description: OpenCLDeviceDescription, limits: OpenCLLimits, tuning: Tuning,
    precision: Precision = .exact, cache: CacheFolder? = nil
  ) throws(DeviceError) {
    guard description.isAvailable, description.hasCompiler else {
      throw DeviceError(
        kind: .unsupported, call: "opening \(description.name)",
        context: description.isAvailable ? "it has no compiler" : "it is not available")
    }
    self.description = description
    self.limits = limits
    self.tuning = tuning
    programCache = ProgramCache(cache, for: description)
    launchesAlone = SoleLaunch.isNeeded(
      platform: description.platform, driverVersion: description.driverVersion)
    self.precision = precision
    ledger = MemoryLedger(limits: limits)
    context = try Context(device: description.id.handle)
    compute = try Queue(context: context)
    transfer = try Queue(context: context)
  }

  /// A kernel, compiled at its first use or taken from the cache.
  func kernel(_ name: String, of variant: KernelVariant) throws(DeviceError) -> Kernel {
    let key = KernelName(variant: variant, name: name)
    if let kernel = kernels[key] { return kernel }
    let program: Program
    if let known = programs[variant] {
      program = known
    } else {
      program = try loaded(variant)
      programs[variant] = program
    }
    let kernel = try Kernel(program: program, name: name)
    kernels[key] = kernel
    return kernel
  }

  /// The program as an earlier run compiled it, where the driver takes that, or else compiled.
  private func loaded(_ variant: KernelVariant) throws(DeviceError) -> Program {
    if let binary = programCache?.binary(of: variant),
      let program = try? Program(context: context, variant: variant, binary: binary)
    {
      return program
    }
    let program = try Program(context: context, variant: variant)
    compiledPrograms += 1
    if let programCache, let binary = try? program.binary(named: variant.name), !binary.isEmpty {
      programCache.store(binary, of: variant)
    }
    return program
  }

  /// Why tensor cores are not used, nil where they are. The first call tests them.
  func whyNoTensors() -> String? {
    if let known = tensorFailure { return known }
    let failure =
      tuning.tensors != .whereKnown || description.hasTensorCores
      ? failureOfTensors() : "it has none that this program knows"
    tensorFailure = .some(failure)
    return failure
  }

  /// Device memory; `isResident` for a stack that stays.
  func buffer(byteCount: Int, isResident: Bool = false) throws(DeviceError) -> Buffer {
    try Buffer(runtime: self, byteCount: byteCount, isResident: isResident)
  }

  /// Sets the arguments and starts `kernel` on the compute queue; it has ended where the driver needs `SoleLaunch`.
  @discardableResult
  func launch(
    _ kernel: Kernel, global: [Int], local: [Int], after events: [Event] = [],
    _ arguments: [KernelArgument]
  ) throws(DeviceError) -> Event {
    for (index, argument) in arguments.enumerated() {
      try argument.set(kernel, index)
    }
    func start() throws(DeviceError) -> Event {
      Event(
        try Calls.launch(
          compute.handle, kernel.handle, global: global, local: local, after: events.map(\.handle),
          name: kernel.name))
    }
    let event = launchesAlone ? try SoleLaunch.run(start) : try start()
    if isTiming { launches.append(event) }
    return event
  }

  /// Starts a copy to the device, from byte `offset` of the buffer; `source` must not change before
  /// the event.
  func write(
    _ buffer: Buffer, offset: Int = 0, from source: UnsafeRawBufferPointer, on queue: Queue,
    after events: [Event] = []
  ) throws(DeviceError) -> Event {
    precondition(offset + source.count <= buffer.byteCount, "a copy past the end of a buffer")
    let event = Event(
      try Calls.write(
        queue.handle, buffer.handle, offset: offset, from: source, after: events.map(\.handle)))
    if isTiming { copies.append(event) }
    return event
  }

  /// Copies `values` to byte `offset` of a buffer, before all kernels started from now on.
  func upload<Value: BitwiseCopyable>(_ values: [Value], to buffer: Buffer, offset: Int = 0)
    throws(DeviceError)
  {
    guard !values.isEmpty else { return }
    try values.withUnsafeBufferPointer { (values) throws(DeviceError) in
      try write(buffer, offset: offset, from: UnsafeRawBufferPointer(values), on: compute)
        .wait()
    }
  }

  /// Copies what lies at byte `offset` of a buffer to the host, after all kernels started so far.
  func read(
    _ buffer: Buffer, offset: Int = 0, into destination: UnsafeMutableRawBufferPointer
  ) throws(DeviceError) {
    precondition(offset + destination.count <= buffer.byteCount, "a copy past the end of a buffer")
    try Calls.read(compute.handle, buffer.handle, offset: offset, into: destination)
  }

  /// Begins to remember commands.
  func startTiming() {
    isTiming = true
    launches = []
    copies = []
  }

  /// Seconds that copies and kernels took since `startTiming`, which must have ended.
  func endTiming() -> StageTimings {
    var timings = StageTimings()
    timings.transfer = copies.reduce(0) { $0 + $1.seconds }
    timings.gram = launches.reduce(0) { $0 + $1.seconds }
    startTiming()
    isTiming = false
    return timings
  }

  /// Lets everything that was started end, whether well or not.
  func drain() {
    try? transfer.finish()
    try? compute.finish()
  }
}

/// One argument of a kernel, with the type its declaration has.
enum KernelArgument {
  case buffer(Buffer)
  case uint(Int)
  case ulong(Int)
  case int(Int)
  case float(Float)

  func set(_ kernel: Kernel, _ index: Int) throws(DeviceError) {
    switch self {
    case .buffer(let buffer): try Self.set(kernel, index, Optional(buffer.handle))
    case .uint(let value): try Self.set(kernel, index, UInt32(value))
    case .ulong(let value): try Self.set(kernel, index, UInt64(value))
    case .int(let value): try Self.set(kernel, index, Int32(value))
    case .float(let value): try Self.set(kernel, index, value)
    }
  }

  private static func set<Value: BitwiseCopyable>(_ kernel: Kernel, _ index: Int, _ value: Value)
    throws(DeviceError)
  {
    try withUnsafeBytes(of: value) { bytes throws(DeviceError) in
      try Calls.setArgument(kernel.handle, index, bytes, name: kernel.name)
    }
  }
}
