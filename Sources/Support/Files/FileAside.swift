import Glibc

/// A file that is written aside and appears under its name when it is whole and on the disk, in place of one that
/// may be there. What was begun and not finished leaves nothing.
public final class FileAside<Failure: Error> {
  private let path: String
  private let aside: String
  private let failure: (Int32) -> Failure
  private var descriptor: Int32

  /// Begins the file.
  ///
  /// - Parameters:
  ///   - path: where it will be.
  ///   - aside: where it is until then, in the same folder. What is there is deleted.
  ///   - failure: the error of a call, from errno.
  package init(
    _ path: String, aside: String, failure: @escaping (Int32) -> Failure
  ) throws(Failure) {
    self.path = path
    self.aside = aside
    self.failure = failure
    unlink(aside)
    descriptor = createFile(at: aside)
    guard descriptor >= 0 else { throw failure(errno) }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(aside)
  }

  /// Writes what comes next.
  public func append(_ bytes: [UInt8]) throws(Failure) {
    let code = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
    guard code == 0 else { throw failure(code) }
  }

  /// Writes all of `bytes` at `offset`.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Failure) {
    let code = writeAll(bytes, to: descriptor, at: offset)
    guard code == 0 else { throw failure(code) }
  }

  /// Gives the file its name, and makes sure that both are on the disk.
  public func finish() throws(Failure) {
    var code = synchronizeAndClose(descriptor)
    descriptor = -1
    if code == 0, rename(aside, path) != 0 { code = errno }
    guard code == 0 else {
      unlink(aside)
      throw failure(code)
    }
    synchronizeFolder(splitPath(path).folder)
  }
}

extension FileAside where Failure == Support.Failure {
  /// Begins the file at `path`, which messages call `name`, and deletes what ended processes left of it.
  public convenience init(_ path: String, called name: String) throws(Failure) {
    let (folder, file) = splitPath(path)
    removeLeftovers(of: file, in: folder) { _ in false }
    try self.init(path, aside: "\(folder)/\(WrittenAside.name(of: file))") {
      Failure(errno: $0, writing: name)
    }
  }
}

/// Writes a file atomically, replacing an existing one.
public func replaceFile(_ bytes: [UInt8], at path: String, called name: String) throws(Failure) {
  let file = try FileAside(path, called: name)
  try file.append(bytes)
  try file.finish()
}

/// Writes a file that is not there yet and makes sure that it is on the disk.
///
/// - Parameters:
///   - name: what messages call the file.
///   - isSynchronized: false where the caller makes sure of many files at once.
public func writeNewFile(
  _ bytes: [UInt8], at path: String, called name: String, isSynchronized: Bool = true
) throws(Failure) {
  let descriptor = createFile(at: path)
  guard descriptor >= 0 else { throw Failure(errno: errno, writing: name) }
  var code = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
  let closing =
    code == 0 && isSynchronized ? synchronizeAndClose(descriptor) : closeFile(descriptor)
  if code == 0 { code = closing }
  guard code == 0 else { throw Failure(errno: code, writing: name) }
}

/// Opens a file that is not there yet for writing; returns its descriptor, or a negative number, and errno says why.
private func createFile(at path: String) -> Int32 {
  uninterrupted { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
}

/// Returns 0, or the error of the first of the two that failed.
private func synchronizeAndClose(_ descriptor: Int32) -> Int32 {
  let code = uninterrupted { fsync(descriptor) } == 0 ? 0 : errno
  let closing = closeFile(descriptor)
  return code == 0 ? closing : code
}
