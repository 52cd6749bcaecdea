import COpenCL
import Device
import Synchronization

/// What OpenCL says of one device, before it is opened.
public struct OpenCLDeviceDescription: Sendable, Hashable {
  /// Its number among all devices of all platforms, as in `opencl:INDEX`.
  public let index: Int
  /// The platform's name.
  public let platform: String
  /// The device's name.
  public let name: String
  /// Who made it.
  public let vendor: String
  /// The driver's version.
  public let driverVersion: String
  /// The device's OpenCL version, in OpenCL's words.
  public let version: String
  /// True for a GPU: a CPU behind OpenCL is slower than the CPU itself.
  public let isGPU: Bool
  /// Global memory in bytes.
  public let globalMemory: Int
  /// The largest buffer in bytes.
  public let largestAllocation: Int
  /// Local memory of a work-group in bytes.
  public let localMemory: Int
  /// Whether it computes in float64.
  public let hasFloat64: Bool
  /// How many compute units it has.
  public let computeUnits: Int
  /// Work-items that a work-group can have.
  public let largestWorkGroup: Int
  /// NVIDIA's compute capability, its first number; nil for others.
  public let computeCapability: Int?
  /// Whether it can be used now.
  public let isAvailable: Bool
  /// Whether kernels can be compiled for it.
  public let hasCompiler: Bool

  /// The kind of device and its platform, for people: `GPU, NVIDIA CUDA`.
  public var kind: String { "\(isGPU ? "GPU" : isCPU ? "CPU" : "accelerator"), \(platform)" }

  /// What the open device will be, in the words of every backend.
  public var info: DeviceInfo {
    DeviceInfo(
      id: "opencl:\(index)", name: name, backend: "OpenCL",
      driver: "\(platform) \(driverVersion)", memory: globalMemory, hasFloat64: hasFloat64,
      computeUnits: computeUnits)
  }

  /// Whether it may know the instructions of tensor.cl; its driver's compiler has the last word.
  var hasTensorCores: Bool { isGPU && (computeCapability ?? 0) >= 8 }

  let isCPU: Bool
  let id: DeviceID

  /// OpenCL's name of a device.
  struct DeviceID: @unchecked Sendable, Hashable {
    // @unchecked: a name that OpenCL 1.2 gives root devices for the life of the process.
    let handle: cl_device_id
  }

  init(index: Int, device: cl_device_id, platform: String) throws(DeviceError) {
    self.index = index
    self.platform = platform
    id = DeviceID(handle: device)
    name = try Calls.deviceString(device, CL_DEVICE_NAME)
    vendor = try Calls.deviceString(device, CL_DEVICE_VENDOR)
    driverVersion = try Calls.deviceString(device, CL_DRIVER_VERSION)
    version = try Calls.deviceString(device, CL_DEVICE_VERSION)
    let type = try Calls.number(device, CL_DEVICE_TYPE, as: cl_device_type.self)
    isGPU = type & cl_device_type(CL_DEVICE_TYPE_GPU) != 0
    isCPU = type & cl_device_type(CL_DEVICE_TYPE_CPU) != 0
    globalMemory = Int(
      clamping: try Calls.number(device, CL_DEVICE_GLOBAL_MEM_SIZE, as: cl_ulong.self))
    largestAllocation = Int(
      clamping: try Calls.number(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, as: cl_ulong.self))
    localMemory = Int(
      clamping: try Calls.number(device, CL_DEVICE_LOCAL_MEM_SIZE, as: cl_ulong.self))
    // CL_DEVICE_DOUBLE_FP_CONFIG: zero where float64 is missing.
    let float64 = try? Calls.number(
      device, CL_DEVICE_DOUBLE_FP_CONFIG, as: cl_device_fp_config.self)
    hasFloat64 = (float64 ?? 0) != 0
    computeUnits = Int(try Calls.number(device, CL_DEVICE_MAX_COMPUTE_UNITS, as: cl_uint.self))
    largestWorkGroup = try Calls.number(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, as: Int.self)
    computeCapability =
      vendor.contains("NVIDIA")
      ? (try? Calls.number(device, Self.computeCapabilityMajorNV, as: cl_uint.self)).map { Int($0) }
      : nil
    isAvailable = try Calls.number(device, CL_DEVICE_AVAILABLE, as: cl_bool.self) != 0
    hasCompiler = try Calls.number(device, CL_DEVICE_COMPILER_AVAILABLE, as: cl_bool.self) != 0
  }
}

extension OpenCLDeviceDescription {
  /// CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV of cl_nv_device_attribute_query.
  private static let computeCapabilityMajorNV: Int32 = 0x4000
}

extension OpenCLDevice {
  /// Every device of every platform, in OpenCL's order; none where OpenCL's loader finds no platform. It reads
  /// files and variables when it is first called, and never again.
  public static func all() throws(DeviceError) -> [OpenCLDeviceDescription] {
    // One thread at a time: drivers start up at the first call, and PoCL 3.1 for one lets a second
    // thread see devices that are not ready.
    try starting.withLock { (_) throws(DeviceError) in
      var descriptions: [OpenCLDeviceDescription] = []
      for platform in try Calls.platforms() {
        let name = try Calls.platformString(platform, CL_PLATFORM_NAME)
        for device in try Calls.devices(of: platform) {
          descriptions.append(
            try OpenCLDeviceDescription(
              index: descriptions.count, device: device, platform: name))
        }
      }
      return descriptions
    }
  }

  private static let starting = Mutex(())
}
