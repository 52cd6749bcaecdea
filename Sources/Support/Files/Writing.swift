import Glibc

/// Writes all of `bytes`; returns 0, or what errno said where the writing broke off.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
  var done = 0
  while done < bytes.count {
    let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
    let count = write(descriptor, rest.baseAddress, rest.count)
    if count >= 0 {
      done += count
    } else if errno == EAGAIN {
      // A terminal or pipe that another process has set to non-blocking.
      var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = poll(&wanted, 1, -1)
    } else if errno != EINTR {
      return errno
    }
  }
  return 0
}

/// Opens a file that is not there yet for writing.
private func createFile(at path: String, called name: String) throws -> Int32 {
  let descriptor = uninterrupted {
    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
  }
  guard descriptor >= 0 else { throw Failure(errno: errno, writing: name) }
  return descriptor
}

/// Writes a file that is not there yet and makes sure that it is on the disk.
///
/// - Parameters:
///   - name: what messages call the file.
///   - isSynchronized: false where the caller makes sure of many files at once.
public func writeNewFile(
  _ bytes: [UInt8], at path: String, called name: String, isSynchronized: Bool = true
) throws {
  let descriptor = try createFile(at: path, called: name)
  var code = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
  if code == 0, isSynchronized, uninterrupted({ fsync(descriptor) }) != 0 { code = errno }
  let closing = closeFile(descriptor)
  if code == 0 { code = closing }
  guard code == 0 else { throw Failure(errno: code, writing: name) }
}

/// Writes a file atomically, replacing an existing one.
public func replaceFile(_ bytes: [UInt8], at path: String, called name: String) throws {
  let (folder, file) = splitPath(path)
  let aside = "\(folder)/\(WrittenAside.name(of: file))"
  removeLeftovers(of: file, in: folder) { _ in false }
  unlink(aside)
  do {
    try writeNewFile(bytes, at: aside, called: name)
    guard rename(aside, path) == 0 else { throw Failure(errno: errno, writing: name) }
  } catch {
    unlink(aside)
    throw error
  }
}

/// A file that is written piece by piece and appears atomically, replacing an existing one.
public final class StreamedFile {
  private let path: String
  private let name: String
  private let aside: String
  private var descriptor: Int32

  /// Begins the file at `path`, which messages call `name`.
  public init(_ path: String, called name: String) throws {
    self.path = path
    self.name = name
    let (folder, file) = splitPath(path)
    aside = "\(folder)/\(WrittenAside.name(of: file))"
    removeLeftovers(of: file, in: folder) { _ in false }
    unlink(aside)
    descriptor = try createFile(at: aside, called: name)
  }

  /// An unfinished file is deleted.
  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(aside)
  }

  /// Writes what comes next.
  public func append(_ bytes: [UInt8]) throws {
    let code = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
    guard code == 0 else { throw Failure(errno: code, writing: name) }
  }

  /// Makes sure that the file is on the disk, and gives it its name.
  public func finish() throws {
    var code = uninterrupted { fsync(descriptor) } == 0 ? 0 : errno
    let closing = closeFile(descriptor)
    if code == 0 { code = closing }
    descriptor = -1
    if code == 0, rename(aside, path) != 0 { code = errno }
    guard code == 0 else {
      unlink(aside)
      throw Failure(errno: code, writing: name)
    }
  }
}

/// The folder that holds `path` and the last part of `path`.
public func splitPath(_ path: String) -> (folder: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  let name = String(path[path.index(after: slash)...])
  return (slash == path.startIndex ? "/" : String(path[..<slash]), name)
}

extension Failure {
  /// A call that makes or writes `name` failed: the output broke off where a disk is full or
  /// broken, else it cannot be made at all.
  public init(errno code: Int32, writing name: String) {
    let isBrokenOff = [ENOSPC, EDQUOT, EFBIG, EIO, EBADF].contains(code)
    self.init(
      isBrokenOff ? .io : .cannotCreate,
      "\(name): cannot be written: \(String(cString: strerror(code)))")
  }
}
