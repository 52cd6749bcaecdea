import Analyses
import Device
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

@Suite struct BlockDetectorTests {
  private struct Expected: Decodable {
    var map: [[Double]]
    /// First layer, layer after the last, β, β·√(V/k).
    var contrasts: [[Double]]
    var contrastsWithoutTwo: [[Double]]
    var steps: [Double]
    var blockMeans: [Double]
    var ways: [Double]
    var similarities: [Double]
    var decay: [Double]
  }

  private let expected: Expected
  private let map: Matrix<Double>

  init() throws {
    expected = try fixture("blocks")
    map = Matrix(
      rows: expected.map.count, columns: expected.map.count, elements: expected.map.flatMap { $0 })
  }

  private func scan(
    _ count: Int, without: Range<Int> = 0..<0, sizes: ClosedRange<Int>, least: Double = -10
  ) -> BlockScan {
    BlockScan(
      isFree: (0..<count).map { !without.contains($0) }, sizes: sizes, minimumContrast: least)
  }

  /// A slope of 1e-310 made steps of infinite length, and a trap.
  @Test func slopesBelowRoundingAreNone() throws {
    var map = Matrix<Double>(rows: 20, columns: 20, repeating: 0)
    for i in 0..<20 {
      map[i, i] = 1
      // Alternating halves, whose means at distances 1 and 2 are 0 but for the last.
      for distance in 1...2 where i >= distance {
        let value =
          i == 19 && distance == 1 ? 1e-310 : (i - distance) % 2 == distance - 1 ? -0.5 : 0.5
        (map[i, i - distance], map[i - distance, i]) = (value, value)
      }
    }
    #expect(LayerSteps(of: map, scan(20, sizes: 3...10)).lengths.allSatisfy { $0 == 1 })
  }

  // MARK: Against NumPy and SciPy

  /// A few hundred sums of numbers below 1: rounding errors of 1e-14; NumPy's least squares lose two
  /// digits more.
  private let tolerance = 1e-11

