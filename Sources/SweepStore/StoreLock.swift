import Foundation

/// Keeps other processes from writing to a store, as long as it lives: an advisory lock, which goes
/// with the process, however that ends.
final class StoreLock: Sendable {
  private let descriptor: Int32

  /// Locks the store, or says who has.
  init(store: String) throws(StoreError) {
    let path = "\(store)/lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .writing(path, errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      var text = [UInt8](repeating: 0, count: 256)
      let count = max(pread(descriptor, &text, text.count, 0), 0)
      close(descriptor)
      guard code == EWOULDBLOCK else { throw .writing(path, code) }
      let owner = String(decoding: text.prefix(count), as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      throw StoreError(
        .cannotCreate, store,
        "is in use by \(owner.isEmpty ? "another process" : owner); wait for it, or name another "
          + "store")
    }
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, host.count - 1)
    let name = String(
      decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let text = Array("process \(getpid()) on \(name)\n".utf8)
    // What stands there is for people: a full disk need not stop the work.
    ftruncate(descriptor, 0)
    pwrite(descriptor, text, text.count, 0)
  }

  deinit { close(descriptor) }
}
