import Activations
import CSystem
import Glibc
import Support

/// A regular file mapped into memory for reading, and kept open.
///
/// Arrays lie in it wherever their format puts them, so numbers may be unaligned. A file that another
/// process cuts short while it is read where it is mapped ends this process with SIGBUS; `check`
/// before, and `read`, which copies, throw.
final class MappedFile: ActivationStorage, @unchecked Sendable {
  // @unchecked: the mapping is private and read-only from `init` to `deinit`.

  private let mapping: Mapping
  private let file: FileDescriptor
  private let path: String

  /// Maps all of `path`.
  ///
  /// A FIFO or a device is told apart before it is opened, so that nothing waits for a writer.
  convenience init(path: String) throws(ActivationFileError) {
    let place = Place(path: path)
    switch try FileType(path: path) {
    case .regular: break
    case .folder: throw place.error(.noInput, "found a folder, expected a file")
    case .special(let kind): throw place.error(.noInput, "found \(kind), expected a regular file")
    }
    let file = FileDescriptor(opening: path)
    guard file.isOpen else { throw .system(errno, opening: path) }
    var status = stat()
    guard fstat(file.number, &status) == 0 else { throw .system(errno, opening: path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw place.error(.noInput, "expected a regular file")
    }
    guard status.st_size > 0 else { throw place.noLayer("the file is empty") }
    try self.init(mapping: file, size: Int(status.st_size), place: place)
  }

  /// Maps the first `size` bytes of `file`, at `address` if one is given, in place of what is there.
  init(
    mapping file: consuming FileDescriptor, size: Int, at address: UnsafeRawPointer? = nil,
    place: Place
  ) throws(ActivationFileError) {
    guard let mapping = Mapping(file.number, size: size, at: address) else {
      throw place.error(.io, "cannot be mapped into memory: \(systemMessage(errno))")
    }
    self.mapping = mapping
    self.file = file
    path = place.path
  }

  var bytes: UnsafeRawBufferPointer { mapping.bytes }

  /// The open file, even if another file has replaced it at its path.
  var descriptor: Int32 { file.number }

  var isFile: Bool { true }

  func check(_ bytes: UnsafeRawBufferPointer) throws(ActivationReadError) {
    guard let end = bytes.baseAddress.map({ $0 + bytes.count }), let start = self.bytes.baseAddress
    else { return }
    var status = stat()
    guard fstat(file.number, &status) == 0 else {
      throw ActivationReadError(path: path, reason: "cannot be read: \(systemMessage(errno))")
    }
    guard status.st_size >= end - start else { throw cutShort }
  }

  private var cutShort: ActivationReadError {
    ActivationReadError(path: path, reason: "was cut short while it was read")
  }

  func read(
    _ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer
  ) throws(ActivationReadError) {
    guard let source = bytes.baseAddress, let start = self.bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let count = pread(
        file.number, destination + done, bytes.count - done, off_t(source - start + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw ActivationReadError(path: path, reason: "cannot be read: \(systemMessage(errno))")
      }
      guard count > 0 else { throw cutShort }
      done += count
    }
  }

  /// A copy of some bytes: of a header or a small file. A disk that fails is an error here, where the
  /// mapping would end the process, and no page of the file stays in the process's memory.
  func copy(_ range: Range<Int>) throws(ActivationFileError) -> [UInt8] {
    var copy = [UInt8](repeating: 0, count: range.count)
    let result = copy.withUnsafeMutableBytes { target in
      Result { () throws(ActivationReadError) in
        guard let start = target.baseAddress else { return }
        try read(UnsafeRawBufferPointer(rebasing: bytes[range]), into: start)
      }
    }
    if case .failure(let error) = result { throw ActivationFileError(error) }
    return copy
  }

  /// The most bytes of a list beside the activations: two million sample IDs of a hundred letters.
  static let longestList = 256 << 20

  /// A copy of the whole file, `layers.json` or `examples.txt`.
  func list(_ place: Place) throws(ActivationFileError) -> [UInt8] {
    guard bytes.count <= Self.longestList else {
      throw place.data(
        "holds \(bytes.count) bytes, expected a list of at most \(Self.longestList) (256 MiB)")
    }
    return try copy(0..<bytes.count)
  }

  func prefetch(_ bytes: UnsafeRawBufferPointer) { mapping.advise(bytes, MADV_WILLNEED) }

  func isCached(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let start = bytes.baseAddress else { return true }
    let samples = min(max(bytes.count / (1 << 20), 1), 8)
    for sample in 0..<samples {
      let place = start + (bytes.count - 1) / max(samples - 1, 1) * sample
      guard let first = self.bytes.baseAddress, cka_is_cached(file.number, place - first) else {
        return false
      }
    }
    return true
  }

  func evict(_ bytes: UnsafeRawBufferPointer) { mapping.advise(bytes, MADV_DONTNEED) }
}

/// What lies at a path, symbolic links followed.
enum FileType {
  case regular
  case folder
  /// For example `a FIFO`.
  case special(String)

  init(path: String) throws(ActivationFileError) {
    guard !path.utf8.contains(0) else {
      throw ActivationFileError(
        kind: .noInput, path: path, reason: "a file name cannot contain the character NUL")
    }
    var status = stat()
    guard stat(path, &status) == 0 else { throw .system(errno, opening: path) }
    self =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .folder
      case S_IFIFO: .special("a FIFO")
      case S_IFSOCK: .special("a socket")
      case S_IFCHR, S_IFBLK: .special("a device")
      default: .special("a special file")
      }
  }
}

/// An open file, closed when nobody needs it any more.
struct FileDescriptor: ~Copyable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  /// Opens `path` for reading. O_NONBLOCK: a FIFO put there meanwhile must not make this wait.
  init(opening path: String) {
    self.init(from: { open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) })
  }

  /// What `open` opens, or -1 and errno.
  init(from open: () -> Int32) { self.init(uninterrupted(open)) }

  var isOpen: Bool { number >= 0 }

  deinit { if isOpen { close(number) } }
}

extension ActivationFileError {
  /// The failure of a call that opens, looks at or lists `path`.
  static func system(_ code: Int32, opening path: String) -> ActivationFileError {
    let isMissing = [
      ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, ENXIO, ENODEV, EISDIR,
    ].contains(code)
    return ActivationFileError(
      kind: isMissing ? .noInput : .io, path: path,
      reason: "cannot be read: \(systemMessage(code))")
  }
}
