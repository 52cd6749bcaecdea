import COpenBLAS
import Glibc
import Synchronization

/// Calls OpenBLAS on the caller's thread alone: no result depends on the number of cores, and callers
/// divide their work themselves.
///
/// How many threads OpenBLAS takes is a number of the process, which may not be ours: it is 1 while any
/// such call is under way, and then again what it was. Other calls of OpenBLAS at that time have one
/// thread, too. Only somebody who sets the number in between could change how sums are rounded here. A
/// command sets it to 1 for good, and nothing is changed here any more.
///
/// `openblas_set_num_threads_local` would not help: the libraries of today's systems lack it (0.3.21).
package func withSerialBLAS<Result>(_ body: () -> Result) -> Result {
  switch openblas_get_parallel() {
  case OPENBLAS_SEQUENTIAL: return body()
  case OPENBLAS_OPENMP: return OpenMPThreads.withOne { threadCount.withValue(1, body) }
  default: return threadCount.withValue(1, body)
  }
}

private let threadCount = SharedSetting(
  get: { openblas_get_num_threads() }, set: { openblas_set_num_threads($0) })

/// A number of the process that several threads want to be another one for a while: the first of them
/// sets it, the last puts it back.
final class SharedSetting: Sendable {
  private let users = Mutex((count: 0, before: Int32(0)))
  private let get: @Sendable () -> Int32
  private let set: @Sendable (Int32) -> Void

  init(get: @escaping @Sendable () -> Int32, set: @escaping @Sendable (Int32) -> Void) {
    self.get = get
    self.set = set
  }

  /// Runs `body` while the number is `value`, the same for all.
  func withValue<Result>(_ value: Int32, _ body: () -> Result) -> Result {
    users.withLock { users in
      if users.count == 0 {
        users.before = get()
        if users.before != value { set(value) }
      }
      users.count += 1
    }
    defer {
      users.withLock { users in
        users.count -= 1
        if users.count == 0, users.before != value { set(users.before) }
      }
    }
    return body()
  }
}

/// With OpenMP each thread has a number of its own beside OpenBLAS's, and OpenBLAS obeys either.
private enum OpenMPThreads {
  /// Runs `body` while the calling thread's number is 1.
  static func withOne<Result>(_ body: () -> Result) -> Result {
    guard let get, let set else { return body() }
    let before = get()
    set(1)
    defer { set(before) }
    return body()
  }

  // Those of the library that OpenBLAS has loaded, whichever that is.
  private static let get = symbol("omp_get_max_threads", as: (@convention(c) () -> Int32).self)
  private static let set = symbol("omp_set_num_threads", as: (@convention(c) (Int32) -> Void).self)

  private static func symbol<Function>(_ name: String, as type: Function.Type) -> Function? {
    dlsym(nil, name).map { unsafeBitCast($0, to: type) }
  }
}
