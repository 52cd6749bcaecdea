import Foundation
import TestSupport
import Testing

/// Which layers and examples are taken, as what, and what models are called.
struct LayerOptionTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  private static let once = ["--batch-size", "24", "--device", "cpu", "--quiet"]

  // MARK: Layout

  /// `values`, n × axes, as float64 means over all feature axes but the one that `layout` keeps.
  private func means(_ values: [Double], n: Int, axes: [Int], layout: String) -> Activations64 {
    let p = axes.reduce(1, *)
    let channels = layout == "channels-first" ? axes[0] : axes[axes.count - 1]
    var means = [Double](repeating: 0, count: n * channels)
    for place in values.indices {
      let feature = place % p
      let channel = layout == "channels-first" ? feature / (p / channels) : feature % channels
      means[place / p * channels + channel] += values[place] / Double(p / channels)
    }
    return Activations64(n: n, p: channels, values: means)
  }

  /// Conv1d's n × C × L and a channels-last n × H × W × C: each layout has values of its own, those of float64
  /// means.
  @Test(arguments: ["cpu", "opencl"], ["channels-first", "channels-last"])
  func meanPoolingFollowsTheLayout(device: String, layout: String) throws {
    let n = 24
    let shapes = [("conv1d", [16, 50]), ("image", [8, 8, 32])]
    let stored = shapes.enumerated().map { index, shape in
      // float32, as they are stored.
      Activations64.normal(n: n, p: shape.1.reduce(1, *), seed: UInt64(index) + 3).values.map {
        Double(Float($0))
      }
    }
    for ((name, axes), values) in zip(shapes, stored) {
      try cka.folder.write(NPYFile.bytes(values, shape: [n] + axes), to: "m/\(name).npy")
    }
    try cka(
      "compare", "m", "--pool", "mean", "--layout", layout, "--estimator", "unbiased", "--device",
      device, "--quiet"
    ).expectSuccess()
    let result = try TestResult(cka)
    let expected = zip(shapes, stored).map { means($1, n: n, axes: $0.1, layout: layout) }
    let truth = Oracle.cka(expected[0], expected[1], unbiased: true)
    // Sums of some thousand float32 products of numbers about 0.2: errors of some 2⁻²⁴ each.
    #expect(abs(result.cka[0, 1] - truth) < 1e-5, "\(result.cka[0, 1]) \(truth)")
    let layers = try result.layers(0)
    #expect(layers.map { $0["features"] as? Int } == expected.map(\.p))
    #expect(layers.map { $0["layout"] as? String } == [layout, layout])
  }

  // MARK: Tokens

  /// What is in padded tokens does not count: two files that differ there alone have the same map as the mean by
  /// hand, and masks of their own where they are padded on different sides.
  @Test func padding() throws {
    let (n, tokens, features) = (24, 4, 6)
    let stored = Activations64.normal(n: n, p: tokens * features, seed: 5).values.map {
      Double(Float($0))
    }
    let kept = (0..<n).map { 1 + $0 % tokens }
    var (right, left, means) = (stored, stored, [Double](repeating: 0, count: n * features))
    var (rightMask, leftMask) = (
      [Double](repeating: 0, count: n * tokens), [Double](repeating: 0, count: n * tokens)
    )
    for example in 0..<n {
      for token in 0..<tokens {
        let counts = token < kept[example]
        // The left-padded file has the tokens that count at the end.
        let place = counts ? token + tokens - kept[example] : token - kept[example]
        rightMask[example * tokens + token] = counts ? 1 : 0
        leftMask[example * tokens + place] = counts ? 1 : 0
        for k in 0..<features {
          let value = stored[(example * tokens + token) * features + k]
          right[(example * tokens + token) * features + k] = counts ? value : .nan
          left[(example * tokens + place) * features + k] = counts ? value : 1e30
          if counts { means[example * features + k] += value / Double(kept[example]) }
        }
      }
    }
    for (name, values, mask) in [("right", right, rightMask), ("left", left, leftMask)] {
      try cka.folder.write(
        NPYFile.bytes(values, shape: [n, tokens, features]), to: "\(name)/h.npy")
      try cka.folder.write(
        NPYFile.bytes(mask, shape: [n, tokens], type: .bool), to: "\(name)-mask.npy")
    }
    let other = Activations64.normal(n: n, p: 5, seed: 8)
    try cka.folder.write(
      NPYFile.bytes(other.values, shape: [n, 5], type: .float64), to: "left/o.npy")
    let options = ["--estimator", "unbiased", "--device", "cpu", "--quiet"]
    try cka.run(
      [
        "compare", "left", "right", "--pool", "mean", "--mask", "left-mask.npy", "--mask2",
        "right-mask.npy",
      ]
        + options
    ).expectSuccess()
    let result = try TestResult(cka)
    let truth = Oracle.cka(
      other, Activations64(n: n, p: features, values: means), unbiased: true)
    // float32 Gram matrices of numbers of order 1: errors of some 2⁻²⁴ of them each.
    #expect(abs(result.cka[0, 0] - 1) < 1e-5)
    #expect(abs(result.cka[1, 0] - truth) < 1e-5, "\(result.cka[1, 0]) \(truth)")
    // As examples: as many as tokens count, in both.
    try cka.run(
      ["compare", "right", "--pool", "tokens", "--mask", "right-mask.npy", "--force"] + options
    ).expectSuccess()
    #expect(try TestResult(cka).cka[0, 0] == 1)
    try cka.run(["compare", "right", "--mask", "right-mask.npy"]).expectUsage("--mask needs --pool")
    try cka.run(["compare", "right", "--pool", "mean", "--mask", "left/o.npy", "--force"])
      .expectFailure(
        65, "expected 1 for tokens and 0 for padding")
  }

  @Test(arguments: ["compare", "converge", "components", "trust"])
  func meanPoolingOfAMapWithoutALayoutIsRefused(command: String) throws {
    try cka.folder.write(
      NPYFile.bytes([Double](repeating: 1, count: 6 * 16 * 50), shape: [6, 16, 50]), to: "conv.npy")
    try cka(command, "conv.npy", "--pool", "mean", "--output", "out").expectFailure(
      64, "conv.npy", "--layout", "layer conv, 6 × 16 × 50",
      "channels-first keeps 16 features, channels-last keeps 50 features")
    try cka.expectNothingWritten()
    let run = try cka.run([command, "conv.npy", "--layout", "channels-last"])
    #expect(run.code == 64 && run.errors.contains("--layout needs --pool mean"))
  }

  @Test func sweepAndProbeNeedALayout() throws {
    try cka.folder.write(
      NPYFile.bytes([Double](repeating: 1, count: 6 * 16 * 50), shape: [6, 16, 50]), to: "conv.npy")
    try cka.folder.write(NPYFile.bytes([0, 1, 0, 1, 0, 1], shape: [6]), to: "y.npy")
    try cka("sweep", "conv.npy", "--pool", "mean", "--output", "out").expectFailure(64, "--layout")
    try cka("probe", "conv.npy", "--labels", "y.npy", "--pool", "mean")
      .expectFailure(64, "--layout")
    try cka.expectNothingWritten()
  }

  @Test func whatHasNoPositionsNeedsNoLayout() throws {
    try cka.folder.write(TestModel(layers: 2).npz, to: "m.npz")
    try cka.run(["compare", "m.npz", "--pool", "mean"] + Self.once).expectSuccess()
    #expect(try TestResult(cka).layers(0).allSatisfy { $0["layout"] == nil })
  }

  /// Layers of one model may lie differently; what its files say stands.
  @Test func layersJSONTellsTheLayout() throws {
    let values = Activations64.normal(n: 24, p: 12, seed: 4).values
    for name in ["a", "b", "c"] {
      try cka.folder.write(NPYFile.bytes(values, shape: [24, 4, 3]), to: "m/\(name).npy")
    }
    let layers = #"{"name": "a", "layout": "channels-first"}, {"name": "b"}, {"name": "c"}"#
    try cka.folder.write(
      #"{"layout": "channels-last", "layers": [\#(layers)]}"#, to: "m/layers.json")
    try cka.run(["compare", "m", "--pool", "mean"] + Self.once).expectSuccess()
    #expect(try TestResult(cka).layers(0).map { $0["features"] as? Int } == [4, 3, 3])
    try cka.folder.write(#"{"layout": "NCHW"}"#, to: "m/layers.json")
    try cka("inspect", "m").expectFailure(
      65, "m/layers.json", "NCHW", "expected channels-first or channels-last")
  }

  // MARK: Choice

  @Test func layersAreExcluded() throws {
    try cka.folder.write(TestModel(["conv1", "relu1", "conv2", "relu2"]).npz, to: "m.npz")
    try cka.run(["compare", "m.npz", "--exclude", "relu*"] + Self.once).expectSuccess()
    #expect(
      try TestResult(cka).layers(0).map { $0["name"] as? String } == ["conv1", "conv2"])
    try cka.run(
      ["compare", "m.npz", "--layers", "*1", "--exclude", "relu*", "--output", "one"] + Self.once
    ).expectSuccess()
    #expect(try TestResult(cka, "one").layers(0).map { $0["name"] as? String } == ["conv1"])
    try cka("compare", "m.npz", "--exclude", "rule*", "--output", "out")
      .expectFailure(64, "m.npz", "no layer matches rule*")
    try cka("compare", "m.npz", "--exclude", "*", "--output", "out")
      .expectFailure(64, "m.npz", "--exclude * leaves no layer")
    try cka.run(["sweep", "m.npz", "--exclude", "relu*", "--output", "store"] + Self.once)
      .expectSuccess()
    try cka.run(["sweep", "m.npz", "--output", "store"] + Self.once)
      .expectFailure(64, "--exclude relu*")
    // Of several models one suffices; a pattern that matches none is likely misspelled.
    try cka.folder.write(TestModel(["conv1", "conv2"]).npz, to: "plain.npz")
    let models = ["sweep", "m.npz", "plain.npz", "--output", "two"]
    for pattern in [["--exclude", "rule*"], ["--layers", "conv*", "--layers", "rule*"]] {
      try cka.run(models + pattern + Self.once)
        .expectFailure(64, "m.npz, plain.npz", "no layer matches rule*")
    }
    #expect(!cka.exists("two"))
    try cka.run(models + ["--exclude", "relu*"] + Self.once).expectSuccess()
  }

  @Test func theSecondModelHasLayersOfItsOwn() throws {
    try cka.folder.write(TestModel(["conv1", "conv2", "fc"]).npz, to: "a.npz")
    try cka.folder.write(TestModel(["block1", "block2", "head"], seed: 2).npz, to: "b.npz")
    try cka.run(
      ["compare", "a.npz", "b.npz", "--layers", "conv*", "--layers2", "head"] + Self.once
    ).expectSuccess()
    let result = try TestResult(cka)
    #expect(try result.layers(0).map { $0["name"] as? String } == ["conv1", "conv2"])
    #expect(try result.layers(1).map { $0["name"] as? String } == ["head"])
    try cka("compare", "a.npz", "b.npz", "--layers2", "conv*", "--output", "out")
      .expectFailure(64, "b.npz", "no layer matches conv*")
    let alone = try cka("compare", "a.npz", "--layers2", "conv*", "--output", "out")
    #expect(alone.code == 64 && alone.errors.contains("there is no MODEL2"), "\(alone.errors)")
  }

  // MARK: Names

  private func names(_ result: String = "cka-result") throws -> [String?] {
    let models = try #require(TestResult(cka, result).json("models") as? [[String: Any]])
    return models.map { $0["name"] as? String }
  }

  @Test func modelsOfOneNameAreToldApart() throws {
    for (path, seed) in [("runA/acts.npz", 1), ("runB/acts.npz", 2), ("runB/acts.safetensors", 3)] {
      let model = TestModel(layers: 2, seed: UInt64(seed))
      try cka.folder.write(path.hasSuffix("npz") ? model.npz : model.safetensors, to: path)
    }
    try cka.run(["compare", "runA/acts.npz", "runB/acts.npz"] + Self.once).expectSuccess()
    #expect(try names() == ["runA/acts", "runB/acts"])
    try cka.run(
      ["compare", "runB/acts.npz", "runB/acts.safetensors", "--output", "kinds"] + Self.once
    ).expectSuccess()
    #expect(try names("kinds") == ["acts.npz", "acts.safetensors"])
    try cka.run(["compare", "runA/acts.npz", "--output", "one"] + Self.once).expectSuccess()
    #expect(try names("one") == ["acts"])
    try cka.run(
      [
        "compare", "runA/acts.npz", "runB/acts.npz", "--name", "first", "--name", "second run",
        "--output", "named",
      ] + Self.once
    ).expectSuccess()
    #expect(try names("named") == ["first", "second run"])
    // Both were called first.
    try cka.run(
      [
        "compare", "runA/acts.npz", "runA/acts.npz", "--name", "first", "--name", "again",
        "--output", "twice",
      ] + Self.once
    ).expectSuccess()
    #expect(try names("twice") == ["first", "again"])
    // Links to files that are called alike where they lie.
    for name in ["c", "d"] {
      try FileManager.default.createDirectory(
        atPath: "\(cka.folder.path)/\(name)", withIntermediateDirectories: false)
    }
    for (link, target) in [("c/m.npz", "../runA/acts.npz"), ("d/m.npz", "../runB/acts.npz")] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(cka.folder.path)/\(link)", withDestinationPath: target)
    }
    try cka.run(["compare", "c/m.npz", "d/m.npz", "--output", "links"] + Self.once).expectSuccess()
    #expect(try names("links") == ["c/m", "d/m"])
  }

  @Test(arguments: [
    ["compare", "m.npz", "n.npz", "--name", "one"], ["compare", "m.npz", "--name", ""],
    ["trust", "m.npz", "n.npz", "--name", "x", "--name", "x"],
    ["sweep", "m.npz", "n.npz", "--output", "out", "--name", "x"],
    ["probe", "m.npz", "--labels", "y.npy", "--name", "x", "--name", "y"],
  ])
  func namesAreOneAModel(words: [String]) throws {
    for name in ["m", "n"] { try cka.folder.write(TestModel(layers: 2).npz, to: "\(name).npz") }
    let run = try cka.run(words)
    #expect(run.code == 64 && run.errors.hasPrefix("Error: --name"), "\(run.errors)")
    try cka.expectNothingWritten()
  }

  @Test func aSweepTakesNames() throws {
    for (name, seed) in [("m", 1), ("n", 2), ("o", 3)] {
      try cka.folder.write(TestModel(layers: 2, seed: UInt64(seed)).npz, to: "\(name).npz")
    }
    let common = ["--output", "store"] + Self.once
    try cka.run(["sweep", "m.npz", "n.npz", "--name", "x", "--name", "y"] + common).expectSuccess()
    try cka.run(["sweep", "o.npz", "--name", "y"] + common).expectFailure(
      64, "o.npz", "--name y is the name of n.npz")
    try cka.run(["sweep", "m.npz", "--name", "z"] + common).expectFailure(
      64, "m.npz", "is called x in the store", "--name z")
    try cka.run(["sweep", "o.npz", "--name", "z"] + common).expectSuccess()
    #expect(try cka.contents(of: "store/results/pairs").contains("x--z"))
  }

  // MARK: Examples with NaN

  /// Sixty examples; layer `bad` has a NaN in example 3.
  private func writeModelWithNaN() throws -> TestModel {
    var model = TestModel(["good", "bad", "other"], n: 60)
    model.layers[1].activations.values[3 * model.layers[1].activations.p + 2] = .nan
    try cka.folder.write(model.npz, to: "m.npz")
    return model
  }

  private static let all = ["--estimator", "unbiased", "--device", "cpu"]

  @Test func messagesCountNaNs() throws {
    var model = try writeModelWithNaN()
    let run = try cka.run(["compare", "m.npz"] + Self.all)
    run.expectSuccess(messages: 1)
    let words =
      "layer bad is undefined: non-finite: 1 value in 1 of 60 examples (example 3) is NaN or infinite"
    #expect(run.errors.contains(words), "\(run.errors)")
    let found = try #require(TestResult(cka).layers(0)[1]["nonFinite"] as? [String: Any])
    #expect(found["values"] as? Int == 1 && found["examples"] as? Int == 1)
    #expect(found["compared"] as? Int == 60 && found["first"] as? [Int] == [3])
    #expect(try TestResult(cka).layers(0)[0]["nonFinite"] == nil)
    for example in 10..<20 {
      for feature in 0..<2 {
        model.layers[1].activations.values[example * model.layers[1].activations.p + feature] =
          feature == 0 ? .infinity : -.infinity
      }
    }
    try cka.folder.write(model.npz, to: "m.npz")
    for command in ["compare", "converge", "components", "trust"] {
      let estimator = command == "compare" ? ["--estimator", "unbiased"] : []
      let run = try cka.run(
        [command, "m.npz", "--device", "cpu", "--output", "\(command)-out"] + estimator)
      #expect(run.code == 0, "\(run.errors)")
      #expect(
        run.errors.contains(
          "21 values in 11 of 60 examples (examples 3, 10, 11, 12, 13, 14, 15, 16 and 3 more) are NaN or infinite"
        ),
        "\(run.errors)")
    }
  }

  /// The result is that of the examples that are left, to the bit.
  @Test func examplesWithNaNsAreDropped() throws {
    let model = try writeModelWithNaN()
    var rest = model
    for index in rest.layers.indices {
      let layer = rest.layers[index].activations
      let kept = layer.values.enumerated().filter { $0.offset / layer.p != 3 }.map(\.element)
      rest.layers[index].activations = Activations64(n: 59, p: layer.p, values: kept)
    }
    try cka.folder.write(rest.npz, to: "rest.npz")
    try cka.run(["compare", "rest.npz", "--output", "rest", "--quiet"] + Self.all).expectSuccess()
    let run = try cka.run(["compare", "m.npz", "--drop-examples", "non-finite"] + Self.all)
    run.expectSuccess(messages: 1)
    #expect(
      run.errors.contains("m.npz: 1 of 60 examples have NaN or infinity and are left out: 3"),
      "\(run.errors)")
    let result = try TestResult(cka)
    #expect(result.cka == (try TestResult(cka, "rest").cka))
    #expect(result.json("examples", "nonFinite") as? [Int] == [3])
    #expect(result.json("examples", "used") as? Int == 59)
    // The layer is not chosen: nothing is dropped.
    try cka.run(
      ["compare", "m.npz", "--drop-examples", "non-finite", "--exclude", "bad", "--output", "two"]
        + Self.all
    ).expectSuccess()
    #expect(try TestResult(cka, "two").json("examples", "nonFinite") as? [Int] == [])
    // What the second model lacks is dropped from the first.
    try cka.folder.write(TestModel(layers: 2, n: 60, seed: 9).npz, to: "whole.npz")
    for command in ["compare", "converge", "components", "trust"] {
      try cka(
        command, "whole.npz", "m.npz", "--drop-examples", "non-finite", "--device", "cpu",
        "--output", "\(command)-out", "--quiet"
      ).expectSuccess()
    }
    let sweep = try cka.run(
      ["sweep", "whole.npz", "m.npz", "--drop-examples", "non-finite", "--output", "store"]
        + Self.all)
    sweep.expectSuccess(messages: 1)
    #expect(sweep.errors.contains("1 of 60 examples have NaN or infinity"), "\(sweep.errors)")
    let pair = try cka.bytes("store/results/pairs/whole--m/result.json")
    #expect(String(decoding: pair, as: UTF8.self).contains("\"nonFinite\" : [\n      3\n    ]"))
    try cka.folder.write(NPYFile.bytes((0..<60).map { Double($0 % 2) }, shape: [60]), to: "y.npy")
    try cka(
      "probe", "m.npz", "--labels", "y.npy", "--drop-examples", "non-finite", "--device", "cpu",
      "--quiet"
    ).expectSuccess()
  }

  @Test func notAllExamplesAreDropped() throws {
    var model = TestModel(["a", "b"], n: 12)
    for index in model.layers[0].activations.values.indices {
      model.layers[0].activations.values[index] = .nan
    }
    try cka.folder.write(model.npz, to: "m.npz")
    try cka("compare", "m.npz", "--drop-examples", "non-finite").expectFailure(
      65, "m.npz", "all 12 examples have NaN or infinity", "--exclude")
    try cka.expectNothingWritten()
  }
}
