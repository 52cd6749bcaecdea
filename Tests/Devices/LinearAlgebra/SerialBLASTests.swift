import COpenBLAS
import Dispatch
import Synchronization
import Testing

@testable import LinearAlgebra

struct SerialBLASTests {
  /// A number, and what was written to it.
  private final class Setting: Sendable {
    let state: Mutex<(number: Int32, written: [Int32])>

    init(_ number: Int32) { state = Mutex((number, [])) }

    var written: [Int32] { state.withLock { $0.written } }
    var number: Int32 { state.withLock { $0.number } }

    var shared: SharedSetting {
      SharedSetting(
        get: { self.number },
        set: { value in
          self.state.withLock {
            $0.number = value
            $0.written.append(value)
          }
        })
    }
  }

  @Test func theNumberIsPutBack() {
    let setting = Setting(8)
    let shared = setting.shared
    let inside = shared.withValue(1) { setting.number }
    #expect(inside == 1)
    #expect(setting.written == [1, 8])
    // What the process's owner chose meanwhile is what is put back next time.
    setting.state.withLock { $0.number = 3 }
    shared.withValue(1) {}
    #expect(setting.number == 3)
  }

  @Test func callsInsideOfCallsSetItOnce() {
    let setting = Setting(8)
    let shared = setting.shared
    let inside = shared.withValue(1) {
      shared.withValue(1) {}
      return setting.number
    }
    #expect(inside == 1)
    #expect(setting.written == [1, 8])
  }

  @Test func aNumberThatIsRightIsNotTouched() {
    let setting = Setting(1)
    setting.shared.withValue(1) {}
    #expect(setting.written == [])
  }

  @Test func itIsRightInEveryOneOfManyThreads() {
    let setting = Setting(8)
    let shared = setting.shared
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4000) { _ in
      shared.withValue(1) {
        if setting.number != 1 { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
    #expect(setting.number == 8)
    #expect(setting.written.enumerated().allSatisfy { $1 == ($0.isMultiple(of: 2) ? 1 : 8) })
  }

  @Test func openBLASHasOneThreadInside() {
    #expect(withSerialBLAS { openblas_get_num_threads() } == 1)
  }
}
