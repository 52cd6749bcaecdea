import Analyses
import Device
import Foundation
import TestSupport
import Testing

/// Blocks of trained networks, against what two looks at the pictures outlined before the detector was run
/// (`Examples/fashion/outlines`).
@Suite struct BlockOutlinesTests {
  private struct Outlined: Decodable {
    var name: String
    var layers: Int
    /// Below the diagonal, in steps of 1/255, as base64.
    var map: String
    /// First and last layers.
    var first: [[Int]]
    var second: [[Int]]

    func matrix() throws -> Matrix<Double> {
      let steps = try [UInt8](#require(Data(base64Encoded: map)))
      try #require(steps.count == layers * (layers - 1) / 2)
      var matrix = Matrix<Double>(rows: layers, columns: layers, repeating: 1)
      for i in 0..<layers {
        for j in 0..<i {
          matrix[i, j] = Double(steps[i * (i - 1) / 2 + j]) / 255
          matrix[j, i] = matrix[i, j]
        }
      }
      return matrix
    }
  }

  /// In the 24 maps both looks have 35 blocks: such that overlap by 0.6; their ends are the means of both. How many of them
  /// are found with an overlap of 0.8, the mean overlap, and how many blocks are found that neither look has, by 0.6.
  @Test func agreementWithTwoLooks() throws {
    let all: [Outlined] = try fixture("outlines")
    #expect(all.count == 24)
    var overlaps: [Double] = []
    var betweenLooks: [Double] = []
    var others = 0
    for outlined in all {
      let looks = [outlined.first, outlined.second].map { $0.map { $0[0]..<($0[1] + 1) } }
      // The p of clear blocks is far below 0.05: 99 null maps tell them as well as 999.
      let found = try BlockDetector(permutations: 99).structure(of: outlined.matrix()).blocks
        .map(\.layers)
      for block in looks[0] {
        let best = looks[1].max {
          $0.overlap(with: block) < $1.overlap(with: block)
        }
        betweenLooks.append(best.map { $0.overlap(with: block) } ?? 0)
        guard let best, best.overlap(with: block) >= 0.6 else { continue }
        let start = (best.lowerBound + block.lowerBound) / 2
        let both = start..<((best.upperBound + block.upperBound) / 2)
        overlaps.append(found.map { $0.overlap(with: both) }.max() ?? 0)
      }
      others += found.count { block in
        !looks.joined().contains { $0.overlap(with: block) >= 0.6 }
      }
    }
    let hits = overlaps.count { $0 >= 0.8 }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    print(
      "\(overlaps.count) blocks of both looks: \(hits) found, mean overlap \(mean(overlaps)); "
        + "\(others) of neither look; the looks: \(mean(betweenLooks))")
    // What was found when the outlines had just been made; the second look found as much of the first.
    #expect(overlaps.count == 35)
    #expect(hits >= 28 && mean(overlaps) >= mean(betweenLooks) - 0.02 && others <= 13)
  }
}
