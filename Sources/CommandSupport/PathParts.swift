/// A path taken apart at its last slash.
///
/// Not by Foundation: `NSString.deletingLastPathComponent` of swift-corelibs-foundation 6.3.1 ends
/// the process for a path of a single character.
public struct PathParts: Sendable, Hashable {
  /// What is before the last slash; `.` where there is none, `/` for the root.
  public let folder: String
  /// What is behind it.
  public let name: String

  /// Takes `path` apart.
  public init(_ path: String) {
    let bytes = path.utf8
    if let slash = bytes.lastIndex(of: UInt8(ascii: "/")) {
      folder = slash == bytes.startIndex ? "/" : String(path[..<slash])
      name = String(path[bytes.index(after: slash)...])
    } else {
      folder = "."
      name = path
    }
  }

  /// What is behind the name's last dot; empty where there is none but at its beginning.
  public var fileExtension: String {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return String(name[name.index(after: dot)...])
  }
}
