import CommandSupport
import Device
import Foundation
import Support

/// The machine as reports name it.
struct Machine: Codable, Equatable {
  var processor: String
  var cores: Int
  /// Bytes.
  var memory: Int
  var system: String
  /// The instruction sets of the kernels, and the libraries.
  var kernels: String

  /// This machine.
  ///
  /// In a process of its own, because libraries choose their kernels by the variables that a
  /// process starts with.
  init(folder: TemporaryFolder) throws {
    let program = try RunningProgram(
      [ownPath, "measure-limit", "machine"], environment: [:], folder: folder)
    self = try program.next(Machine.self)
  }

  /// This machine as this process sees it.
  init() {
    let cpu = (try? openDevice("cpu"))?.info
    processor = cpu?.name ?? "unknown"
    cores = MachineLimits.current.processors
    memory = MachineLimits.current.memory
    kernels = cpu?.driver ?? "unknown"
    var names = utsname()
    uname(&names)
    let kernel = withUnsafeBytes(of: names.release) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    system = "\(ProcessInfo.processInfo.operatingSystemVersionString), Linux \(kernel)"
  }
}
