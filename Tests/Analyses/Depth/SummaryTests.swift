import Analyses
import CKA
import Device
import Foundation
import TestSupport
import Testing

@Suite struct SummaryTests {
  // MARK: Equal depth

  @Test func equalDepthByHand() {
    let nan = Double.nan
    func depth(_ rows: Int, _ columns: Int, _ values: [Double]) -> DepthSimilarity {
      DepthSimilarity(Matrix(rows: rows, columns: columns, elements: values))
    }
    // The same number of layers: the diagonal.
    let square = depth(3, 3, [1, 0, 0, 0, 0.5, 0, 0, 0, 0.25])
    #expect(square.mean == 1.75 / 3 && square.count == 3 && square.undefinedCount == 0)
    // Depths 0, 1/2, 1 of two layers and four: columns 0, 1.5 and 3.
    let wide = depth(3, 4, [0.5, 9, 9, 9, 9, 0.25, 0.75, 9, 9, 9, 9, 1])
    #expect(wide.mean == 2.0 / 3 && wide.count == 3)
    // Depths 0, 1/3, 2/3, 1 of four layers against five: 0, 4/3, 8/3, 4.
    let five = depth(
      4, 5, [1, 9, 9, 9, 9, 9, 0.3, 0.6, 9, 9, 9, 9, 0.2, 0.8, 9, 9, 9, 9, 9, 0.5])
    let expected: Double = (1 + (0.3 * 2 + 0.6) / 3 + (0.2 + 0.8 * 2) / 3 + 0.5) / 4
    #expect(abs(five.mean - expected) < 1e-15)
    // An undefined neighbor leaves its depth out, one that is not needed does not.
    let holes = depth(3, 4, [0.5, nan, nan, 9, 9, 0.25, nan, 9, 9, 9, 9, 1])
    #expect(holes.mean == 0.75 && holes.count == 2 && holes.undefinedCount == 1)
    let none = depth(2, 2, [nan, 1, 1, nan])
    #expect(none.mean.isNaN && none.count == 0 && none.undefinedCount == 2)
    #expect(depth(1, 1, [0.5]).mean == 0.5)
    let single = depth(1, 3, [0.5, 0.5, 0.5])
    #expect(single.mean.isNaN && single.undefinedCount == 1)
  }

  @Test func equalDepthIsSymmetric() {
    var generator = SeededGenerator(seed: 3)
    for (rows, columns) in [(2, 7), (5, 12), (6, 6), (30, 72)] {
      let map = Matrix(
        rows: rows, columns: columns,
        elements: (0..<rows * columns).map { _ in generator.normal() })
      var turned = Matrix<Double>(rows: columns, columns: rows, repeating: 0)
      for i in 0..<rows { for j in 0..<columns { turned[j, i] = map[i, j] } }
      #expect(DepthSimilarity(map) == DepthSimilarity(turned))
    }
  }

  /// Two pairs of networks of the architectures a and b, in both orders, and one of b alone.
  @Test func curvesAreMeansOverPairsOfNetworks() {
    func depth(_ diagonal: [Double]) -> DepthSimilarity {
      let count = diagonal.count
      var map = Matrix<Double>(rows: count, columns: count, repeating: 9)
      for layer in diagonal.indices { map[layer, layer] = diagonal[layer] }
      return DepthSimilarity(map)
    }
    var curves = DepthCurves()
    curves.add(depth([0, 1]), of: ("b", "a"))
    curves.add(depth([1, .nan, 0]), of: ("a", "b"))
    curves.add(depth([0.5, .nan]), of: ("b", "b"))
    // A single layer stands at no depth.
    curves.add(depth([1]), of: ("c", "c"))
    #expect(curves.curves.map(\.left) == ["a", "b"] && curves.curves.map(\.right) == ["b", "b"])
    // 0 to 1 along the depth; of the second pair only the ends count.
    let places = Array(DepthCurves.depths.enumerated())
    #expect(places.count == 21)
    for (place, depth) in places {
      let expected = place == 0 || place == 20 ? 0.5 : depth
      #expect(abs(curves.curves[0].means[place] - expected) < 1e-15)
      #expect(place == 0 ? curves.curves[1].means[0] == 0.5 : curves.curves[1].means[place].isNaN)
    }
  }

