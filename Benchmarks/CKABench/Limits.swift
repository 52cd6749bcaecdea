import CommandSupport
import Device
import Foundation

/// What the machine can do at best: what measured times are held against.
struct Limits: Codable {
  /// Dense float32 products through OpenBLAS, all cores.
  struct SgemmPeak: Codable {
    var gigaflops: Double
    /// Which of OpenBLAS's kernels were that fast.
    var kernels: String
    var library: String
    var threads: Int
  }

  /// Bytes a second, in units of 10⁹.
  struct Memory: Codable {
    /// Reading, as a sum does.
    var readOneCore: Double
    var readAllCores: Double
    /// a ← b + s·c, as STREAM's triad counts it: three numbers of 4 bytes each.
    var triadOneCore: Double
    var triadAllCores: Double
  }

  /// What an OpenCL device says of itself when asked to do nothing else.
  struct OpenCL: Codable {
    var id: String
    /// From pinned memory of the host to the device, in 10⁹ bytes a second.
    var transfer: Double
    /// Fused multiply-adds of float32, two operations each.
    var gigaflops: Double
  }

  /// The fastest of all kernels that OpenBLAS has for this processor.
  var sgemm: SgemmPeak
  /// All kernels that were tried, the fastest first.
  var sgemmTried: [SgemmPeak]
  var memory: Memory
  var openCL: [OpenCL]

  /// Measures them, each in a process of its own, for about `seconds` each.
  init(devices: [DeviceInfo], seconds: Double, folder: TemporaryFolder) throws {
    sgemmTried = try Self.sgemmPeaks(seconds: seconds, folder: folder)
    sgemm = sgemmTried[0]
    memory = try Self.measure("memory", Memory.self, seconds: seconds, folder: folder)
    openCL = try devices.filter { $0.backend == "OpenCL" }.map {
      try Self.measure($0.id, OpenCL.self, seconds: seconds, folder: folder)
    }
  }

  /// All kernels that OpenBLAS may have for this processor, the fastest first; at least one.
  static func sgemmPeaks(seconds: Double, folder: TemporaryFolder) throws -> [SgemmPeak] {
    try coreTypes.map { core in
      try measure(
        "sgemm", SgemmPeak.self, seconds: seconds,
        environment: core.map { ["OPENBLAS_CORETYPE": $0] } ?? [:], folder: folder)
    }
    .sorted { $0.gigaflops > $1.gigaflops }
  }

  private static func measure<Value: Decodable>(
    _ what: String, _ type: Value.Type, seconds: Double, environment: [String: String] = [:],
    folder: TemporaryFolder
  ) throws -> Value {
    let program = try RunningProgram(
      [ownPath, "measure-limit", what, "--seconds", String(seconds)], environment: environment,
      folder: folder)
    return try program.next(type)
  }

  /// What to tell OpenBLAS that the processor is; nil to let it look. It does not always choose its
  /// fastest kernels for a processor younger than itself.
  private static var coreTypes: [String?] {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let flags = Set(
      text.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? [])
    var types: [String?] = [nil]
    if flags.isSuperset(of: ["avx2", "fma"]) { types.append("Haswell") }
    if flags.isSuperset(of: ["avx512f", "avx512bw", "avx512dq", "avx512vl"]) {
      types.append("SkylakeX")
    }
    return types
  }
}

/// The least time that a workload can take on a device, and what it is that takes it.
struct Bound: Codable {
  /// `compute`, `memory` or `transfer`.
  var limit: String
  /// Seconds.
  var seconds: Double
  /// The device's float32 peak.
  var gigaflops: Double

  init(of work: Work, on device: DeviceInfo, _ limits: Limits) {
    let gigaflops = limits.gigaflops(of: device)
    let compute = (work.gram + work.pairs) / (gigaflops * 1e9)
    let openCL = limits.openCL.first { $0.id == device.id }
    let gigabytes = openCL?.transfer ?? limits.memory.readAllCores
    let bytes = work.bytes / (gigabytes * 1e9)
    limit = compute >= bytes ? "compute" : openCL == nil ? "memory" : "transfer"
    seconds = max(compute, bytes)
    self.gigaflops = gigaflops
  }
}

extension Limits {
  /// The float32 peak of a device: for the CPU the sgemm peak.
  func gigaflops(of device: DeviceInfo) -> Double {
    openCL.first { $0.id == device.id }?.gigaflops ?? sgemm.gigaflops
  }
}
