import Glibc
import Support

/// A file that is written aside and appears under its name when it is whole, and on the disk.
final class NewFile {
  private let path: String
  private let aside: String
  private var descriptor: Int32

  /// Begins a file that will be, or replace, the one at `path`.
  init(_ path: String) throws(StoreError) {
    self.path = path
    let (folder, name) = StorePath.split(path)
    let aside = "\(folder)/\(StorePath.asidePrefix)\(name).\(getpid())"
    self.aside = aside
    unlink(aside)
    descriptor = uninterrupted {
      open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    }
    guard descriptor >= 0 else { throw .writing(path, errno) }
  }

  /// What was begun and not finished leaves nothing.
  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(aside)
  }

  /// Writes all of `bytes` at `offset`.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StoreError) {
    var done = 0
    while done < bytes.count {
      // Linux writes at most 2 GiB at a time.
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...].prefix(1 << 30))
      let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .writing(path, errno) }
      done += count
    }
  }

  /// Makes sure that the file is on the disk, and gives it its name.
  func finish() throws(StoreError) {
    guard uninterrupted({ fsync(descriptor) }) == 0 else { throw .writing(path, errno) }
    let code = closeFile(descriptor)
    descriptor = -1
    guard code == 0, rename(aside, path) == 0 else {
      let code = code == 0 ? errno : code
      unlink(aside)
      throw .writing(path, code)
    }
    StorePath.synchronize(StorePath.split(path).folder)
  }

  /// Writes a whole file.
  static func write(_ bytes: [UInt8], to path: String) throws(StoreError) {
    let file = try NewFile(path)
    // Typed throws do not pass through closures of the library.
    let result = bytes.withUnsafeBytes { bytes -> Result<Void, StoreError> in
      Result { () throws(StoreError) in try file.write(bytes, at: 0) }
    }
    try result.get()
    try file.finish()
  }
}

/// Names and folders of a store.
enum StorePath {
  /// What the names of unfinished files begin with.
  static let asidePrefix = ".partial-"

  /// The folder that holds `path` and the last part of `path`.
  static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let name = String(path[path.index(after: slash)...])
    return (slash == path.startIndex ? "/" : String(path[..<slash]), name)
  }

  /// Makes a folder, and those above it, where they are missing.
  static func makeFolder(_ path: String) throws(StoreError) {
    if mkdir(path, 0o777) == 0 { return }
    if errno == ENOENT {
      let folder = split(path).folder
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

  /// Makes sure that a folder's names are on the disk. Some file systems cannot; the files are safe.
  static func synchronize(_ folder: String) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}

/// A file of the store, mapped for reading.
final class MappedBytes: @unchecked Sendable {
  // @unchecked: nobody writes: files of a store are replaced, never changed.
  let bytes: UnsafeRawBufferPointer

  init(_ path: String) throws(StoreError) {
    let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw .reading(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .reading(path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError(.data, path, "is damaged: expected a regular file")
    }
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED
    else { throw StoreError(.io, path, "cannot be mapped: \(String(cString: strerror(errno)))") }
    bytes = UnsafeRawBufferPointer(start: start, count: size)
  }

  /// Releases the pages of the bytes; they are read again on access.
  func evict() {
    if let start = bytes.baseAddress {
      madvise(UnsafeMutableRawPointer(mutating: start), bytes.count, MADV_DONTNEED)
    }
  }

  deinit {
    if let start = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
  }
}
