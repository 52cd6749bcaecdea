import Dispatch
import Synchronization

/// Calls `body` for 0 ..< `count`, on as many threads as the process has processors
/// (`MachineLimits.processors`).
///
/// Dispatch uses all processors of the machine; in a container with fewer, its threads would
/// compete, each holding memory for its own matrices.
public func perform(_ count: Int, _ body: (Int) -> Void) {
  perform(count, state: {}) { index, _ in body(index) }
}

/// The same, each thread with a state of its own.
///
/// - Throws: the first error of `body`; what had not begun by then is left undone.
public func perform<State: ~Copyable, Failure: Error>(
  _ count: Int, state: () -> State, _ body: (Int, inout State) throws(Failure) -> Void
) throws(Failure) {
  guard count > 0 else { return }
  let next = Atomic(0)
  let hasFailed = Atomic(false)
  let failure = Mutex<Failure?>(nil)
  withoutActuallyEscaping(state) { state in
    withoutActuallyEscaping(body) { body in
      // Dispatch's own function takes such bodies, too: whoever passes one divides what it writes.
      nonisolated(unsafe) let state = state
      nonisolated(unsafe) let body = body
      let threads = min(count, MachineLimits.current.processors)
      DispatchQueue.concurrentPerform(iterations: threads) { _ in
        var own = state()
        do throws(Failure) {
          while !hasFailed.load(ordering: .relaxed) {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            try body(index, &own)
          }
        } catch {
          hasFailed.store(true, ordering: .relaxed)
          failure.withLock { $0 = $0 ?? error }
        }
      }
    }
  }
  if let error = failure.withLock({ $0 }) { throw error }
}
