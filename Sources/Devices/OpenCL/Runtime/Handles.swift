import COpenCL
import Device

// Owners of OpenCL's objects, which release them in `deinit`. Final classes: they are shared, and
// kept in collections.
//
// @unchecked Sendable: OpenCL 1.2, appendix A.2, makes every call safe from several
// threads except clSetKernelArg on one kernel, and `Kernel` is only used under the runtime's lock.

/// A context of one device.
final class Context: @unchecked Sendable {
  let handle: cl_context
  let device: cl_device_id

  init(device: cl_device_id) throws(DeviceError) {
    handle = try Calls.createContext(device)
    self.device = device
  }

  deinit { Calls.release(context: handle) }
}

/// A queue of commands that run in order.
final class Queue: @unchecked Sendable {
  let handle: cl_command_queue
  let context: Context

  init(context: Context) throws(DeviceError) {
    handle = try Calls.createQueue(context.handle, context.device)
    self.context = context
  }

  deinit { Calls.release(queue: handle) }

  func flush() throws(DeviceError) { try Calls.flush(handle) }
  func finish() throws(DeviceError) { try Calls.finish(handle) }
}

/// Something that a command leaves behind when it is done.
final class Event: @unchecked Sendable {
  let handle: cl_event

  init(_ handle: cl_event) { self.handle = handle }
  deinit { Calls.release(event: handle) }

  func wait() throws(DeviceError) { try Calls.wait(handle) }

  /// Seconds that the command took, once it has ended; 0 where the driver does not tell.
  var seconds: Double {
    guard let times = try? Calls.times(handle), times.end > times.start else { return 0 }
    return Double(times.end - times.start) * 1e-9
  }
}

/// A compiled program and its kernels.
final class Program: @unchecked Sendable {
  let handle: cl_program

  /// Compiles the variant's source.
  convenience init(context: Context, variant: KernelVariant) throws(DeviceError) {
    let program = try Calls.createProgram(
      context.handle, sources: variant.sources, name: variant.name)
    try self.init(building: program, context: context, variant: variant)
  }

  /// Loads what the variant was compiled to before.
  convenience init(context: Context, variant: KernelVariant, binary: [UInt8])
    throws(DeviceError)
  {
    let program = try Calls.createProgram(
      context.handle, context.device, binary: binary, name: variant.name)
    try self.init(building: program, context: context, variant: variant)
  }

  private init(building program: cl_program, context: Context, variant: KernelVariant)
    throws(DeviceError)
  {
    do {
      try Calls.build(
        program, for: context.device, options: variant.options, name: variant.name)
    } catch {
      Calls.release(program: program)
      throw error
    }
    handle = program
  }

  deinit { Calls.release(program: handle) }

  /// What the driver compiled it to.
  func binary(named name: String) throws(DeviceError) -> [UInt8] {
    try Calls.binary(of: handle, name: name)
  }
}

/// One kernel of a program. Not for two threads at once.
final class Kernel {
  let handle: cl_kernel
  let name: String
  private let program: Program

  init(program: Program, name: String) throws(DeviceError) {
    handle = try Calls.createKernel(program.handle, name: name)
    self.program = program
    self.name = name
  }

  deinit { Calls.release(kernel: handle) }
}

/// Memory of the device.
final class Buffer: @unchecked Sendable {
  let handle: cl_mem
  let byteCount: Int
  private let reservation: MemoryLedger.Reservation

  /// Memory for at least one byte; OpenCL has no empty buffers.
  init(runtime: Runtime, byteCount: Int, isResident: Bool) throws(DeviceError) {
    let size = max(byteCount, 1)
    reservation = try runtime.ledger.reserve(size, isResident: isResident)
    handle = try Calls.createBuffer(
      runtime.context.handle, flags: CL_MEM_READ_WRITE, byteCount: size)
    self.byteCount = size
  }

  deinit { Calls.release(buffer: handle) }
}

/// Host memory that the device copies from at full speed: allocated by the driver, always mapped.
final class PinnedMemory {
  let bytes: UnsafeMutableRawBufferPointer
  private let handle: cl_mem
  private let queue: Queue

  init(queue: Queue, byteCount: Int) throws(DeviceError) {
    let size = max(byteCount, 1)
    let buffer = try Calls.createBuffer(
      queue.context.handle, flags: CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, byteCount: size)
    do {
      let pointer = try Calls.map(queue.handle, buffer, byteCount: size)
      bytes = UnsafeMutableRawBufferPointer(start: pointer, count: size)
    } catch {
      Calls.release(buffer: buffer)
      throw error
    }
    handle = buffer
    self.queue = queue
  }

  deinit {
    if let pointer = bytes.baseAddress { Calls.unmap(queue.handle, handle, pointer) }
    Calls.release(buffer: handle)
  }
}
