import Activations
import CKAHeader
import Device
import Dispatch
import Synchronization

/// Does work on another thread, while the caller's function hears of it on this one: handlers of signals, as Python's,
/// may need their thread. Without such a function the work is done here.
///
/// - Parameter body: asks the function that it gets whether it should end.
func watched<Value: Sendable>(
  by progress: cka_progress?, _ context: UnsafeMutableRawPointer?, _ meter: WorkMeter,
  _ body: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> Value
) throws -> Value {
  guard let progress else { return try body { false } }
  let work = Work<Value>()
  let end = DispatchSemaphore(value: 0)
  DispatchQueue.global().async {
    let result = Result { try body { work.isCancelled.load(ordering: .relaxed) } }
    work.result.withLock { $0 = result }
    end.signal()
  }
  while end.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
    guard !work.isCancelled.load(ordering: .relaxed) else { continue }
    let share = meter.stages.last { $0.isOpen }?.share ?? 0
    if progress(share, context) != 0 { work.isCancelled.store(true, ordering: .relaxed) }
  }
  guard let result = work.result.withLock({ $0 }) else {
    preconditionFailure("work that ended has a result")
  }
  return try result.get()
}

/// What both threads know of the work.
private final class Work<Value: Sendable>: Sendable {
  let isCancelled = Atomic(false)
  let result = Mutex<Result<Value, any Error>?>(nil)
}
