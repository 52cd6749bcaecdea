import FoundationEssentials

/// The user's cache folder: measured tunings and compiled programs, both reproducible.
///
/// Nothing in it is trusted, and nothing depends on it: what cannot be read is made again, what
/// cannot be written is left out.
struct CacheFolder: Sendable, Hashable {
  let path: String

  /// The folder `cka` in `$XDG_CACHE_HOME`, else in `~/.cache`; nil where there is neither.
  /// https://specifications.freedesktop.org/basedir-spec: a path that is not absolute is ignored.
  static let user: CacheFolder? = {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["XDG_CACHE_HOME"], path.hasPrefix("/") {
      return CacheFolder(path: path + "/cka")
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return CacheFolder(path: home + "/.cache/cka")
  }()

  /// The bytes of a file of a folder inside, if it is a file and no larger than `mostBytes`.
  func read(_ name: String, in folder: String, mostBytes: Int) -> Data? {
    let path = "\(path)/\(folder)/\(name)"
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
      attributes[.type] as? FileAttributeType == .typeRegular,
      let size = attributes[.size] as? Int, size <= mostBytes
    else { return nil }
    return FileManager.default.contents(atPath: path)
  }

  /// Writes a file that appears whole, in place of an earlier one; whether that worked.
  @discardableResult
  func write(_ data: Data, to name: String, in folder: String) -> Bool {
    let folder = "\(path)/\(folder)"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      // Written aside and renamed, each process under a name of its own.
      try data.write(to: URL(fileURLWithPath: "\(folder)/\(name)"), options: .atomic)
      return true
    } catch {
      return false
    }
  }
}
