import Glibc

/// The most bytes of a file that is read whole: a document of results, a table, a list of names.
private let longestFile = 1 << 30

/// The bytes of a regular file of at most 1 GiB. Only such files end, and let themselves be opened without a wait.
///
/// - Parameters:
///   - name: what messages call the file.
///   - expected: what should be there: `a table of models`.
/// - Throws: `.noInput` where there is no such file, `.io` where it cannot be read, `.data` where it is longer.
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
      .noInput, "\(name): cannot be read: it is not a regular file; expected \(expected)")
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
    guard bytes.count <= longestFile else {
      throw Failure(.data, "\(name): holds more than 1 GiB; expected \(expected)")
    }
  }
}

extension Failure {
  /// A call that opens or reads `name` failed.
  public init(errno code: Int32, reading name: String, expected: String) {
    let isMissing = [
      ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, EACCES, EPERM, ENXIO, ENODEV,
    ].contains(code)
    self.init(
      isMissing ? .noInput : .io,
      "\(name): cannot be read: \(systemMessage(code)); expected \(expected)")
  }
}
