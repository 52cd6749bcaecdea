import Foundation
import TestSupport
import Testing

@testable import Results

/// What `cka sweep` writes into `STORE/results`.
struct SweepResultTests {
  static let overview = [
    "best-match-distances.csv", "best-match-distances.npy", "best-match-points.csv",
    "best-match-points.pdf", "best-match-points.png", "best-match-points.svg",
    "equal-depth-distances.csv", "equal-depth-distances.npy", "equal-depth-points.csv",
    "equal-depth-points.pdf", "equal-depth-points.png", "equal-depth-points.svg",
    "grid.pdf", "grid.png", "grid.svg", "groups", "models.csv", "models.npy", "models.pdf",
    "models.png", "models.svg",
    "pairs", "sweep.json",
  ]
  let cka: Cka

  init() throws {
    cka = try Cka()
    for seed in 0..<3 {
      let model = TestModel(layers: 4, n: 32, seed: UInt64(seed + 1))
      try cka.folder.write(model.npz, to: "net-seed\(seed).npz")
    }
    try cka.folder.write(TestModel(layers: 3, n: 32, seed: 9).npz, to: "other.npz")
  }

  private static let models = ["net-seed0.npz", "net-seed1.npz", "net-seed2.npz", "other.npz"]

  @discardableResult
  private func sweep(_ models: [String] = models, _ options: String...) throws -> Run {
    try cka.run(
      ["sweep"] + models + ["--output", "store", "--device", "cpu", "--batch-size", "16"] + options)
  }

  private func document() throws -> SweepDocument {
    try JSONDecoder().decode(
      SweepDocument.self, from: Data(cka.bytes("store/results/sweep.json")))
  }

  private func matrix(_ name: String) throws -> TestMatrix {
    try TestMatrix(npy: cka.bytes("store/results/\(name)"))
  }

  /// The map of two models by `compare`.
  private func compared(_ a: String, _ b: String) throws -> TestMatrix {
    let name = "compared-\(a)-\(b)"
    if !cka.exists(name) {
      let models = a == b ? [a] : [a, b]
      try cka.run(
        ["compare"] + models
          + ["--output", name, "--device", "cpu", "--batch-size", "16", "--quiet"]
      ).expectSuccess()
    }
    return try TestMatrix(npy: cka.bytes("\(name)/cka.npy"))
  }

  @Test func pairsAreThoseOfCompare() throws {
    try sweep().expectSuccess()
    #expect(try cka.contents(of: "store/results") == Self.overview)
    let document = try document()
    #expect(document.models.map(\.name) == ["net-seed0", "net-seed1", "net-seed2", "other"])
    #expect(document.pairs.count == 10)
    #expect(try cka.contents(of: "store/results/pairs").count == 10)
    for pair in document.pairs {
      let expected = try compared(Self.models[pair.left], Self.models[pair.right])
      let found = try matrix("\(pair.folder)/cka.npy")
      #expect(found.rows == expected.rows && found.columns == expected.columns)
      // The same float32 matrices and float64 sums, in another order: a product of n(n−1)/2 = 120
      // numbers is off by some 1e-8 at most.
      for i in 0..<found.rows {
        for j in 0..<found.columns { #expect(abs(found[i, j] - expected[i, j]) < 1e-7) }
      }
      #expect(
        try cka.contents(of: "store/results/\(pair.folder)") == [
          "cka.csv", "cka.npy", "result.json", "z.npy",
        ])
    }
    // They are results like any other: `plot` draws them.
    let pair = "store/results/\(document.pairs[3].folder)"
    try cka("plot", pair).expectSuccess()
    let result = try TestResult(cka, pair)
    #expect(result.json("estimator", "batchSize") as? Int == 16)
    #expect(try result.layers(1).count == 3)
    // Several at once, and none of them twice.
    let others = document.pairs[4...5].map { "store/results/\($0.folder)" }
    let drawn = try cka.run(["plot"] + others)
    drawn.expectSuccess()
    #expect(drawn.output == "drawn: 2 results\n")
    for other in others { _ = try TestResult(cka, other) }
    let refused = try cka.run(["plot"] + others + ["--output", "x.png"])
    #expect(refused.code == 64 && refused.errors.contains("--output takes one result"))
    try cka.run(["plot", others[0], "none"]).expectFailure(66, "none: is not a result")
  }

