import Activations
import Device
import Foundation
import Synchronization
import Testing

@testable import OpenCLDevice

/// The device the tests run on. There must be one: tests that skip prove nothing.
enum Fixture {
  /// The first device of all, or of the platform that CKA_TEST_OPENCL_PLATFORM names.
  static func description() throws -> OpenCLDeviceDescription {
    let wanted = ProcessInfo.processInfo.environment["CKA_TEST_OPENCL_PLATFORM"]
    let devices = try OpenCLDevice.all()
    let device = devices.first { wanted == nil || $0.platform == wanted }
    let found = try #require(device, "no OpenCL device (platform \(wanted ?? "any")) to test on")
    announce(found)
    return found
  }

  /// Says once which device the tests use, for scripts that must know.
  private static func announce(_ device: OpenCLDeviceDescription) {
    announced.withLock { isDone in
      if !isDone { print("CKA_TEST_DEVICE \(device.platform): \(device.name)") }
      isDone = true
    }
  }

  private static let announced = Mutex(false)

  /// Smaller sizes where a simulator executes the kernels.
  static var isSimulated: Bool {
    ProcessInfo.processInfo.environment["CKA_TEST_OPENCL_PLATFORM"] == "Oclgrind"
  }

  /// The defaults for the device; in a simulator with smaller tiles and shorter sums of pairs, so that
  /// few numbers make several.
  static func tuning(float64: Bool) -> Tuning {
    guard let description = try? description() else {
      preconditionFailure("no OpenCL device to test on")
    }
    var tuning = Tuning(description)
    tuning.usesFloat64 = float64 && description.hasFloat64
    if isSimulated {
      tuning.gram = TileShape(tile: 32, rows: 4, columns: 4, depth: 8)
      tuning.flush = 64
      tuning.leastPairSlice = 64
    }
    return tuning
  }

  static func runtime(float64: Bool = true) throws -> Runtime {
    let description = try description()
    return try Runtime(
      description, limits: OpenCLLimits(description), tuning: tuning(float64: float64))
  }

  static func device(limits: OpenCLLimits? = nil, float64: Bool = true) throws -> OpenCLDevice {
    let description = try description()
    return try OpenCLDevice(
      description, limits: limits ?? OpenCLLimits(description),
      tuning: tuning(float64: float64))
  }
}

/// Device memory of `count` values between two zones that nobody may write.
struct Guarded<Value: BitwiseCopyable & Equatable> {
  let buffer: Buffer
  private let runtime: Runtime
  private let count: Int
  private let sentinel: Value
  /// Values behind the last: the kernels get the whole buffer, which begins with the values.
  private static var zone: Int { 256 }

  /// A buffer of `values`, or of sentinels where the kernel writes.
  init(_ runtime: Runtime, _ values: [Value], sentinel: Value) throws {
    self.runtime = runtime
    self.sentinel = sentinel
    count = values.count
    let all = values + Array(repeating: sentinel, count: Self.zone)
    buffer = try runtime.buffer(byteCount: all.count * MemoryLayout<Value>.stride)
    try all.withUnsafeBytes { bytes in
      try runtime.write(buffer, from: bytes, on: runtime.compute).wait()
    }
  }

  init(_ runtime: Runtime, count: Int, sentinel: Value) throws {
    try self.init(runtime, Array(repeating: sentinel, count: count), sentinel: sentinel)
  }

  /// The values, after a check that nothing behind them was written.
  func read(sourceLocation: SourceLocation = #_sourceLocation) throws -> [Value] {
    let all = try runtime.readArray(buffer, count: count + Self.zone, of: sentinel)
    #expect(
      all[count...].allSatisfy { $0 == sentinel }, "written behind the end",
      sourceLocation: sourceLocation)
    return Array(all[..<count])
  }
}

extension Guarded where Value == Float {
  init(_ runtime: Runtime, _ values: [Float]) throws {
    try self.init(runtime, values, sentinel: -12345.0625)
  }

  init(_ runtime: Runtime, count: Int) throws {
    try self.init(runtime, count: count, sentinel: -12345.0625)
  }
}

extension Guarded where Value == UInt32 {
  init(_ runtime: Runtime, _ values: [UInt32]) throws {
    try self.init(runtime, values, sentinel: 0xDEAD_BEEF)
  }

  init(_ runtime: Runtime, count: Int) throws {
    try self.init(runtime, count: count, sentinel: 0xDEAD_BEEF)
  }
}
