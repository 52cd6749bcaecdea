import Device
import Glibc
import OpenCLDevice
import Synchronization

/// Every OpenCL device of this machine, those of drivers that OpenCL's loader would not find by itself
/// included.
public func openCLDevices() throws(DeviceError) -> [OpenCLDeviceDescription] {
  try hasStarted.withLock { (hasStarted) throws(DeviceError) in
    // The loader reads files and variables in its first call and never again.
    if hasStarted { return try OpenCLDevice.all() }
    guard let drivers = try DriverSearch.onThisMachine().drivers() else {
      hasStarted = true
      return try OpenCLDevice.all()
    }
    let folder = try DriverFolder(drivers)
    hasStarted = true
    setenv("OCL_ICD_VENDORS", folder.path, 1)
    defer { unsetenv("OCL_ICD_VENDORS") }
    return try withExtendedLifetime(folder) { () throws(DeviceError) in try OpenCLDevice.all() }
  }
}

private let hasStarted = Mutex(false)
