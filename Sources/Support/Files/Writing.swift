import Glibc

/// Writes all of `bytes`; returns 0, or what errno said where the writing broke off.
///
/// - Parameter offset: where in the file; nil goes on where the last call ended.
package func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil
) -> Int32 {
  var done = 0
  while done < bytes.count {
    // Linux writes at most 2 GiB at a time.
    let rest = UnsafeRawBufferPointer(rebasing: bytes[done...].prefix(1 << 30))
    let count =
      if let offset { pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done)) } else
      {
        write(descriptor, rest.baseAddress, rest.count)
      }
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

/// The folder that holds `path` and the last part of `path`.
public func splitPath(_ path: String) -> (folder: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  let name = String(path[path.index(after: slash)...])
  return (slash == path.startIndex ? "/" : String(path[..<slash]), name)
}

/// The system's words for an error.
package func systemMessage(_ code: Int32) -> String {
  // A model may have more layers, each a file, than the process may have open files.
  String(cString: strerror(code)) + (code == EMFILE ? " (see ulimit -n)" : "")
}

/// Whether the error `code` of a call that makes or writes something breaks the output off, because a disk is full
/// or broken; else it cannot be made at all.
package func isBrokenOff(_ code: Int32) -> Bool {
  [ENOSPC, EDQUOT, EFBIG, EIO, EBADF].contains(code)
}

extension Failure {
  /// A call that makes or writes `name` failed.
  public init(errno code: Int32, writing name: String) {
    self.init(
      isBrokenOff(code) ? .io : .cannotCreate, "\(name): cannot be written: \(systemMessage(code))")
  }
}
