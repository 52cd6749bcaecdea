import Analyses
import Device
import TestSupport
import Testing

/// Blocks and matches across networks, against NumPy and SciPy.
@Suite struct AcrossModelsTests {
  private struct Expected: Decodable {
    struct Map: Decodable {
      var left: Int
      var right: Int
      var values: [[Double?]]
    }
    struct Matching: Decodable {
      var maps: [Map]
      var accuracy: Double
      var standardError: Double
      var interval: [Double]
    }
    struct Depth: Decodable {
      var map: [[Double]]
      var curve: [Double]
      /// Both in blocks, one, none.
      var means: [Double]
      var depthMeans: [Double]
    }
    var matching: Matching
    var depth: Depth
  }

  private let expected: Expected

  init() throws { expected = try fixture("blocks") }

  private func matrix(_ rows: [[Double]]) -> Matrix<Double> {
    Matrix(rows: rows.count, columns: rows[0].count, elements: rows.flatMap { $0 })
  }

  @Test func matchingAccuracyAndItsError() throws {
    var matching = LayerMatching()
    #expect(matching.accuracy == nil && matching.standardError == nil)
    for map in expected.matching.maps {
      try matching.add(
        matrix(map.values.map { $0.map { $0 ?? .nan } }), left: map.left, right: map.right)
    }
    #expect(matching.pairCount == 20 && matching.networkCount == 5)
    // Sums of 20 fractions.
    #expect(abs(try #require(matching.accuracy) - expected.matching.accuracy) < 1e-14)
    #expect(abs(try #require(matching.standardError) - expected.matching.standardError) < 1e-14)
    let interval = try #require(matching.interval)
    // The quantile is found by halving, to the last digits.
    #expect(abs(interval.lowerBound - expected.matching.interval[0]) < 1e-12)
    #expect(abs(interval.upperBound - expected.matching.interval[1]) < 1e-12)
  }

  @Test func matchesByHand() throws {
    let nan = Double.nan
    let map = matrix([
      [0.9, 0.1, 0.2, nan], [0.5, 0.3, 0.5, 0.5], [nan, nan, nan, nan], [0.1, 0.8, 0.2, 0.8],
    ])
    let matches = LayerMatches(ofRows: map).matches
    #expect(matches.map { $0?.layer } == [0, 0, nil, 1])
    #expect(matches.map { $0?.atSamePlace } == [1, 0, nil, 0.5])
    // Rows 0, 1 and 3 have a value at their own place; columns 0, 1 and 3 as well.
    var matching = LayerMatching()
    try matching.add(map, left: 0, right: 1)
    #expect(matching.accuracy == (1.5 / 3 + (1 + 0 + 0.5 * 2) / 3) / 2)
    // Without either of two networks nothing is left.
    #expect(matching.standardError == nil && matching.interval == nil)
  }

  @Test func curveAtEqualDepth() {
    let curve = DepthSimilarity(matrix(expected.depth.map)).values
    #expect(curve.count == expected.depth.curve.count)
    for (value, other) in zip(curve, expected.depth.curve) { #expect(abs(value - other) < 1e-14) }
  }

  @Test func meansInsideAndOutsideOfBlocks() {
    let map = matrix(expected.depth.map)
    let rows = [1..<4]
    let columns = [3..<7]
    let turned = Matrix(
      rows: 11, columns: 6, elements: (0..<66).map { map[$0 % 6, $0 / 6] })
    for similarity in [
      BlockSimilarity(map, left: rows, right: columns),
      BlockSimilarity(turned, left: columns, right: rows),
    ] {
      let all = similarity.ofAllPairs
      let depth = similarity.atEqualDepth
      #expect([all.inside, all.across, all.outside].map(\.count) == [12, 33, 21])
      for (means, values) in [(all, expected.depth.means), (depth, expected.depth.depthMeans)] {
        let found = [means.inside, means.across, means.outside]
        for (mean, value) in zip(found, values) { #expect(abs(mean.value - value) < 1e-14) }
      }
    }
    let none = BlockSimilarity(map, left: [], right: columns)
    #expect(none.ofAllPairs.inside.value.isNaN && none.ofAllPairs.inside.count == 0)
  }
}
