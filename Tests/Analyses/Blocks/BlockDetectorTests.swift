import Analyses
import Device
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

@Suite struct BlockDetectorTests {
  private struct Expected: Decodable {
    struct Block: Decodable {
      var first: Int
      var last: Int
      var contrast: Double
      var inside: Double
      var outside: Double
      var p: Double
    }
    /// First layer, layer after the last, drop, score, and what it lacks.
    struct Interval: Decodable {
      var layers: Range<Int>
      var drop: Double
      var score: Double
      var lacks: [String]

      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        layers = try values.decode(Int.self)..<values.decode(Int.self)
        drop = try values.decode(Double.self)
        score = try values.decode(Double.self)
        lacks = []
        while !values.isAtEnd { lacks.append(try values.decode(String.self)) }
      }
    }
    var name: String
    /// Below the diagonal.
    var map: [[Double]]
    var blocks: [Block]
    /// All, whatever their p.
    var candidates: [Block]
    var intervals: [Interval]

    var matrix: Matrix<Double> {
      var matrix = Matrix<Double>(rows: map.count, columns: map.count, repeating: 1)
      for (i, row) in map.enumerated() {
        for (j, value) in row.enumerated() {
          matrix[i, j] = value
          matrix[j, i] = value
        }
      }
      return matrix
    }
  }

  // MARK: Against the definition, interval by interval

  /// Sums of a few hundred numbers below 1 in another order: rounding errors of 1e-14.
  private let tolerance = 1e-12

  @Test func blocksAreThoseOfTheDefinition() throws {
    let cases: [Expected] = try fixture("block_edges")
    #expect(cases.contains { $0.blocks.count == 2 } && cases.contains { $0.blocks.isEmpty })
    // Some p are between the least, 1/20, and 1.
    #expect(cases.contains { $0.candidates.contains { (0.1...0.9).contains($0.p) } })
    for expected in cases {
      for (significance, blocks) in [(0.05, expected.blocks), (1, expected.candidates)] {
        let structure = try BlockDetector(
          significance: significance, permutations: 19, seed: 3
        ).structure(of: expected.matrix)
        #expect(
          structure.blocks.map(\.layers) == blocks.map { $0.first..<($0.last + 1) },
          "\(expected.name)")
        for (block, other) in zip(structure.blocks, blocks) {
          #expect(abs(block.contrast - other.contrast) < tolerance)
          #expect(abs(block.meanInside - other.inside) < tolerance)
          #expect(abs(block.meanOutside - other.outside) < tolerance)
          #expect(block.p == other.p)
        }
        #expect(structure.blocks.isEmpty == !structure.shortfalls.isEmpty)
        #expect(structure.blocks.isEmpty == (structure.closest != nil))
      }
    }
  }

  @Test func edgesAreThoseOfTheDefinition() throws {
    let cases: [Expected] = try fixture("block_edges")
    for expected in cases {
      let map = expected.matrix
      let edges = BlockEdges(
        of: map, rest: BlockDetector.rest(ofLayers: map.rows), contrast: 0.1)
      #expect(expected.intervals.count > 4)
      var best = 0.0
      for other in expected.intervals {
        let (a, b) = (other.layers.lowerBound, other.layers.upperBound)
        let found = edges.interval(a, b)
        #expect(abs(found.drop - other.drop) < tolerance)
        #expect(abs(found.score - other.score) < tolerance, "\(expected.name) \(a) \(b)")
        #expect(found.shortfalls.list.map(\.rawValue).sorted() == other.lacks)
        // What is passed over for a floor would not have reached it.
        let floored = edges.interval(a, b, floor: 1)
        #expect(floored.score == (found.score >= 1 ? found.score : floored.score))
        best = max(best, found.score)
      }
      #expect(
        edges.bestScore(least: BlockDetector.rest(ofLayers: map.rows), floor: 0) >= best - tolerance
      )
    }
  }

  /// Small blocks at the side of the soft edges of large ones: no two may share all layers of one.
  @Test func smallBlocksOfManyLayers() throws {
    for least in [2, 3, 10] {
      var map = PlantedMap(ground: .flat, count: 300, noise: 0.01).map(seed: 1)
      for (layers, level) in [(0..<70, 0.6), (4..<7, 0.95), (200..<203, 0.9)] {
        for i in layers {
          for j in layers where j != i { map[i, j] = max(map[i, j], level) }
        }
      }
      let blocks = try BlockDetector(minimumSize: least, permutations: 9).structure(of: map).blocks
      for (block, next) in zip(blocks, blocks.dropFirst()) {
        #expect(block.layers.upperBound <= next.layers.lowerBound)
      }
      #expect(blocks.allSatisfy { !$0.layers.isEmpty })
    }
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
        #expect(structure.blocks.isEmpty && !structure.shortfalls.isEmpty)
        #expect(structure.undefinedLayers.count == (value.isNaN || count == 1 ? count : 0))
      }
    }
  }

  @Test func whatCameClosestIsSaid() throws {
    func closest(_ map: Matrix<Double>, _ detector: BlockDetector = .init()) throws
      -> (LayerBlock?, [BlockStructure.Shortfall])
    {
      let structure = try detector.structure(of: map)
      #expect(structure.blocks.isEmpty)
      return (structure.closest, structure.shortfalls)
    }
    let planted = PlantedMap(
      ground: .decay, count: 40, noise: 0.01, blocks: [12..<26], level: 0.95
    ).map(seed: 4)
    // Similarity drops by less than 0.95; the layers are 14, and not 18.
    let (deep, lacks) = try closest(planted, .init(minimumContrast: 0.95))
    #expect(lacks == [.contrast] && deep?.p == nil)
    #expect(try #require(deep).layers.overlaps(12..<26))
    let (large, other) = try closest(planted, .init(minimumSize: 30))
    #expect(other == [.tooSmall] && large?.layers == 12..<26)
    // A level that no null map may reach.
    let (likely, most) = try closest(
      PlantedMap(ground: .flat, count: 12, noise: 0.03, blocks: [4..<9], lift: 0.3).map(seed: 1),
      .init(significance: 0))
    #expect(most == [.significance] && likely?.p != nil)
    let few = Matrix<Double>(rows: 5, columns: 5, repeating: 0.5)
    #expect(try closest(few).1 == [.tooFewLayers])
  }

  @Test func sameMapSameBlocks() throws {
    let map = PlantedMap(ground: .decay, count: 40, blocks: [10..<22], level: 0.95).map(seed: 3)
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
