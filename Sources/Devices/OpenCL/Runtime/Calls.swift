import COpenCL
import Device

/// The only caller of OpenCL's C functions: each turns a status into a `DeviceError`.
enum Calls {
  /// Throws unless `status` is CL_SUCCESS.
  static func check(_ status: cl_int, _ call: String, _ context: @autoclosure () -> String)
    throws(DeviceError)
  {
    guard status != CL_SUCCESS else { return }
    throw error(status, call, context())
  }

  static func error(_ status: cl_int, _ call: String, _ context: String) -> DeviceError {
    let kind: DeviceError.Kind =
      switch status {
      case CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY,
        CL_INVALID_BUFFER_SIZE:
        .outOfMemory
      case CL_DEVICE_NOT_FOUND, platformNotFound: .notFound
      case CL_COMPILER_NOT_AVAILABLE: .unsupported
      default: .failed
      }
    return DeviceError(
      kind: kind, code: DeviceError.Code(rawValue: status), call: call, context: context)
  }

  /// An object that OpenCL returned along with CL_SUCCESS.
  private static func unwrap(
    _ object: OpaquePointer?, _ status: cl_int, _ call: String, _ context: @autoclosure () -> String
  ) throws(DeviceError) -> OpaquePointer {
    guard status == CL_SUCCESS, let object else { throw error(status, call, context()) }
    return object
  }

  /// CL_PLATFORM_NOT_FOUND_KHR: the ICD loader knows no platform. Its macro is not imported.
  static let platformNotFound: cl_int = -1001
}

// MARK: - Platforms and devices

extension Calls {
  /// Every platform; none, where the loader has none.
  static func platforms() throws(DeviceError) -> [cl_platform_id] {
    var count: cl_uint = 0
    let status = clGetPlatformIDs(0, nil, &count)
    if status == platformNotFound { return [] }
    try check(status, "clGetPlatformIDs", "counting the platforms")
    guard count > 0 else { return [] }
    var platforms = [cl_platform_id?](repeating: nil, count: Int(count))
    try check(
      clGetPlatformIDs(count, &platforms, nil), "clGetPlatformIDs", "listing the platforms")
    return platforms.compactMap { $0 }
  }

  /// Every device of a platform; none, where the platform has none.
  static func devices(of platform: cl_platform_id) throws(DeviceError) -> [cl_device_id] {
    let all = cl_device_type(CL_DEVICE_TYPE_ALL)
    var count: cl_uint = 0
    let status = clGetDeviceIDs(platform, all, 0, nil, &count)
    if status == CL_DEVICE_NOT_FOUND { return [] }
    try check(status, "clGetDeviceIDs", "counting the devices")
    guard count > 0 else { return [] }
    var devices = [cl_device_id?](repeating: nil, count: Int(count))
    try check(
      clGetDeviceIDs(platform, all, count, &devices, nil), "clGetDeviceIDs", "listing the devices")
    return devices.compactMap { $0 }
  }

  static func platformString(_ platform: cl_platform_id, _ parameter: Int32) throws(DeviceError)
    -> String
  {
    try string("clGetPlatformInfo", "parameter \(parameter)") {
      clGetPlatformInfo(platform, cl_platform_info(parameter), $0, $1, $2)
    }
  }

  static func deviceString(_ device: cl_device_id, _ parameter: Int32) throws(DeviceError) -> String
  {
    try string("clGetDeviceInfo", "parameter \(parameter)") {
      clGetDeviceInfo(device, cl_device_info(parameter), $0, $1, $2)
    }
  }

  /// A number of a device, whose type must be the one the OpenCL reference gives.
  static func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ device: cl_device_id, _ parameter: Int32, as type: Number.Type
  ) throws(DeviceError) -> Number {
    var value = Number.zero
    let status = clGetDeviceInfo(
      device, cl_device_info(parameter), MemoryLayout<Number>.size, &value, nil)
    try check(status, "clGetDeviceInfo", "parameter \(parameter)")
    return value
  }

  /// Text of any length, up to its terminating zero.
  private static func string(
    _ call: String, _ context: String,
    _ query: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
  ) throws(DeviceError) -> String {
    var size = 0
    try check(query(0, nil, &size), call, context)
    guard size > 0 else { return "" }
    var bytes = [UInt8](repeating: 0, count: size)
    try check(query(size, &bytes, nil), call, context)
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}

// MARK: - Contexts, queues, programs

extension Calls {
  static func createContext(_ device: cl_device_id) throws(DeviceError) -> cl_context {
    var status: cl_int = CL_SUCCESS
    var devices: [cl_device_id?] = [device]
    let context = clCreateContext(nil, 1, &devices, nil, nil, &status)
    return try unwrap(context, status, "clCreateContext", "opening the device")
  }

  static func createQueue(_ context: cl_context, _ device: cl_device_id) throws(DeviceError)
    -> cl_command_queue
  {
    var status: cl_int = CL_SUCCESS
    let profiled = cl_command_queue_properties(CL_QUEUE_PROFILING_ENABLE)
    let queue = clCreateCommandQueue(context, device, profiled, &status)
    return try unwrap(queue, status, "clCreateCommandQueue", "opening a queue")
  }

  static func createProgram(_ context: cl_context, sources: [String], name: String)
    throws(DeviceError) -> cl_program
  {
    var status: cl_int = CL_SUCCESS
    let text = sources.joined(separator: "\n")
    let program = text.withCString { pointer -> cl_program? in
      var strings: [UnsafePointer<CChar>?] = [pointer]
      return clCreateProgramWithSource(context, 1, &strings, nil, &status)
    }
    return try unwrap(program, status, "clCreateProgramWithSource", name)
  }

  static func createProgram(
    _ context: cl_context, _ device: cl_device_id, binary: [UInt8], name: String
  ) throws(DeviceError) -> cl_program {
    var status: cl_int = CL_SUCCESS
    var binaryStatus: cl_int = CL_SUCCESS
    var devices: [cl_device_id?] = [device]
    var lengths = [binary.count]
    let program = binary.withUnsafeBufferPointer { bytes in
      var binaries = [bytes.baseAddress]
      return clCreateProgramWithBinary(
        context, 1, &devices, &lengths, &binaries, &binaryStatus, &status)
    }
    return try unwrap(program, status, "clCreateProgramWithBinary", name)
  }

  /// What a program was compiled to, for the only device it was built for.
  static func binary(of program: cl_program, name: String) throws(DeviceError) -> [UInt8] {
    var size = 0
    try check(
      clGetProgramInfo(
        program, cl_program_info(CL_PROGRAM_BINARY_SIZES), MemoryLayout<Int>.size, &size, nil),
      "clGetProgramInfo", "the size of \(name)")
    var bytes = [UInt8](repeating: 0, count: size)
    let status = bytes.withUnsafeMutableBufferPointer { buffer in
      var pointer = buffer.baseAddress
      return clGetProgramInfo(
        program, cl_program_info(CL_PROGRAM_BINARIES),
        MemoryLayout<UnsafeMutablePointer<UInt8>?>.size, &pointer, nil)
    }
    try check(status, "clGetProgramInfo", "the binary of \(name)")
    return bytes
  }

  /// Compiles; a failure carries the compiler's whole log.
  static func build(_ program: cl_program, for device: cl_device_id, options: String, name: String)
    throws(DeviceError)
  {
    var devices: [cl_device_id?] = [device]
    let status = clBuildProgram(program, 1, &devices, options, nil, nil)
    guard status != CL_SUCCESS else { return }
    let log = try? string("clGetProgramBuildInfo", name) {
      clGetProgramBuildInfo(
        program, device, cl_program_build_info(CL_PROGRAM_BUILD_LOG), $0, $1, $2)
    }
    throw error(status, "clBuildProgram", "\(name) with \(options)\n\(log ?? "(no log)")")
  }

  static func createKernel(_ program: cl_program, name: String) throws(DeviceError) -> cl_kernel {
    var status: cl_int = CL_SUCCESS
    let kernel = clCreateKernel(program, name, &status)
    return try unwrap(kernel, status, "clCreateKernel", name)
  }

  static func setArgument(
    _ kernel: cl_kernel, _ index: Int, _ bytes: UnsafeRawBufferPointer, name: String
  ) throws(DeviceError) {
    try check(
      clSetKernelArg(kernel, cl_uint(index), bytes.count, bytes.baseAddress), "clSetKernelArg",
      "argument \(index) of \(name)")
  }
}

// MARK: - Buffers and commands

extension Calls {
  static func createBuffer(_ context: cl_context, flags: Int32, byteCount: Int)
    throws(DeviceError) -> cl_mem
  {
    var status: cl_int = CL_SUCCESS
    let buffer = clCreateBuffer(context, cl_mem_flags(flags), byteCount, nil, &status)
    return try unwrap(buffer, status, "clCreateBuffer", "\(byteCount) bytes")
  }

