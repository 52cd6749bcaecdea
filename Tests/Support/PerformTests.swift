import Support
import Synchronization
import Testing

/// Work on all processors.
@Suite struct PerformTests {
  private struct Failed: Error, Equatable { var index: Int }

  @Test func eachIndexIsWorkedOnOnce() {
    for count in [0, 1, 7, 1000] {
      let seen = Mutex([Int](repeating: 0, count: count))
      let states = Atomic(0)
      perform(count, state: { states.wrappingAdd(1, ordering: .relaxed).newValue }) { index, _ in
        seen.withLock { $0[index] += 1 }
      }
      #expect(seen.withLock { $0 } == [Int](repeating: 1, count: count))
      #expect(states.load(ordering: .relaxed) <= min(count, MachineLimits.current.processors))
    }
  }

  /// The rest is left undone: of a damaged file of a million chunks one is enough.
  @Test func theFirstErrorEndsTheWork() {
    let begun = Atomic(0)
    #expect(throws: Failed.self) {
      try perform(1_000_000, state: {}) { (index, _) throws(Failed) in
        begun.add(1, ordering: .relaxed)
        throw Failed(index: index)
      }
    }
    #expect(begun.load(ordering: .relaxed) <= MachineLimits.current.processors)
  }

  @Test func mapsKeepTheirOrder() throws {
    let squares = concurrentMap(0..<100) { (number: Int) -> Int in number * number }
    #expect(squares == (0..<100).map { $0 * $0 })
    let names = concurrentMap(["a", "b", "c"][1...]) { (name: String) -> String in
      name + "!"
    }
    #expect(names == ["b!", "c!"])
    #expect(throws: Failed(index: 3)) {
      try concurrentMap(0..<100) { (index) throws(Failed) in
        guard index < 3 else { throw Failed(index: index) }
        return index
      }
    }
  }
}
