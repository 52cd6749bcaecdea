import Dispatch
import Synchronization

/// Calls `body` for 0 ..< `count`, on as many threads as the process has processors
/// (`MachineLimits.processors`).
///
/// Dispatch counts the machine's: in a container with a share of them its threads would stand in each
/// other's way, each with the memory of its own matrices.
public func perform(_ count: Int, _ body: (Int) -> Void) {
  guard count > 0 else { return }
  let next = Atomic(0)
  withoutActuallyEscaping(body) { body in
    // Dispatch's own function takes such a body, too: whoever passes one divides what it writes.
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: min(count, MachineLimits.current.processors)) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        body(index)
      }
    }
  }
}