  // MARK: Means and standard deviations

  /// The values that count in a cell, and the two numbers by their definitions.
  private func expectStatistics(
    _ statistics: MapStatistics, cell: (Int, Int), values: [Double], count: Double
  ) {
    let (i, j) = cell
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    guard !values.isEmpty else {
      #expect(statistics.mean[i, j].isNaN && statistics.standardDeviation[i, j].isNaN)
      return
    }
    // Some ten float64 roundings of numbers below 4.
    #expect(abs(statistics.mean[i, j] - mean) < 1e-14)
    if count > 1 {
      let expected = (squares * count / (count - 1)).squareRoot()
      #expect(abs(statistics.standardDeviation[i, j] - expected) < 1e-13)
    } else {
      #expect(statistics.standardDeviation[i, j].isNaN)
    }
  }

  @Test(arguments: [0, 1, 2, 7])
  func statisticsAreThoseOfTheDefinitions(count: Int) throws {
    var generator = SeededGenerator(seed: 11)
    let maps = (0..<count).map { index in
      Matrix(
        rows: 3, columns: 3,
        elements: (0..<9).map { cell in
          cell == 4 && index < 5 || cell == 7 ? Double.nan : generator.normal()
        })
    }
    var plain = try MapStatistics(rows: 3, columns: 3)
    var symmetric = plain
    for map in maps {
      try plain.add(map)
      try symmetric.addSymmetric(map)
    }
    for i in 0..<3 {
      for j in 0..<3 {
        let values = maps.map { $0[i, j] }.filter { !$0.isNaN }
        expectStatistics(plain, cell: (i, j), values: values, count: Double(values.count))
        let both = values + maps.map { $0[j, i] }.filter { !$0.isNaN }
        expectStatistics(
          symmetric, cell: (i, j), values: both, count: Double(both.count) / 2)
      }
    }
  }

  @Test func equalMapsDoNotVary() throws {
    var statistics = try MapStatistics(rows: 1, columns: 1)
    for _ in 0..<100 { try statistics.add(Matrix(rows: 1, columns: 1, repeating: 0.999_999_9)) }
    #expect(statistics.mean[0, 0] == 0.999_999_9 && statistics.standardDeviation[0, 0] == 0)
  }

  // MARK: Groups

  @Test(
    arguments: [
      ("depth8-width4-seed0", "depth8-width4", "0"), ("resnet_s3", "resnet", "3"),
      ("resnet.seed=12", "resnet", "12"), ("resnet-s=4", "resnet", "4"),
      ("ResNet_SEED7_epoch90", "ResNet_epoch90", "7"), ("resnet-seed-5", "resnet", "5"),
      ("resnet_seed_05_last", "resnet_last", "05"), ("seed3-resnet", "resnet", "3"),
      ("runs/a/seed2/final", "runs/a/final", "2"), ("a-seed1-seed2", "a-seed1", "2"),
      ("b s9", "b", "9"), ("模型-seed1", "模型", "1"),
    ] as [(String, String, String)])
  func namesTellSeeds(model: String, name: String, seed: String) {
    #expect(ModelGroup(ofModel: model) == ModelGroup(name: name, seed: seed))
  }

  @Test(
    arguments: [
      "resnet", "", "seed3", "s3", "resnet-s2-b4", "resnet-seed", "seedling4", "resnets3",
      "a-seedx",
      "a-seed3x", "a-s", "vit-s16b", "a-seed٣",
    ])
  func otherNamesTellNone(model: String) {
    #expect(ModelGroup(ofModel: model) == ModelGroup(name: model, seed: nil))
  }

  /// Shapes of a caller that no map has once ended the process.
  @Test(arguments: [(-1, 2), (2, -1), (.max, 2)]) func shapesWithoutMapsAreRefused(
    rows: Int, columns: Int
  ) {
    #expect(throws: ComparisonError.self) { try MapStatistics(rows: rows, columns: columns) }
  }
}
