import Glibc
import Support

/// Keeps other processes from writing to a store, as long as it lives: an advisory lock, which goes
/// with the process, however that ends.
final class StoreLock: Sendable {
  private let descriptor: Int32

  /// Locks the store, or says who has.
  init(store: String) throws(StoreError) {
    let path = "\(store)/lock"
    // What lies elsewhere, or is no file, is not the store's.
    descriptor = uninterrupted {
      open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
    }
    guard descriptor >= 0 else {
      guard errno == ELOOP else { throw .writing(path, errno) }
      throw StoreError(.cannotCreate, path, "is a symbolic link, expected the store's own file")
    }
    // Where this fails, the deinitializer closes.
    try Self.lock(descriptor, path, store: store)
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, host.count - 1)
    let name = String(
      decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let text = Array("process \(getpid()) on \(name)\n".utf8)
    // The text is informative only, so a full disk is no error. Only the store's own text is
    // overwritten.
    ftruncate(descriptor, 0)
    pwrite(descriptor, text, text.count, 0)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  private static func lock(_ descriptor: Int32, _ path: String, store: String) throws(StoreError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .writing(path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
      throw StoreError(
        .cannotCreate, path,
        "is not a regular file with a single link; expected the store's own file")
    }
    let code = uninterrupted { flock(descriptor, LOCK_EX | LOCK_NB) } == 0 ? 0 : errno
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = max(pread(descriptor, &bytes, bytes.count, 0), 0)
    let owner = String(decoding: bytes.prefix(count), as: UTF8.self).trimmed
    switch code {
    case 0:
      guard owner.isEmpty || count < bytes.count && owner.hasPrefix("process ") else {
        throw StoreError(
          .cannotCreate, path,
          "contains what cka sweep did not write; expected the store's own file")
      }
    case EWOULDBLOCK:
      throw StoreError(
        .cannotCreate, store,
        "is in use by \(owner.isEmpty ? "another process" : owner); wait for it, or name another "
          + "store")
    default: throw .writing(path, code)
    }
  }
}
