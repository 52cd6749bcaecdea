/// This process's resident memory, in bytes. The high-water mark is the kernel's `VmHWM`: that of
/// `getrusage` begins with the memory of whoever started the process.
public enum ProcessMemory {
  /// The most there has been.
  public static var peak: Int { status("VmHWM:") }
  /// What there is.
  public static var now: Int { status("VmRSS:") }
  /// By how much two runs of the same command may differ in what they have before they begin.
  public static let grain = 16 << 20

  /// A line of /proc/self/status, which counts in KiB; 0 where there is none.
  private static func status(_ name: String) -> Int {
    let line = contents(ofSmallFile: "/proc/self/status")?.split(separator: "\n").first {
      $0.hasPrefix(name)
    }
    let number = line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
    return (number ?? 0) * 1024
  }
}