  @Test func contrastsAreThoseOfLeastSquares() throws {
    for (others, values) in [(0..<0, expected.contrasts), (0..<3, expected.contrastsWithoutTwo)] {
      #expect(values.count > 40)
      for value in values {
        let layers = Int(value[0])..<Int(value[1])
        let scan = scan(map.rows, without: others, sizes: layers.count...layers.count)
        let contrast = try #require(scan.contrast(of: layers, in: map))
        #expect(abs(contrast - value[2]) < tolerance)
      }
      // The best of all of them, and of those of each size.
      for sizes in [3...11] + (3...11).map({ $0...$0 }) {
        let best = values.filter { sizes.contains(Int($0[1] - $0[0])) && $0[3] > 0 }
          .max { $0[3] < $1[3] }
        let found = scan(map.rows, without: others, sizes: sizes).best(in: map)
        #expect(found?.layers == best.map { Int($0[0])..<Int($0[1]) })
        if let found, let best { #expect(abs(found.score - best[3]) < tolerance) }
      }
    }
  }

  @Test func stepsAreThoseOfBoundedLeastSquares() {
    let steps = LayerSteps(of: map, scan(map.rows, sizes: 3...11)).lengths
    #expect(steps.count == expected.steps.count)
    // Sweeps end when no step moves by 1e-6; what is left then shrinks by the factor a sweep has, here
    // below 0.9.
    for (step, value) in zip(steps, expected.steps) { #expect(abs(step - value) < 1e-5) }
  }

  @Test func decayIsIsotonicRegression() {
    // Only the pairs of the last layer count; every way is a whole number of bins.
    let count = expected.ways.count
    let order = expected.ways.indices.sorted { expected.ways[$0] > expected.ways[$1] }
    var places = order.map { expected.ways[order[0]] - expected.ways[$0] }
    places.append(expected.ways[order[0]])
    var values = Matrix<Double>(rows: count + 1, columns: count + 1, repeating: .nan)
    for (layer, way) in order.enumerated() { values[count, layer] = expected.similarities[way] }
    let decay = SimilarityDecay(of: values, places: places) { i, _ in i == count }
    for (way, value) in zip(expected.ways, expected.decay) {
      #expect(abs(decay(way) - value) < 1e-12)
    }
    var last = Double.infinity
    for step in 0...500 {
      let value = decay(Double(step) * 2.1)
      #expect(value <= last)
      last = value
    }
  }

  @Test func plantedBlockIsFoundWithItsNumbers() throws {
    let structure = try BlockDetector().structure(of: map)
    let block = try #require(structure.blocks.first)
    #expect(structure.blocks.count == 1 && block.layers == 5..<10 && block.size == 5)
    #expect(abs(block.meanInside - expected.blockMeans[0]) < tolerance)
    #expect(abs(block.meanOutside - expected.blockMeans[1]) < tolerance)
    let contrast = try #require(expected.contrasts.first { $0[0] == 5 && $0[1] == 10 })
    #expect(abs(try #require(block.contrast) - contrast[2]) < tolerance)
    #expect(block.p <= 0.05)
  }

  // MARK: Maps that lack something

  @Test func undefinedLayersAreLeftOut() throws {
    let truth = PlantedMap(ground: .decay, count: 24, blocks: [8..<17], level: 0.95).map(seed: 4)
    // Layers 3 and 12 have no value, nor has the pair of 1 and 20.
    let defined = (0..<26).filter { $0 != 3 && $0 != 12 }
    var map = Matrix<Double>(rows: 26, columns: 26, repeating: .nan)
    for (i, row) in defined.enumerated() {
      for (j, column) in defined.enumerated() { map[row, column] = truth[i, j] }
    }
    map[1, 20] = .nan
    map[20, 1] = .nan
    let structure = try BlockDetector().structure(of: map)
    #expect(structure.undefinedLayers == [3, 12] && structure.undefinedPairs == 1)
    let block = try #require(structure.blocks.first)
    #expect(structure.blocks.count == 1 && block.layers == 9..<19 && block.size == 9)
  }

  @Test func requestsWithoutMeaningAreRefused() throws {
    let square = Matrix<Double>(rows: 9, columns: 9, repeating: 0.5)
    let other = Matrix<Double>(rows: 9, columns: 8, repeating: 0.5)
    #expect(throws: ComparisonError.self) { try BlockDetector().structure(of: other) }
    for detector in [
      BlockDetector(minimumSize: -1), .init(minimumContrast: .nan), .init(permutations: -1),
      .init(permutations: .max),
    ] {
      #expect(throws: ComparisonError.self) { try detector.structure(of: square) }
    }
    #expect(throws: Never.self) { try BlockDetector(minimumSize: .max).structure(of: square) }
    var statistics = try MapStatistics(rows: 9, columns: 9)
    #expect(throws: ComparisonError.self) { try statistics.add(other) }
    #expect(throws: ComparisonError.self) { try statistics.addSymmetric(other) }
    var matching = LayerMatching()
    #expect(throws: ComparisonError.self) { try matching.add(other, left: 0, right: 1) }
    let depths = DepthSimilarity(square)
    for depth in [Double.nan, -0.1, 1.1, .infinity] { #expect(depths.value(at: depth).isNaN) }
    #expect(DepthSimilarity(Matrix(rows: 0, columns: 0, elements: [])).value(at: 0).isNaN)
  }

  @Test func mapsWithoutRoomOrValuesHaveNoBlocks() throws {
    for count in [1, 2, 5, 9] {
      for value in [1.0, 0.5, .nan] {
        let flat = Matrix<Double>(rows: count, columns: count, repeating: value)
        let structure = try BlockDetector().structure(of: flat)
        #expect(structure.blocks.isEmpty && structure.insignificant == nil)
        #expect(structure.undefinedLayers.count == (value.isNaN || count == 1 ? count : 0))
      }
    }
  }

  /// The contrast of a block that others leave nothing to compare with was a quotient of rounding errors
  /// and 0, an infinity.
  @Test func contrastWithNothingOutsideIsUndefined() throws {
    let map = PlantedMap(ground: .walk, count: 12).map(seed: 1)
    for free in [3..<7, 0..<12] {
      let scan = BlockScan(
        isFree: (0..<12).map(free.contains), sizes: 3...free.count, minimumContrast: -2)
      #expect(scan.contrast(of: free, in: map) == nil)
    }
    // The map of a random network of 30 layers, below the diagonal; its three blocks leave one layer.
    let rows: [[Double]] = try fixture("blocks-everywhere")
    var whole = Matrix<Double>(rows: 30, columns: 30, repeating: 1)
    for (i, row) in rows.enumerated() {
      for (j, value) in row.enumerated() {
        whole[i, j] = value
        whole[j, i] = value
      }
    }
    let blocks = try BlockDetector().structure(of: whole).blocks
    #expect(blocks.map(\.layers) == [1..<4, 4..<16, 16..<30])
    #expect(blocks.map { $0.contrast == nil } == [false, false, true])
  }

  @Test func sameMapSameBlocks() throws {
    let map = PlantedMap(ground: .walk, count: 40, blocks: [10..<22], lift: 0.3).map(seed: 3)
    let structure = try BlockDetector().structure(of: map)
    let again = try BlockDetector().structure(of: map)
    #expect(structure == again)
    #expect(!structure.blocks.isEmpty)
    // Another seed shuffles otherwise, and finds what is there.
    let other = try BlockDetector(seed: 9).structure(of: map)
    #expect(other.blocks.map(\.layers) == structure.blocks.map(\.layers))
  }

  /// A layer that is unlike all others divides no network into blocks, at whatever place.
  @Test func outlyingLayerIsNoBlock() throws {
    for outlier in [0, 7, 15, 29] {
      var map = PlantedMap(ground: .decay, count: 30).map(seed: 1)
      for i in 0..<30 where i != outlier {
        map[i, outlier] = 0.05
        map[outlier, i] = 0.05
      }
      let structure = try BlockDetector().structure(of: map)
      #expect(structure.blocks.isEmpty)
    }
  }
}
