import TestSupport
import Testing

@testable import ActivationFiles

@Suite struct LZFTests {
  /// What `input` expands to with room for `room` bytes.
  private func expand(_ input: [UInt8], room: Int = 1000) -> [UInt8]? {
    var output = [UInt8](repeating: 0xEE, count: room)
    let count = input.withUnsafeBytes { input in
      output.withUnsafeMutableBytes { LZF.expand(input, into: $0) }
    }
    return count.map { Array(output.prefix($0)) }
  }

  @Test func expandsRunsAndCopies() {
    #expect(expand([]) == [])
    #expect(expand([2, 7, 8, 9]) == [7, 8, 9])
    // Three bytes from two back: what was just written comes again.
    #expect(expand([1, 7, 8, 1 << 5, 1]) == [7, 8, 7, 8, 7])
    // 7 + 2 + 2 bytes, one back.
    #expect(expand([0, 5, 7 << 5, 2, 0]) == Array(repeating: 5, count: 12))
    // 1 · 256 + 2 + 1 back.
    let far = Array(UInt8(0)...255) + [1, 2, 3]
    let runs = stride(from: 0, to: far.count, by: 32).flatMap { start in
      let run = far[start..<min(start + 32, far.count)]
      return [UInt8(run.count - 1)] + run
    }
    #expect(expand(runs + [1 << 5 | 1, 2]) == far + [0, 1, 2])
  }

  @Test(
    arguments: [
      [5], [5, 1, 2], [1 << 5], [0, 1, 7 << 5], [0, 1, 7 << 5, 3],
      // Before the first byte.
      [1 << 5, 0], [0, 9, 1 << 5, 1], [1, 9, 9, 0xFF, 0xFF, 0xFF],
    ] as [[UInt8]])
  func refusesDamage(input: [UInt8]) { #expect(expand(input) == nil) }

  @Test func writesNoFurtherThanTheRoom() {
    #expect(expand([2, 7, 8, 9], room: 2) == nil)
    #expect(expand([0, 5, 7 << 5, 2, 0], room: 11) == nil)
    #expect(expand([0, 5, 7 << 5, 2, 0], room: 12)?.count == 12)
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<20000 {
      let input = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      let room = Int.random(in: 0..<600, using: &generator)
      // Guards behind the room: subscripts are checked, raw copies are not.
      var output = [UInt8](repeating: 0xEE, count: room + 64)
      let count = input.withUnsafeBytes { input in
        output.withUnsafeMutableBytes {
          LZF.expand(input, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<room]))
        }
      }
      if let count, count > min(room, LZF.largestRatio * input.count) {
        Issue.record("\(input.count) bytes became \(count)")
      }
      if output[room...].contains(where: { $0 != 0xEE }) { Issue.record("wrote behind the room") }
    }
  }
}