  @Test func theTableIsTheMeanAtEqualDepth() throws {
    try sweep().expectSuccess()
    let table = try matrix("models.npy")
    let names = ["net-seed0", "net-seed1", "net-seed2", "other"]
    let csv = try parseCSV(
      #require(String(validating: cka.bytes("store/results/models.csv"), as: UTF8.self)))
    #expect(csv[0] == [""] + names)
    for i in 0..<4 {
      #expect(csv[i + 1][0] == names[i])
      for j in 0..<4 {
        let map = try compared(Self.models[min(i, j)], Self.models[max(i, j)])
        // Four layers each: the diagonal. Three of `other` stand at 0, 1.5 and 3 of the four.
        let expected =
          if map.columns == map.rows {
            (0..<map.rows).reduce(0) { $0 + map[$1, $1] } / Double(map.rows)
          } else { (map[0, 0] + (map[1, 1] + map[2, 1]) / 2 + map[3, 2]) / 3 }
        #expect(abs(table[i, j] - expected) < 1e-7, "\(i), \(j)")
        #expect(Double(csv[i + 1][j + 1]) == table[i, j])
      }
    }
  }

  @Test func groupsHaveMeansAndDeviations() throws {
    try sweep().expectSuccess()
    let document = try document()
    #expect(document.models.map(\.group) == ["net", "net", "net", "other"])
    #expect(document.models.map(\.seed) == ["0", "1", "2", nil])
    let group = try #require(document.groups.first)
    #expect(document.groups.count == 1 && group.models == [0, 1, 2] && group.pairs == 3)
    #expect(group.maps == ["mean", "std", "within-mean", "within-std"])
    let across = try [(0, 1), (0, 2), (1, 2)].map { try compared(Self.models[$0], Self.models[$1]) }
    let within = try (0..<3).map { try compared(Self.models[$0], Self.models[$0]) }
    for i in 0..<4 {
      for j in 0..<4 {
        // Three pairs, each as it is and turned.
        try expect(
          "mean", "std", (i, j), across.flatMap { [$0[i, j], $0[j, i]] }, count: 3)
        try expect("within-mean", "within-std", (i, j), within.map { $0[i, j] }, count: 3)
      }
    }
    let files = try cka.contents(of: "store/results/groups/net")
    #expect(files.count == 20 && files.contains("within-std.svg"))
  }

  private func expect(
    _ mean: String, _ deviation: String, _ cell: (Int, Int), _ values: [Double], count: Double
  ) throws {
    let (means, deviations) = (
      try matrix("groups/net/\(mean).npy"), try matrix("groups/net/\(deviation).npy")
    )
    let expected = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - expected) * ($1 - expected) }
    let spread = (squares / Double(values.count) * count / (count - 1)).squareRoot()
    // Values agree within 1e-7, see above; a deviation moves by no more than its values do.
    #expect(abs(means[cell.0, cell.1] - expected) < 1e-7)
    #expect(abs(deviations[cell.0, cell.1] - spread) < 2e-7, "\(cell)")
  }

  @Test func onlyWhatChangedIsWrittenAgain() throws {
    let first = try sweep(Array(Self.models[..<2]))
    #expect(first.output.contains("results of pairs: 3 written in "))
    #expect(first.output.contains(/results of pairs: 3 written in [^,]+, 0 cached\n/))
    let pair = "store/results/pairs/net-seed0--net-seed1/cka.npy"
    func inode(_ name: String) throws -> Int {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: "\(cka.folder.path)/\(name)")
      return try #require(attributes[.systemFileNumber] as? Int)
    }
    let before = try inode(pair)
    let again = try sweep(Array(Self.models[..<2]))
    #expect(again.output.contains("results of pairs: 0 written in "))
    #expect(again.output.contains(/results of pairs: 0 written in [^,]+, 3 cached\n/))
    let grown = try sweep([Self.models[3]])
    #expect(grown.output.contains("results of pairs: 3 written in "))
    #expect(grown.output.contains(/results of pairs: 3 written in [^,]+, 3 cached\n/))
    #expect(try inode(pair) == before)
    #expect(try document().pairs.count == 6)
    // A file that is lost is written again, and so is everything after a write that was cut short.
    try FileManager.default.removeItem(atPath: "\(cka.folder.path)/\(pair)")
    try FileManager.default.createDirectory(
      atPath: "\(cka.folder.path)/store/results/pairs/.x.partial-1",
      withIntermediateDirectories: true
    )
    #expect(try sweep([]).code == 64)
    let mended = try sweep([Self.models[3]])
    #expect(mended.output.contains("results of pairs: 1 written in "))
    #expect(mended.output.contains(/results of pairs: 1 written in [^,]+, 5 cached\n/))
    #expect(try cka.contents(of: "store/results/pairs").count == 6)
    try cka.folder.write("{", to: "store/results/sweep.json")
    let all = try sweep([Self.models[3]])
    #expect(all.output.contains("results of pairs: 6 written in "))
    #expect(all.output.contains(/results of pairs: 6 written in [^,]+, 0 cached\n/))
    #expect(try cka.contents(of: "store/results") == Self.overview)
  }

  /// `--table`: all cells of all maps, in one file that grows with the pairs.
  @Test func theTableHoldsEveryCell() throws {
    var broken = TestModel(layers: 4, n: 32, seed: 5)
    broken.layers[1].activations.values[3] = .nan
    try cka.folder.write(broken.npz, to: "a,b.npz")
    try sweep(Self.models + ["a,b.npz"], "--table").expectSuccess(messages: 1)
    let document = try document()
    #expect(document.files.contains("pairs.csv"))
    let text = String(decoding: try cka.bytes("store/results/pairs.csv"), as: UTF8.self)
    var found = lines(text)[...]
    #expect(found.popFirst() == "model,layer,model2,layer2,cka,status,z")
    for pair in document.pairs {
      let (left, right) = (document.models[pair.left], document.models[pair.right])
      let scores = try matrix("\(pair.folder)/cka.npy")
      let z = try matrix("\(pair.folder)/z.npy")
      func quoted(_ name: String) -> String { name.contains(",") ? "\"\(name)\"" : name }
      for (i, row) in left.layers.enumerated() {
        for (j, column) in right.layers.enumerated() {
          let isDefined = !scores[i, j].isNaN
          let status = isDefined ? "ok" : "non-finite"
          let numbers = isDefined ? (scores[i, j].description, z[i, j].description) : ("", "")
          #expect(
            found.popFirst()
              == [
                quoted(left.name), row.name, quoted(right.name), column.name, numbers.0, status,
                numbers.1,
              ].joined(separator: ","))
        }
      }
    }
    #expect(found.isEmpty)
    // It would not show a model that comes later.
    try sweep().expectSuccess(messages: 1)
    #expect(!cka.exists("store/results/pairs.csv"))
    #expect(try cka.contents(of: "store/results") == Self.overview)
  }

  @Test func aChangedModelChangesItsPairs() throws {
    let models = Array(Self.models[..<2])
    try sweep(models).expectSuccess()
    try cka.folder.write(TestModel(layers: 4, n: 32, seed: 77).npz, to: "net-seed1.npz")
    let run = try sweep(models)
    #expect(run.output.contains("results of pairs: 2 written in "))
    #expect(run.output.contains(/results of pairs: 2 written in [^,]+, 1 cached\n/))
    let found = try matrix("pairs/net-seed0--net-seed1/cka.npy")
    let expected = try compared(models[0], models[1])
    #expect(abs(found[1, 2] - expected[1, 2]) < 1e-7)
  }

  @Test func layersWithoutValuesStayEmpty() throws {
    var broken = TestModel(layers: 4, n: 32, seed: 5)
    broken.layers[1].activations.values[3] = .nan
    broken.layers[2].activations.values[3] = .infinity
    try cka.folder.write(broken.npz, to: "net-seed7.npz")
    let run = try sweep(["net-seed0.npz", "net-seed7.npz"])
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("net-seed7.npz: layer layer1 is undefined: non-finite"))
    #expect(run.errors.contains("and 1 more of its layers"))
    let document = try document()
    #expect(document.models[1].layers.map(\.status) == ["ok", "non-finite", "non-finite", "ok"])
    #expect(document.pairs.map(\.undefinedCells) == [0, 8, 12])
    #expect(document.pairs.map(\.undefinedDepths) == [0, 2, 2])
    #expect(document.pairs[2].similarityAtEqualDepth == 1)
    // One pair has no deviation.
    #expect(document.groups[0].maps == ["mean", "within-mean", "within-std"])
    for name in ["groups/net/mean.csv", "groups/net/within-std.csv", "models.csv", "sweep.json"] {
      let text = String(decoding: try cka.bytes("store/results/\(name)"), as: UTF8.self)
      #expect(!text.lowercased().contains("nan") && !text.contains("inf"), "\(name)")
    }
    let mean = try matrix("groups/net/mean.npy")
    #expect(mean[1, 1].isNaN && !mean[0, 1].isNaN && !mean[0, 3].isNaN)
  }

  @Test func tablesGroupModels() throws {
    try cka.folder.write(
      "model,group,seed\nnet-seed0,\"a,b\",1\r\nnet-seed1,\"a,b\",\nother,o,1\nlater,o,2\n",
      to: "models.csv")
    try sweep(["net-seed0.npz", "net-seed1.npz", "other.npz"], "--models-csv", "models.csv")
      .expectSuccess()
    let document = try document()
    #expect(document.models.map(\.group) == ["a,b", "a,b", "o"])
    #expect(document.models.map(\.seed) == ["1", nil, "1"])
    #expect(document.groups.map(\.name) == ["a,b"])
    #expect(document.groups[0].folder == "groups/a,b")
  }

  @Test func groupsOfUnlikeLayersHaveNoMaps() throws {
    try cka.folder.write("model,group,seed\nnet-seed0,g,1\nother,g,2\n", to: "models.csv")
    try sweep(["net-seed0.npz", "other.npz"], "--models-csv", "models.csv").expectSuccess()
    let group = try #require(try document().groups.first)
    #expect(group.maps.isEmpty && group.folder == nil)
    #expect(group.reason?.contains("different layer names") ?? false)
    #expect(try cka.contents(of: "store/results/groups").isEmpty)
  }

  @Test(
    arguments: [
      ("", "line 1: found nothing"), ("model,seed,group\n", "line 1: found model,seed,group"),
      ("model,group,seed\na,b\n", "line 2: found 2 fields"),
      ("model,group,seed\na,,1\n", "line 2: found no group"),
      ("model,group,seed\na,g,1\na,g,2\n", "line 3: found the model a twice"),
      ("model,group,seed\na,g,1\nb,g,1\n", "line 3: found the seed 1 of g twice"),
      ("model,group,seed\n\"a,g,1\n", "line 2: found a quote that is not closed"),
      ("model,group,seed\na\"b,g,1\n", "line 2: found a quote inside a field"),
      ("model,group,seed\n\"a\"b,g,1\n", "line 2: found text after a quoted field"),
    ] as [(String, String)])
  func damagedTablesAreRefused(text: String, words: String) throws {
    try cka.folder.write(text, to: "models.csv")
    try sweep(Self.models, "--models-csv", "models.csv").expectFailure(65, "models.csv", words)
    #expect(!cka.exists("store"))
  }

  @Test func tablesMustHoldEveryModel() throws {
    try cka.folder.write("model,group,seed\nnet-seed0,g,1\n", to: "models.csv")
    let run = try sweep(
      ["net-seed0.npz", "other.npz"], "--models-csv", "models.csv", "--quiet")
    run.expectFailure(65, "models.csv: lacks the model other")
    try sweep(Self.models, "--models-csv", "none.csv", "--quiet")
      .expectFailure(66, "none.csv: cannot be read")
  }

  @Test func anyNamesAreFiles() throws {
    let names = ["a--b", "b <&> \"c\"", "模型-seed1", "e\u{301}", ".hidden"]
    for (index, name) in names.enumerated() {
      try cka.folder.write(
        TestModel(layers: 2, n: 32, seed: UInt64(index)).npz, to: "\(name).npz")
    }
    try cka.folder.write(TestModel(layers: 2, n: 32, seed: 50).npz, to: "x/m.npz")
    try cka.folder.write(TestModel(layers: 2, n: 32, seed: 51).npz, to: "y/m.npz")
    try sweep(names.map { "\($0).npz" } + ["x/m.npz", "y/m.npz"]).expectSuccess()
    let document = try document()
    #expect(document.models.map(\.name) == names + ["x/m", "y/m"])
    #expect(Set(document.pairs.map(\.folder)).count == 28)
    for pair in document.pairs {
      #expect(pair.folder.split(separator: "/").count == 2)
      let text = try cka.bytes("store/results/\(pair.folder)/result.json")
      let result = try JSONDecoder().decode(ResultDocument.self, from: Data(text))
      let models = [document.models[pair.left].name, document.models[pair.right].name]
      #expect(result.models.map(\.name) == (models[0] == models[1] ? [models[0]] : models))
    }
    #expect(isXML(try cka.bytes("store/results/grid.svg")))
    #expect(isXML(try cka.bytes("store/results/models.svg")))
  }

  @Test func sharesHaveNoResultsAndMergedOnesDo() throws {
    for index in 1...2 {
      try cka.run(
        ["sweep"] + Self.models[..<2] + [
          "--output", "share\(index)", "--shard", "\(index)/2", "--device", "cpu", "--batch-size",
          "16",
        ]
      ).expectSuccess()
      #expect(!cka.exists("share\(index)/results"))
    }
    try cka("merge", "share2", "share1", "--output", "store").expectSuccess()
    let merged = try cka.bytes("store/results/pairs/net-seed0--net-seed1/cka.npy")
    // Two models are no points of a plane.
    let overview = Self.overview.filter { !$0.contains("-points") }
    #expect(try cka.contents(of: "store/results") == overview)
    try FileManager.default.removeItem(atPath: "\(cka.folder.path)/store")
    try sweep(Array(Self.models[..<2])).expectSuccess()
    #expect(try cka.bytes("store/results/pairs/net-seed0--net-seed1/cka.npy") == merged)
  }
}
