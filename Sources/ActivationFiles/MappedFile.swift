import Activations
import Glibc

/// A regular file mapped into memory for reading: its pages come and go, nothing is copied.
///
/// Arrays lie in it wherever their format puts them, so numbers may be unaligned. A file that
/// another process cuts short while it is mapped ends this process with SIGBUS when the missing
/// part is read: do not change activations while they are compared.
final class MappedFile: ActivationStorage, @unchecked Sendable {
  // @unchecked: the mapping is private and read-only from `init` to `deinit`.

  let bytes: UnsafeRawBufferPointer

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
    // O_NONBLOCK: a FIFO put there since the look above must not make this wait.
    let file = FileDescriptor(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
    guard file.isOpen else { throw .system(errno, opening: path) }
    var status = stat()
    guard fstat(file.number, &status) == 0 else { throw .system(errno, opening: path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw place.error(.noInput, "expected a regular file")
    }
    guard status.st_size > 0 else { throw place.data("the file is empty") }
    try self.init(mapping: file, size: Int(status.st_size), place: place)
  }

  /// Maps the first `size` bytes of `file`, which may be closed afterwards.
  init(
    mapping file: borrowing FileDescriptor, size: Int, place: Place
  ) throws(ActivationFileError) {
    guard
      let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.number, 0), start != MAP_FAILED
    else { throw place.error(.io, "cannot be mapped into memory: \(systemMessage(errno))") }
    bytes = UnsafeRawBufferPointer(start: start, count: size)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

  func prefetch(_ bytes: UnsafeRawBufferPointer) { advise(bytes, MADV_WILLNEED) }

  func evict(_ bytes: UnsafeRawBufferPointer) { advise(bytes, MADV_DONTNEED) }

  /// Gives advice about every page that holds some of `bytes`. The pages of a read-only mapping
  /// of a file come back when a neighbor is read, so the outer ones need no care.
  private func advise(_ bytes: UnsafeRawBufferPointer, _ advice: Int32) {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
    let offset = Int(bitPattern: start) % pageSize
    madvise(UnsafeMutableRawPointer(mutating: start - offset), bytes.count + offset, advice)
  }
}

private let pageSize = Int(getpagesize())

/// What lies at a path, symbolic links followed.
enum FileType {
  case regular
  case folder
  /// For example `a FIFO`.
  case special(String)

  init(path: String) throws(ActivationFileError) {
    guard !path.utf8.contains(0) else {
      throw ActivationFileError(
        kind: .noInput, path: path, reason: "no file name holds the character NUL")
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

/// The system's words for `code`.
func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }
