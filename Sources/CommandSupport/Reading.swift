import Foundation
import Support

/// The bytes of a regular file. Only such files end, and let themselves be opened without a wait.
///
/// - Parameters:
///   - name: what messages call the file.
///   - expected: what should be there: `a table of models`.
/// - Throws: `.noInput` where there is no such file, `.io` where it cannot be read.
public func readFile(
  _ path: String, called name: String, expected: String
) throws(Failure) -> [UInt8] {
  func failure(_ code: Int32) -> Failure {
    Failure(errno: code, reading: name, expected: expected)
  }
  let descriptor = uninterrupted { open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
  guard descriptor >= 0 else { throw failure(errno) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw failure(errno) }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw Failure(
      .noInput, "\(name): cannot be read: is no regular file; expected \(expected)")
  }
  var bytes: [UInt8] = []
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
  defer { buffer.deallocate() }
  while true {
    let count = read(descriptor, buffer.baseAddress, buffer.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw failure(errno) }
    guard count > 0 else { return bytes }
    bytes.append(contentsOf: buffer[..<count])
  }
}

extension Failure {
  /// A call that opens or reads `name` failed.
  init(errno code: Int32, reading name: String, expected: String) {
    let isMissing = [
      ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, EACCES, EPERM, ENXIO, ENODEV,
    ].contains(code)
    self.init(
      isMissing ? .noInput : .io,
      "\(name): cannot be read: \(String(cString: strerror(code))); expected \(expected)")
  }
}
