import Foundation
import TestSupport
import Testing

@testable import Results

/// Models as points, in the results of `cka sweep`.
struct SweepPointsTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  /// Sweeps models of a feature a layer: by their names, columns of `n` numbers.
  @discardableResult
  private func sweep(_ models: [(name: String, layers: [[Double]])], _ options: String...) throws
    -> Run
  {
    for (name, layers) in models {
      let members = layers.enumerated().map { index, values in
        (
          name: "layer\(index).npy",
          data: NPYFile.bytes(values, shape: [values.count, 1], type: .float64)
        )
      }
      try cka.folder.write(ZipFile.bytes(members), to: "\(name).npz")
    }
    return try cka.run(
      ["sweep"] + models.map { "\($0.name).npz" } + ["--output", "store", "--device", "cpu"]
        + options)
  }

  private func document() throws -> SweepDocument {
    try SweepDocument(in: "\(cka.folder.path)/store/results")
  }

  private func matrix(_ name: String) throws -> TestMatrix {
    try TestMatrix(npy: cka.bytes("store/results/\(name)"))
  }

  @Test func distancesAreAnglesOfTheMaps() throws {
    for seed in 0..<3 {
      try cka.folder.write(
        TestModel(layers: 4, n: 32, seed: UInt64(seed + 1)).npz, to: "net-seed\(seed).npz")
    }
    try cka.folder.write(TestModel(layers: 3, n: 32, seed: 9).npz, to: "other.npz")
    let run = try cka.run([
      "sweep", "net-seed0.npz", "net-seed1.npz", "net-seed2.npz", "other.npz", "--output", "store",
      "--device", "cpu",
    ])
    run.expectSuccess()
    #expect(run.output.contains("\nequal depth: architectures explain "))
    let document = try document()
    let all = try #require(document.points)
    #expect(all.map(\.distance) == [.equalDepth, .bestMatch])
    for points in all {
      let distances = try matrix("\(points.distance.rawValue)-distances.npy")
      for pair in document.pairs {
        let map = try matrix("\(pair.folder)/cka.npy")
        var angles: [Double]
        switch points.distance {
        case .equalDepth:
          // Four layers each: the diagonal. Three of `other` stand at 0, 1.5 and 3 of the four.
          angles =
            map.columns == map.rows
            ? (0..<map.rows).map { map[$0, $0] }
            : [map[0, 0], (map[1, 1] + map[2, 1]) / 2, map[3, 2]]
        case .bestMatch:
          // Rows and columns of a pair count as much: four layers and three, by their least common multiple.
          let rows = (0..<map.rows).map { i in (0..<map.columns).map { map[i, $0] }.max() ?? 0 }
          let columns = (0..<map.columns).map { j in (0..<map.rows).map { map[$0, j] }.max() ?? 0 }
          angles = rows.flatMap { Array(repeating: $0, count: 12 / map.rows) }
          angles += columns.flatMap { Array(repeating: $0, count: 12 / map.columns) }
        }
        angles = angles.map { acos(min($0, 1)) }
        let expected = pair.left == pair.right ? 0 : angles.reduce(0, +) / Double(angles.count)
        // The same float64 numbers: up to 24 angles are summed, in another order.
        #expect(abs(distances[pair.left, pair.right] - expected) < 1e-13)
        #expect(distances[pair.right, pair.left] == distances[pair.left, pair.right])
      }
      #expect(points.models == [0, 1, 2, 3] && points.merges.last?.count == 4)
      let separation = try #require(points.separation)
      let seeds = [(0, 1), (0, 2), (1, 2)].map { distances[$0, $1] }
      let others = (0..<3).map { distances[$0, 3] }
      #expect(abs(separation.within - seeds.reduce(0, +) / 3) < 1e-12)
      #expect(abs(separation.between - others.reduce(0, +) / 3) < 1e-12)
      // Σδ²/N of all, and Σδ²/n of the three seeds.
      let unexplained = seeds.reduce(0) { $0 + $1 * $1 } / 3
      let sum = (seeds + others).reduce(0) { $0 + $1 * $1 } / 4
      #expect(abs(separation.explained - (1 - unexplained / sum)) < 1e-12)
      #expect(abs(separation.explainedByChance - 1 / 3.0) < 1e-12)
      let table = try parseCSV(
        #require(
          String(
            validating: cka.bytes("store/results/\(points.distance.rawValue)-points.csv"),
            as: UTF8.self)))
      #expect(table[0] == ["model", "group", "seed", "x", "y"])
      #expect(table[2].prefix(3) == ["net-seed1", "net", "1"])
      #expect(Double(table[2][3]) == points.points[1][0])
    }
  }

  /// Numbers of mean 0 and length 1 that have nothing in common, x and y, make CKA of two layers the squared cosine of
  /// their angle.
  private let x = [1.0, -1, 1, -1, 0, 0, 0, 0]
  private let y = [0.0, 0, 0, 0, 1, -1, 1, -1]

  @Test func groupsMayExplainLessThanNothing() throws {
    let sums = zip(x, y).map { $0 + $1 }
    let differences = zip(x, y).map { $0 - $1 }
    let run = try sweep(
      [
        ("p-seed0", [x]), ("p-seed1", [y]), ("q-seed0", [sums]), ("q-seed1", [differences]),
      ], "--report", "--estimator", "biased")
    run.expectSuccess()
    // A right angle within, arccos ½ = π/3 between: 1 − (2·(π/2)²/2)/((2·(π/2)² + 4·(π/3)²)/4).
    let (within, between) = (Double.pi * .pi / 4, Double.pi * .pi / 9)
    let separation = try #require(try document().points?[0].separation)
    #expect(
      abs(separation.explained - (1 - 4 * within / (2 * within + 4 * between))) < 1e-6
        && separation.explained < 0)
    try cka.run(["plot", "store", "--report"]).expectSuccess()
  }

  @Test func modelsWithoutDistancesAreNamed() throws {
    let constant = [Double](repeating: 1, count: 8)
    let run = try sweep(
      [
        ("a-seed0", [x]), ("a-seed1", [y]), ("b", [zip(x, y).map { $0 + 2 * $1 }]),
        ("constant", [constant]),
      ], "--estimator", "biased")
    run.expectSuccess(messages: 1)
    #expect(
      run.output.contains(
        "equal depth: no point, for want of a distance to some model: constant\n"))
    #expect(try document().points?.allSatisfy { $0.leftOut == [3] } == true)
  }

  @Test func picturesOfModelsThatHaveNoPointsGo() throws {
    let models = [("a", [x]), ("b", [y])]
    try sweep(models, "--estimator", "biased").expectSuccess()
    #expect(try document().points?.isEmpty == true)
    #expect(cka.exists("store/results/equal-depth-distances.npy"))
    // As an earlier sweep of more models would have left it.
    try cka.folder.write([1], to: "store/results/equal-depth-points.png")
    try sweep(models, "--estimator", "biased").expectSuccess()
    #expect(!cka.exists("store/results/equal-depth-points.png"))
  }

  @Test func damagedPointsAreRefused() throws {
    try sweep([("a", [x]), ("b", [y])], "--estimator", "biased").expectSuccess()
    let path = "store/results/sweep.json"
    let text = String(decoding: try cka.bytes(path), as: UTF8.self)
    for points in [
      #"{"distance": "equal-depth", "models": [0, 1], "leftOut": [], "points": [], "stress": 0, "merges": []}"#,
      #"{"distance": "equal-depth", "models": [0, 1, 9], "leftOut": [], "points": [], "stress": 0, "merges": []}"#,
      #"{"distance": "elsewhere", "models": [], "leftOut": [], "points": [], "stress": 0, "merges": []}"#,
    ] {
      var object = try #require(
        JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      object["points"] = [try JSONSerialization.jsonObject(with: Data(points.utf8))]
      try cka.folder.write(
        [UInt8](JSONSerialization.data(withJSONObject: object)), to: path)
      let run = try cka.run(["plot", "store"])
      #expect(run.code == 65 && run.errors.contains("points[0]"), "\(run.errors)")
    }
  }
}
