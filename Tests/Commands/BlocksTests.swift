import ActivationFiles
import Foundation
import TestSupport
import Testing

@testable import Results

/// `cka blocks` as its users run it. The blocks themselves: `Tests/Analyses/Blocks`.
struct BlocksTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  /// A network of 12 layers of which `block` are one signal and little of their own.
  private func model(block: Range<Int>, seed: UInt64) -> TestModel {
    var model = TestModel(layers: 12, n: 64, seed: seed)
    let signal = Activations64.normal(n: 64, p: 8, seed: 77)
    for layer in 0..<12 {
      let own = Activations64.normal(n: 64, p: 8, seed: seed &* 100 + UInt64(layer))
      model.layers[layer].activations = signal.mixed(
        into: own, weight: block.contains(layer) ? 5 : 0.4)
    }
    return model
  }

  private func compare(_ model: TestModel, _ name: String) throws {
    try cka.folder.write(model.npz, to: "\(name).npz")
    try cka("compare", "\(name).npz", "--device", "cpu", "--output", name, "--quiet")
      .expectSuccess()
  }

  private func document(_ folder: String = "cka-blocks") throws -> BlocksDocument {
    try JSONDecoder().decode(
      BlocksDocument.self, from: Data(cka.bytes("\(folder)/blocks.json")))
  }

  @Test func aBlockIsFoundTabledAndOutlined() throws {
    try compare(model(block: 3..<8, seed: 5), "one")
    let run = try cka("blocks", "one")
    run.expectSuccess()
    #expect(run.output.contains("layer3  layer7       5  12"), "\(run.output)")
    let files = [
      "blocks.csv", "blocks.json", "cka.npy", "heatmap.pdf", "heatmap.png", "heatmap.svg",
    ]
    #expect(try cka.contents(of: "cka-blocks") == files)
    let model = try #require(document().models.first)
    let block = try #require(model.blocks.first)
    #expect(model.blocks.count == 1 && block.layers == 3..<8 && model.minimumSize == 4)
    #expect(try #require(block.contrast) > 0.1 && (block.p ?? .nan) <= 0.05)
    #expect(block.meanInside > block.meanOutside)
    let table = try parseCSV(String(decoding: cka.bytes("cka-blocks/blocks.csv"), as: UTF8.self))
    #expect(table.count == 2 && table[1][5..<10] == ["3", "7", "layer3", "layer7", "5"])
    #expect(Double(table[1][12]) == block.contrast)

    // `compare` looks for blocks only where it is asked to, and then finds the same; `plot` draws those of
    // the document.
    func blocks(_ folder: String) throws -> [Range<Int>]? {
      try ResultDocument(at: "\(cka.folder.path)/\(folder)/result.json").blocks?.map(\.layers)
    }
    #expect(try blocks("one") == nil)
    try cka("compare", "one.npz", "--device", "cpu", "--blocks", "--output", "asked", "--quiet")
      .expectSuccess()
    #expect(try blocks("asked") == [3..<8])
    let outlined = try cka.bytes("cka-blocks/heatmap.svg")
    let plain = try cka.bytes("one/heatmap.svg")
    #expect(try cka.bytes("asked/heatmap.svg") == outlined && plain != outlined)
    for (folder, picture) in [("one", plain), ("asked", outlined)] {
      try cka("plot", folder).expectSuccess()
      #expect(try cka.bytes("\(folder)/heatmap.svg") == picture)
    }
    #expect(try cka("compare", "one.npz", "one.npz", "--blocks").code == 64)
  }

  @Test func optionsDecideWhatIsABlock() throws {
    try compare(model(block: 3..<8, seed: 5), "one")
    // 12 layers have no room for a block of 10 and layers beyond it, which is said.
    for (options, messages) in [(["--min-size", "10"], 1), (["--min-contrast", "0.99"], 0)] {
      let run = try cka.run(["blocks", "one", "--force"] + options)
      run.expectSuccess(messages: messages)
      #expect(run.output.contains("no block"))
      #expect(
        run.output.contains(
          options[0] == "--min-size"
            ? "12 layers with values are too few for a block of 10" : "at an edge, less than 0.99"
        ),
        "\(run.output)")
      #expect(try document().models[0].blocks.isEmpty)
    }
    try cka(
      "blocks", "one", "--permutations", "19", "--output", "few",
      "--quiet"
    ).expectSuccess()
    #expect(try document("few").models[0].blocks.first?.p == 0.05)
    #expect(try document("few").detector.permutations == 19)
  }

  @Test func aSweepTellsOfPairsAndMatches() throws {
    let blocks = [2..<7, 4..<9, 2..<7]
    for (seed, block) in blocks.enumerated() {
      try cka.folder.write(
        model(block: block, seed: UInt64(seed + 1)).npz, to: "net-seed\(seed).npz")
    }
    try cka.folder.write(TestModel(layers: 3, n: 64, seed: 9).npz, to: "small.npz")
    try cka(
      "sweep", "net-seed0.npz", "net-seed1.npz", "net-seed2.npz", "small.npz", "--device", "cpu",
      "--batch-size", "32", "--output", "store", "--quiet"
    ).expectSuccess()
    let run = try cka("blocks", "store")
    run.expectSuccess(messages: 1)
    #expect(
      run.errors.contains(
        "has values for only 3 layers, too few for a block of 3 and layers beyond it"))
    #expect(
      try cka.contents(of: "cka-blocks") == [
        "blocks.csv", "blocks.json", "blocks.pdf", "blocks.png", "blocks.svg", "depth.csv",
        "depth.pdf", "depth.png", "depth.svg", "matches.csv", "pairs.csv",
      ])
    let document = try document()
    #expect(document.models.prefix(3).map { $0.blocks.map(\.layers) } == blocks.map { [$0] })
    #expect(document.models[3].blocks.isEmpty && document.models[3].group == "small")
    let pairs = try #require(document.pairs)
    #expect(pairs.count == 6)
    // Blocks of 5 layers, in 12: what numbers of cells follow.
    let first = try #require(pairs.first { $0.left == 0 && $0.right == 1 })
    #expect(first.ofAllPairs.inside.pairs == 25 && first.ofAllPairs.outside.pairs == 49)
    #expect(first.ofAllPairs.across.pairs == 70 && first.atEqualDepth.inside.pairs == 3)
    let matching = try #require(document.matching)
    #expect(matching.map(\.group) == ["net"] && matching[0].models == 3 && matching[0].pairs == 6)
    #expect(matching[0].interval?.count == 2 && run.output.contains("layer matching"))

    // The tables hold the numbers of the sweep's maps.
    func table(_ name: String) throws -> [[String]] {
      try parseCSV(String(decoding: cka.bytes("cka-blocks/\(name)"), as: UTF8.self))
    }
    #expect(try table("pairs.csv").count == 7)
    // 3 pairs of 12 layers and 3 with 3.
    #expect(try table("depth.csv").count == 1 + 3 * 12 + 3 * 3)
    let matches = try table("matches.csv")
    #expect(matches.count == 1 + 6 * 12 + 3 * 12 + 3 * 3)
    let map = try TestMatrix(npy: cka.bytes("store/results/pairs/net-seed0--net-seed1/cka.npy"))
    for row in 0..<12 {
      let values = (0..<12).map { map[row, $0] }
      let best = try #require(values.max())
      let line = try #require(
        matches.first { $0[0] == "net-seed0" && $0[1] == "layer\(row)" && $0[2] == "net-seed1" })
      #expect(line[3] == "layer\(values.firstIndex(of: best) ?? -1)" && Double(line[4]) == best)
    }
    #expect(
      try ResultDocument(
        at: "\(cka.folder.path)/store/results/pairs/net-seed0--net-seed1/result.json"
      ).blocks == nil)
    // Several results are looked at side by side.
    let own = (0..<3).map { "store/results/pairs/net-seed\($0)--net-seed\($0)" }
    try cka.run(["blocks"] + own + ["--output", "side"]).expectSuccess()
    #expect(try self.document("side").models.map { $0.blocks.map(\.layers) } == blocks.map { [$0] })
  }

  /// Two results of models of one name were two equal rows of the table, the document and the picture.
  @Test func modelsOfOneNameAreToldApartByTheirResults() throws {
    for (folder, seed) in [("a", UInt64(5)), ("b", 6)] {
      try cka.folder.write(model(block: 3..<8, seed: seed).npz, to: "\(folder)/run1.npz")
    }
    for (model, result) in [("a", "w-n1"), ("b", "rt-i1")] {
      try cka(
        "compare", "\(model)/run1.npz", "--device", "cpu", "--output", result, "--quiet"
      ).expectSuccess()
    }
    try compare(model(block: 3..<8, seed: 7), "other")
    let run = try cka("blocks", "w-n1", "rt-i1", "other", "w-n1")
    run.expectSuccess()
    let names = try document().models.map(\.name)
    #expect(
      Array(names.prefix(3)) == ["w-n1/run1", "rt-i1/run1", "other"] && Set(names).count == 4)
    for name in names { #expect(run.output.contains("\n\(name) "), "\(run.output)") }
    // One of its own needs nothing.
    try cka("blocks", "w-n1", "other", "--output", "two", "--quiet").expectSuccess()
    #expect(try document("two").models.map(\.name) == ["run1", "other"])
  }

  @Test func badInputIsNamed() throws {
    try cka("blocks", "nothing").expectFailure(66, "nothing/result.json: cannot be read")
    try compare(model(block: 3..<8, seed: 5), "one")
    try cka.folder.write(TestModel(layers: 3, n: 64, seed: 9).npz, to: "other.npz")
    try cka("compare", "one.npz", "other.npz", "--device", "cpu", "--output", "two", "--quiet")
      .expectSuccess()
    try cka("blocks", "one", "two").expectFailure(
      65, "two/result.json: compares one with other; expected the result of one model with itself")
    try cka(
      "sweep", "one.npz", "other.npz", "--device", "cpu", "--output", "store", "--quiet"
    ).expectSuccess()
    try cka("blocks", "one", "store").expectFailure(64, "store: is a sweep")
    for (options, words) in [
      (["--min-size", "2"], "--min-size is 2; it must be at least 3"),
      (["--permutations", "10"], "--significance is 0.05; it must be below 1 and at least"),
      (["--min-contrast", "0"], "--min-contrast is 0.0; it must be above 0"),
    ] {
      let run = try cka.run(["blocks", "one"] + options)
      #expect(run.code == 64 && run.output.isEmpty && run.errors.contains(words))
    }
    try cka.folder.write("{\"format\": \"cka-sweep/1\"}", to: "store/results/sweep.json")
    try cka("blocks", "store").expectFailure(
      65, "sweep.json: version: damaged: found nothing, expected a value")
    #expect(!cka.exists("cka-blocks"))
  }
}
