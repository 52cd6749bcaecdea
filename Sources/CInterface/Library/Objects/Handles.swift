import CKAHeader
import Device
import Glibc
import Support
import Synchronization

/// What callers know by handles. A handle is never used twice, so that one which is closed is told from all others.
final class Handles: Sendable {
  static let all = Handles()

  private struct Table {
    var next: cka_handle = 1
    var objects: [cka_handle: AnyObject & Sendable] = [:]
  }

  private let table = Mutex(Table())
  /// The threads of this process do not live on in a child that is forked.
  private let process = getpid()

  func add(_ object: AnyObject & Sendable) -> cka_handle {
    table.withLock { table in
      let handle = table.next
      table.next += 1
      table.objects[handle] = object
      return handle
    }
  }

  func close(_ handle: cka_handle) throws(Failure) {
    let object = table.withLock { $0.objects.removeValue(forKey: handle) }
    if object == nil { throw Failure(.usage, "handle \(handle): nothing of it is open") }
  }

  /// The object of a handle, which `name` names.
  func object<Object: AnyObject & Sendable>(
    _ handle: cka_handle, _ name: String, as type: Object.Type = Object.self
  ) throws(Failure) -> Object {
    guard let found = table.withLock({ $0.objects[handle] }) else {
      throw Failure(.usage, "\(name): \(handle) is not the handle of anything open")
    }
    guard let object = found as? Object else {
      throw Failure(.usage, "\(name): \(handle) is the handle of something else")
    }
    return object
  }

  /// The second of two objects, of which there may be none.
  func second<Object: AnyObject & Sendable>(
    _ handle: cka_handle, as type: Object.Type = Object.self
  ) throws(Failure) -> Object? {
    handle == 0 ? nil : try object(handle, "right")
  }

  func checkProcess() throws(Failure) {
    guard getpid() == process else {
      throw Failure(
        .software,
        "this process was forked from one that has used cka, whose threads are not in it: start it anew "
          + "(spawn), or use cka in the child alone")
    }
  }
}

/// Does the work of a call, or writes why it cannot be done.
///
/// - Returns: `failed` where `body` throws; 0 or the code are in `error`, if there is one.
func call<Result>(
  _ error: UnsafeMutablePointer<cka_error>?, failed: @autoclosure () -> Result,
  _ body: () throws -> Result
) -> Result {
  do {
    error?.pointee.code = Int32(CKA_OK)
    write("", to: error)
    try Handles.all.checkProcess()
    return try body()
  } catch let failure as DeviceError where failure.kind == .cancelled {
    error?.pointee.code = Int32(CKA_CANCELLED)
    write("the work was cancelled", to: error)
  } catch let failure as any FailureConvertible {
    error?.pointee.code = failure.failure.code.rawValue
    write(failure.failure.description, to: error)
  } catch let other {
    error?.pointee.code = Int32(CKA_SOFTWARE)
    write(oneLine("\(other)"), to: error)
  }
  return failed()
}

/// The same for calls that return a code.
func code(_ error: UnsafeMutablePointer<cka_error>?, _ body: () throws -> Void) -> Int32 {
  var own = cka_error()
  return withUnsafeMutablePointer(to: &own) { own in
    let target = error ?? own
    call(target, failed: ()) { try body() }
    return target.pointee.code
  }
}

/// Cut where it is too long, between two letters.
private func write(_ text: String, to error: UnsafeMutablePointer<cka_error>?) {
  guard let error else { return }
  withUnsafeMutableBytes(of: &error.pointee.message) { target in
    var count = 0
    for scalar in text.unicodeScalars {
      let bytes = UTF8.encode(scalar).map(Array.init) ?? []
      guard count + bytes.count < target.count else { break }
      for byte in bytes {
        target[count] = byte
        count += 1
      }
    }
    target[count] = 0
  }
}

/// The text of an argument.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(Failure) -> String {
  guard let pointer else { throw Failure(.usage, "\(name) is NULL") }
  guard let text = String(validatingCString: pointer) else {
    throw Failure(.usage, "\(name) is not UTF-8")
  }
  return text
}

/// Text for a caller, as long as this lives.
final class CText: Sendable {
  nonisolated(unsafe) let start: UnsafePointer<CChar>

  init(_ text: String) {
    let bytes = Array(text.utf8CString)
    let start = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    start.initialize(from: bytes, count: bytes.count)
    self.start = UnsafePointer(start)
  }

  deinit { start.deallocate() }
}

private let versionText = CText(toolVersion)

/// See `cka.h`.
@c @implementation
public func cka_version() -> UnsafePointer<CChar> { versionText.start }

/// See `cka.h`.
@c @implementation
public func cka_close(_ handle: cka_handle, _ error: UnsafeMutablePointer<cka_error>?) -> Int32 {
  code(error) { try Handles.all.close(handle) }
}