  /// Maps a whole buffer for the host to write, for as long as it lives.
  static func map(_ queue: cl_command_queue, _ buffer: cl_mem, byteCount: Int)
    throws(DeviceError) -> UnsafeMutableRawPointer
  {
    var status: cl_int = CL_SUCCESS
    let flags = cl_map_flags(CL_MAP_READ) | cl_map_flags(CL_MAP_WRITE)
    let pointer = clEnqueueMapBuffer(
      queue, buffer, cl_bool(CL_TRUE), flags, 0, byteCount, 0, nil, nil, &status)
    guard status == CL_SUCCESS, let pointer else {
      throw error(status, "clEnqueueMapBuffer", "\(byteCount) bytes")
    }
    return pointer
  }

  static func unmap(_ queue: cl_command_queue, _ buffer: cl_mem, _ pointer: UnsafeMutableRawPointer)
  {
    // A failure leaves the mapping to the buffer's own release.
    _ = clEnqueueUnmapMemObject(queue, buffer, pointer, 0, nil, nil)
  }

  /// Starts a copy to the device, from byte `offset` of the buffer. `source` must not change before
  /// the event.
  static func write(
    _ queue: cl_command_queue, _ buffer: cl_mem, offset: Int,
    from source: UnsafeRawBufferPointer, after events: [cl_event?]
  ) throws(DeviceError) -> cl_event {
    var event: cl_event?
    let status = clEnqueueWriteBuffer(
      queue, buffer, cl_bool(CL_FALSE), offset, source.count, source.baseAddress,
      cl_uint(events.count), events.isEmpty ? nil : events, &event)
    return try unwrap(event, status, "clEnqueueWriteBuffer", "\(source.count) bytes")
  }

  /// Copies from byte `offset` of the device's buffer and waits, for this and everything before it in the queue.
  static func read(
    _ queue: cl_command_queue, _ buffer: cl_mem, offset: Int,
    into destination: UnsafeMutableRawBufferPointer
  ) throws(DeviceError) {
    let status = clEnqueueReadBuffer(
      queue, buffer, cl_bool(CL_TRUE), offset, destination.count, destination.baseAddress, 0, nil,
      nil)
    try check(status, "clEnqueueReadBuffer", "\(destination.count) bytes")
  }

  static func launch(
    _ queue: cl_command_queue, _ kernel: cl_kernel, global: [Int], local: [Int],
    after events: [cl_event?], name: String
  ) throws(DeviceError) -> cl_event {
    var event: cl_event?
    let status = clEnqueueNDRangeKernel(
      queue, kernel, cl_uint(global.count), nil, global, local, cl_uint(events.count),
      events.isEmpty ? nil : events, &event)
    return try unwrap(
      event, status, "clEnqueueNDRangeKernel", "\(name), \(global) work-items by \(local)")
  }

  static func wait(_ event: cl_event) throws(DeviceError) {
    var events: [cl_event?] = [event]
    try check(clWaitForEvents(1, &events), "clWaitForEvents", "waiting for the device")
  }

  /// When a command that has ended began and ended, in nanoseconds of the device's clock.
  static func times(_ event: cl_event) throws(DeviceError) -> (start: UInt64, end: UInt64) {
    var start: cl_ulong = 0
    var end: cl_ulong = 0
    let size = MemoryLayout<cl_ulong>.size
    try check(
      clGetEventProfilingInfo(
        event, cl_profiling_info(CL_PROFILING_COMMAND_START), size, &start, nil),
      "clGetEventProfilingInfo", "the start of a command")
    try check(
      clGetEventProfilingInfo(event, cl_profiling_info(CL_PROFILING_COMMAND_END), size, &end, nil),
      "clGetEventProfilingInfo", "the end of a command")
    return (start, end)
  }

  static func flush(_ queue: cl_command_queue) throws(DeviceError) {
    try check(clFlush(queue), "clFlush", "starting the work")
  }

  static func finish(_ queue: cl_command_queue) throws(DeviceError) {
    try check(clFinish(queue), "clFinish", "waiting for the device")
  }
}

// MARK: - Release

// A failing release cannot be answered: it is called from `deinit`, and the object is gone.
extension Calls {
  static func release(context: cl_context) { _ = clReleaseContext(context) }
  static func release(queue: cl_command_queue) { _ = clReleaseCommandQueue(queue) }
  static func release(program: cl_program) { _ = clReleaseProgram(program) }
  static func release(kernel: cl_kernel) { _ = clReleaseKernel(kernel) }
  static func release(buffer: cl_mem) { _ = clReleaseMemObject(buffer) }
  static func release(event: cl_event) { _ = clReleaseEvent(event) }
}
