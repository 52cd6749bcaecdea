import Activations
import Glibc
import Support

/// Size and times of a file, to detect changes without reading it.
struct FileStamp: Codable, Sendable, Hashable {
  var name: String
  var size: Int
  /// When its content was last changed.
  var modified: FileTime
  /// When anything about it was last changed; nobody can set this back.
  var changed: FileTime

  /// The files that a model at `path` may be made of: those in a folder, or the file and what lies
  /// beside it to describe it. Waits where one of them was changed a moment ago, until any other change
  /// will have another time. Empty where the files go on changing, or cannot be looked at.
  static func files(ofModel path: String) -> [FileStamp] {
    for _ in 0..<2 {
      let stamps = stamps(ofModel: path)
      // Negative ages come from clocks that disagree; do not wait for them.
      guard let age = stamps.map(\.changed.age).min(), age < coarsest else { return stamps }
      let isFine = stamps.contains { $0.changed.nanoseconds != 0 }
      let rest = (isFine ? tick : coarsest) - age
      guard rest > 0 else { return stamps }
      if rest > coarsest { return [] }
      usleep(UInt32(rest * 1e6) + 1)
    }
    return []
  }

  /// Seconds between the times that a file system tells apart: a tick of the system's clock, with room.
  private static let tick = 0.05
  /// Where file systems count whole seconds, or two of them.
  private static let coarsest = 2.0

  private static func stamps(ofModel path: String) -> [FileStamp] {
    let (folder, name) = splitPath(path)
    guard let isFolder = try? StorePath.isFolder(path),
      let names = try? StorePath.contents(isFolder ? path : folder)
    else { return [] }
    let paths =
      if isFolder {
        names.filter { !$0.hasPrefix(".") }.map { "\(path)/\($0)" }
      } else {
        [path]
          + names.filter {
            $0 != name && ($0 == "layers.json" || $0.hasSuffix(".examples.txt"))
          }.map { "\(folder)/\($0)" }
      }
    var stamps: [FileStamp] = []
    for path in paths {
      var status = stat()
      guard stat(path, &status) == 0 else { return [] }
      guard status.st_mode & S_IFMT == S_IFREG else { continue }
      stamps.append(
        FileStamp(
          name: splitPath(path).name, size: Int(status.st_size),
          modified: FileTime(status.st_mtim), changed: FileTime(status.st_ctim)))
    }
    return stamps
  }
}

/// A time of a file, any that a system may tell.
///
/// In documents it is nanoseconds since 1970 where 64 bits hold them, from 1677 to 2262, else an array
/// of seconds and nanoseconds.
struct FileTime: Codable, Sendable, Hashable {
  /// Since 1970; negative before.
  let seconds: Int64
  /// Behind the second: 0 ..< 10⁹.
  let nanoseconds: Int64

  private static let perSecond: Int64 = 1_000_000_000

  init(_ time: timespec) {
    seconds = Int64(time.tv_sec)
    nanoseconds = Int64(time.tv_nsec)
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let all = try? container.decode(Int64.self) {
      let (quotient, remainder) = all.quotientAndRemainder(dividingBy: Self.perSecond)
      seconds = remainder < 0 ? quotient - 1 : quotient
      nanoseconds = remainder < 0 ? remainder + Self.perSecond : remainder
      return
    }
    let parts = try container.decode([Int64].self)
    guard parts.count == 2, (0..<Self.perSecond).contains(parts[1]) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "expected nanoseconds, or seconds and nanoseconds")
    }
    (seconds, nanoseconds) = (parts[0], parts[1])
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    // Before 1970 the first product may not fit where the sum does; an array holds that, too.
    let (whole, isLarge) = seconds.multipliedReportingOverflow(by: Self.perSecond)
    let (all, isLarger) = whole.addingReportingOverflow(nanoseconds)
    if isLarge || isLarger {
      try container.encode([seconds, nanoseconds])
    } else {
      try container.encode(all)
    }
  }

  /// Seconds from this time until now; negative where it is yet to come.
  var age: Double {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec) - Double(seconds) + Double(Int64(now.tv_nsec) - nanoseconds) / 1e9
  }
}
