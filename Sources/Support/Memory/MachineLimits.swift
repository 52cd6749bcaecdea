import CSystem
import Glibc

/// How much of this machine the process may use: the machine's resources, or less if a container,
/// user limits or a processor set restrict them.
///
/// A cgroup's limit is that of the process's own group or of any above it (version 2 first, version 1
/// where that is mounted).
public struct MachineLimits: Sendable, Hashable {
  /// Bytes of memory.
  public let memory: Int
  /// Processors that threads may keep busy, at least 1.
  public let processors: Int

  /// This process's, as they were when first asked for.
  public static let current = MachineLimits(
    files: "", physicalMemory: physicalMemory, addressSpace: addressSpace,
    processors: allowedProcessors)

  /// Limits as files below the folder `files` say, where "" is the root.
  ///
  /// - Parameters:
  ///   - physicalMemory: bytes of the machine.
  ///   - addressSpace: bytes of address space, nil where they are not limited.
  ///   - processors: processors of the machine that the process may run on.
  init(files root: String, physicalMemory: Int, addressSpace: Int?, processors: Int) {
    let groups = ControlGroup.all(root: root)
    memory = ([physicalMemory, addressSpace] + groups.map(\.memory)).compactMap { $0 }.min() ?? 0
    let quota = groups.compactMap(\.processors).min() ?? .infinity
    self.processors = max(min(processors, Int(min(quota.rounded(.up), 1e6))), 1)
  }

  private static var physicalMemory: Int {
    sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
  }

  private static var addressSpace: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur != .max
    else { return nil }
    return Int(clamping: limit.rlim_cur)
  }

  private static var allowedProcessors: Int {
    var allowed = cka_processors()
    // Fails where there are more than 1,024 processors.
    guard cka_get_processors(&allowed) == 0 else { return sysconf(Int32(_SC_NPROCESSORS_ONLN)) }
    return withUnsafeBytes(of: allowed) { $0.reduce(0) { $0 + $1.nonzeroBitCount } }
  }
}

/// One control group that the process is in, or that holds one.
private struct ControlGroup {
  /// Bytes; nil where they are not limited.
  var memory: Int?
  /// Processors' worth of time; nil where that is not limited.
  var processors: Double?

  static func all(root: String) -> [ControlGroup] {
    guard let text = contents(ofSmallFile: "\(root)/proc/self/cgroup") else { return [] }
    let system = "\(root)/sys/fs/cgroup"
    var groups: [ControlGroup] = []
    for line in text.split(separator: "\n") {
      // "0::/path" of version 2; "4:memory:/path" of version 1.
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let controllers = fields[1].split(separator: ",")
      for path in ancestors(of: String(fields[2])) {
        if fields[0] == "0", controllers.isEmpty {
          // Version 2 may be mounted beside version 1.
          for base in [system, "\(system)/unified"] { groups.append(.version2(base + path)) }
        }
        if controllers.contains("memory") {
          groups.append(
            ControlGroup(memory: number("\(system)/memory\(path)/memory.limit_in_bytes")))
        }
        if controllers.contains("cpu") {
          let folder = "\(system)/\(fields[1])\(path)"
          groups.append(
            ControlGroup(
              processors: share(
                number("\(folder)/cpu.cfs_quota_us"), number("\(folder)/cpu.cfs_period_us"))))
        }
      }
    }
    return groups
  }

  private static func version2(_ folder: String) -> ControlGroup {
    let time =
      contents(ofSmallFile: "\(folder)/cpu.max")?.split(whereSeparator: \.isWhitespace) ?? []
    return ControlGroup(
      memory: [number("\(folder)/memory.max"), number("\(folder)/memory.high")]
        .compactMap { $0 }.min(),
      processors: time.count == 2 ? share(Int(time[0]), Int(time[1])) : nil)
  }

  /// The path, and those above it up to the root: inside a container the root is the container's own.
  private static func ancestors(of path: String) -> [String] {
    var names = path.split(separator: "/")
    var paths: [String] = []
    while !names.isEmpty {
      paths.append("/" + names.joined(separator: "/"))
      names.removeLast()
    }
    return paths + [""]
  }

  /// Of quotas those below zero stand for none.
  private static func share(_ quota: Int?, _ period: Int?) -> Double? {
    guard let quota, let period, quota > 0, period > 0 else { return nil }
    return Double(quota) / Double(period)
  }

  /// The number a file holds; nil for "max", and where there is no such file.
  private static func number(_ path: String) -> Int? {
    guard let text = contents(ofSmallFile: path),
      let word = text.split(whereSeparator: \.isWhitespace).first
    else { return nil }
    return Int(word)
  }
}
