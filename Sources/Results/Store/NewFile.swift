import Glibc
import Support

/// A file of a store while it is made.
typealias NewFile = FileAside<StoreError>

extension FileAside where Failure == StoreError {
  /// Begins a file that will be, or replace, the one at `path`.
  convenience init(_ path: String) throws(StoreError) {
    let (folder, name) = splitPath(path)
    try self.init(path, aside: "\(folder)/\(StorePath.asidePrefix)\(name).\(getpid())") {
      .writing(path, $0)
    }
  }

  /// Writes a whole file.
  static func write(_ bytes: [UInt8], to path: String) throws(StoreError) {
    let file = try NewFile(path)
    try file.append(bytes)
    try file.finish()
  }
}

/// Names and folders of a store.
enum StorePath {
  /// What the names of unfinished files begin with.
  static let asidePrefix = ".partial-"

  /// Makes a folder, and those above it, where they are missing.
  static func makeFolder(_ path: String) throws(StoreError) {
    if mkdir(path, 0o777) == 0 { return }
    if errno == ENOENT {
      let folder = splitPath(path).folder
      if folder != path {
        try makeFolder(folder)
        if mkdir(path, 0o777) == 0 { return }
      }
    }
    let code = errno
    guard code == EEXIST, try isFolder(path) else { throw .writing(path, code) }
  }

  /// Whether a folder lies at `path`, or a link leads to one.
  ///
  /// - Throws: `.io` where that cannot be told.
  static func isFolder(_ path: String) throws(StoreError) -> Bool {
    var status = stat()
    guard try isThere(path, stat(path, &status)) else { return false }
    return status.st_mode & S_IFMT == S_IFDIR
  }

  /// What a call that looks at `path` says.
  private static func isThere(_ path: String, _ result: Int32) throws(StoreError) -> Bool {
    if result == 0 { return true }
    let error = StoreError.reading(path, errno)
    guard error.kind == .noInput else { throw error }
    return false
  }

  /// What kind of file lies at `path` itself, links not followed; nil where there is none.
  static func type(_ path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// Takes a file away. Anything else of that name is not the store's, and stays.
  static func remove(_ path: String) {
    if type(path) == S_IFREG { unlink(path) }
  }

  /// Whether a name is that of an unfinished file of a store.
  static func isLeftover(_ name: String) -> Bool {
    guard name.hasPrefix(asidePrefix), let dot = name.lastIndex(of: "."),
      Int32(name[name.index(after: dot)...]) != nil
    else { return false }
    return isOwn(String(name[..<dot].dropFirst(asidePrefix.count)))
  }

  /// Whether a name is that of a file that stores write.
  static func isOwn(_ name: String) -> Bool {
    ["store.json", "examples.json"].contains(name) || ModelEntry.number(ofFile: name) != nil
      || GramFile.key(ofFile: name) != nil || ProductsFile.isName(name)
  }

  /// Whether anything lies at `path`.
  ///
  /// - Throws: `.io` where that cannot be told: a store that cannot be seen is no missing one.
  static func exists(_ path: String) throws(StoreError) -> Bool {
    try isThere(path, access(path, F_OK))
  }

  /// The names in a folder, in order; none where there is no such folder.
  static func contents(_ path: String) throws(StoreError) -> [String] {
    guard let stream = opendir(path) else {
      if errno == ENOENT { return [] }
      throw .reading(path, errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw .reading(path, errno) }
        return names.sorted()
      }
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      let name = String(decoding: bytes, as: UTF8.self)
      if name != ".", name != ".." { names.append(name) }
    }
  }
}

/// Maps a file of a store. Such files are replaced, never changed.
func mapFile(_ path: String) throws(StoreError) -> Mapping {
  let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
  guard descriptor >= 0 else { throw .reading(path, errno) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw .reading(path, errno) }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw StoreError(.data, path, "is damaged: expected a regular file")
  }
  guard let mapping = Mapping(descriptor, size: Int(status.st_size)) else {
    throw StoreError(.io, path, "cannot be mapped: \(systemMessage(errno))")
  }
  return mapping
}
