import Device
import Glibc
import Support

/// A folder of files `NAME.icd`, each of which names a driver to OpenCL's loader; it goes with this value.
package final class DriverFolder {
  /// Where it is: in TMPDIR.
  package let path: String
  private let files: [String]

  /// Makes the folder.
  package init(_ drivers: [String]) throws(DeviceError) {
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
