import Device
import Glibc
import OpenCLDevice
import Support
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

/// A folder of files `NAME.icd`, each of which names a driver to OpenCL's loader; it goes with this value.
private final class DriverFolder {
  let path: String
  private let files: [String]

  init(_ drivers: [String]) throws(DeviceError) {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let template = "\(parent)/cka-opencl-XXXXXX"
    var name = Array(template.utf8CString)
    guard mkdtemp(&name) != nil else { throw Self.error(template) }
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    files = drivers.indices.map { "driver\($0).icd" }
    do {
      for (file, driver) in zip(files, drivers) {
        try writeNewFile(Array("\(driver)\n".utf8), at: "\(path)/\(file)", called: file)
      }
    } catch {
      throw DeviceError(kind: .failed, call: Self.call(path), context: "\(error)")
    }
  }

  deinit {
    for file in files { unlink("\(path)/\(file)") }
    rmdir(path)
  }

  private static func call(_ path: String) -> String { "naming the drivers to OpenCL in \(path)" }

  private static func error(_ path: String) -> DeviceError {
    DeviceError(kind: .failed, call: call(path), context: systemMessage(errno))
  }
}
