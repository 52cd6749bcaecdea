import Foundation
import TestSupport
import Testing

@testable import BLASDevice

/// RBF's median, against a sort.
@Suite struct OrderStatisticTests {
  @Test(arguments: [false, true]) func everyRank(isShared: Bool) throws {
    let n = isShared ? 150 : 23
    let device = BLASDevice()
    let gram = try GramMatrix(
      exampleCount: n, rowUnit: 32, isShared: isShared, pool: device.memory)
    var generator = SeededGenerator(seed: 11)
    // Many equal numbers, zeros, and numbers of all magnitudes.
    for index in 0..<gram.memory.count {
      let x = generator.normal()
      gram.start[index] =
        generator.next() % 3 == 0 ? Float(Int(abs(x) * 2)) : Float(exp(20 * x))
    }
    let sorted = (1..<n).flatMap { i in (0..<i).map { gram.start[i * gram.stride + $0] } }.sorted()
    for rank in stride(from: 0, to: sorted.count, by: isShared ? 97 : 1) {
      let found = device.orderStatistics(rank, in: gram)
      #expect(found.value == Double(sorted[rank]))
      #expect(found.next == Double(sorted[min(rank + 1, sorted.count - 1)]))
    }
  }
}
