import Foundation
import TestSupport
import Testing

/// `cka compare` on models that are whole.
struct CompareTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  /// Names that a shell, CSV, XML or a terminal would trip over.
  static let names = [
    "plain", "a,b", "say \"hi\"", "two\nlines", "tab\tbed", "carriage\r\nreturn", "Größe 層 🙂",
    "<b>&amp;</b>", "]]>", "bell\u{7}", "\u{1B}[31mred", "\u{FFFE}", "\u{202E}backwards",
    " spaces ", "=1+1", "a/b/../c", "-n", "%s%n", "e\u{301}",
  ]

  @Test func writesAWholeResult() throws {
    try cka.folder.write(TestModel(Self.names, n: 50).npz, to: "m.npz")
    let run = try cka(
      "compare", "m.npz", "--device", "cpu", "--batch-size", "16", "--seed", "7", "--passes", "2")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("2 of 50 examples"))
    #expect(try cka.contents() == ["cka-result", "m.npz"])

    let result = try TestResult(cka)
    #expect(result.cka.rows == 19 && result.cka.columns == 19)
    #expect(result.csv.map { $0[0] } == [""] + Self.names)
    #expect(Array(result.csv[0].dropFirst()) == Self.names)
    for i in 0..<19 {
      #expect(result.cka[i, i] == 1)
      for j in 0..<19 {
        #expect(abs(result.cka[i, j]) <= 1)
        #expect(result.cka[i, j] == result.cka[j, i])
      }
    }
    #expect(result.z?.rows == 19 && result.z?.columns == 19)
  }

  @Test func describesTheResult() throws {
    let a = try TestModel(layers: 3, n: 50).write(to: "a", in: cka.folder)
    let b = try TestModel(layers: 2, n: 50, seed: 2).write(to: "b", in: cka.folder)
    let ids = sampleIDs(Array(100..<150))
    try cka.folder.write(ids, to: "a/layers.json")
    try cka.folder.write(ids, to: "b/layers.json")
    try cka(
      "compare", a, b, "--device", "cpu", "--batch-size", "16", "--passes", "2", "--seed", "9"
    ).expectSuccess(messages: 1)

    let result = try TestResult(cka)
    #expect(result.cka.rows == 3 && result.cka.columns == 2)
    #expect(result.json("format") as? String == "cka-result/1")
    #expect(result.json("version") as? String != nil)
    #expect(result.json("estimator", "name") as? String == "minibatch")
    #expect(result.json("estimator", "batchSize") as? Int == 16)
    #expect(result.json("estimator", "passes") as? Int == 2)
    #expect(result.json("estimator", "order") as? String == "shuffled")
    #expect(result.json("estimator", "seed") as? Int == 9)
    #expect(result.json("estimator", "ragged") as? String == "drop")
    #expect(result.json("kernel", "name") as? String == "linear")
    #expect(result.json("device", "id") as? String == "cpu")
    #expect(result.json("device", "minibatches") as? Int == 6)
    #expect(result.json("examples", "total") as? Int == 50)
    #expect(result.json("examples", "used") as? Int == 48)
    #expect(result.json("examples", "dropped") as? Int == 2)
    #expect(result.json("hasSignificance") as? Bool == true)
    for stage in ["open", "gram", "pairs", "total"] {
      #expect(try #require(result.json("timings", stage) as? Double) >= 0)
    }
    #expect(try result.layers(0).map { $0["name"] as? String } == ["layer0", "layer1", "layer2"])
    #expect(try result.layers(1).map { $0["status"] as? String } == ["ok", "ok"])
    #expect(try result.layers(1)[1]["shape"] as? [Int] == [50, 4])
    #expect(try result.layers(0)[0]["scalarType"] as? String == "float32")
  }

  @Test func pairsExamplesByIDAndDrawsSome() throws {
    let model = TestModel(layers: 2, n: 30)
    let a = try model.write(to: "a", in: cka.folder)
    var turned = model
    for index in turned.layers.indices {
      turned.layers[index].activations =
        model.layers[index].activations.rows(Array((0..<30).reversed()))
    }
    let b = try turned.write(to: "b", in: cka.folder)
    let ids = (0..<30).map { "image \($0)\n" }
    try cka.folder.write(ids.joined(), to: "a/examples.txt")
    try cka.folder.write(ids.reversed().joined(), to: "b/examples.txt")
    try cka("compare", a, b, "--device", "cpu").expectFailure(
      65, "b: example 0 is", "image 29", "the same IDs in another order")

    try cka(
      "compare", a, b, "--device", "cpu", "--align", "ids", "--examples", "20", "--estimator",
      "unbiased"
    ).expectSuccess(messages: 0)
    let result = try TestResult(cka)
    #expect(result.json("examples", "total") as? Int == 30)
    #expect(result.json("examples", "used") as? Int == 20)
    #expect(result.json("examples", "limit") as? Int == 20)
    #expect(result.json("examples", "alignment") as? String == "ids")
    #expect(result.cka[0, 0] == 1 && result.cka[1, 1] == 1)
  }

  @Test(
    arguments: [
      (["--estimator", "biased"], false, nil), (["--estimator", "unbiased"], true, nil),
      (["--kernel", "rbf"], true, 1), (["--kernel", "rbf", "--bandwidth", "0.5"], true, 0.5),
      (["--kernel", "rbf", "--sigma", "2"], true, nil),
    ] as [([String], Bool, Double?)])
  func offersEstimatorsAndKernels(options: [String], isUnbiased: Bool, multiple: Double?) throws {
    try cka.folder.write(TestModel(layers: 3).npz, to: "m.npz")
    let run = try cka.run(["compare", "m.npz", "--device", "cpu", "--quiet"] + options)
    run.expectSuccess()
    let result = try TestResult(cka)
    #expect((result.z != nil) == isUnbiased)
    #expect(result.json("hasSignificance") as? Bool == isUnbiased)
    #expect(result.json("kernel", "medianMultiple") as? Double == multiple)
    let sigmas = try result.layers(0).map { $0["sigma"] as? Double }
    if options.contains("--sigma") {
      #expect(sigmas == [2, 2, 2])
    } else {
      #expect(sigmas.allSatisfy { ($0 != nil) == options.contains("rbf") })
    }
  }

  @Test func agreesWithTheOracle() throws {
    let model = TestModel(layers: 3, n: 30)
    try cka.folder.write(model.safetensors, to: "m.safetensors")
    try cka("compare", "m.safetensors", "--device", "cpu", "--estimator", "biased", "--quiet")
      .expectSuccess()
    let result = try TestResult(cka)
    for i in 0..<3 {
      for j in 0..<3 {
        let expected = Oracle.cka(
          model.layers[i].activations, model.layers[j].activations, unbiased: false)
        #expect(abs(result.cka[i, j] - expected) < 1e-5)
      }
    }
  }

  @Test func separatesResultsFromMessages() throws {
    try cka.folder.write(TestModel(layers: 3, n: 50).npz, to: "m.npz")
    let options = ["compare", "m.npz", "--device", "cpu", "--batch-size", "16", "--force"]
    let run = try cka.run(options)
    run.expectSuccess(messages: 1)
    #expect(run.output.contains("layer0") && run.output.contains("written to cka-result"))
    #expect(!(run.output + run.errors).contains("\u{1B}"), "an escape without a terminal")
    #expect(!run.errors.contains("\r"), "a progress bar without a terminal")

    let quiet = try cka.run(options + ["--quiet"])
    quiet.expectSuccess()
    #expect(quiet.output.isEmpty)
  }

  @Test func choosesLayersAndPools() throws {
    let values = Activations64.normal(n: 20, p: 12, seed: 3).values
    try cka.folder.write(NPYFile.bytes(values, shape: [20, 3, 2, 2]), to: "m/conv1.npy")
    try cka.folder.write(NPYFile.bytes(values, shape: [20, 3, 2, 2]), to: "m/conv2.npy")
    try cka.folder.write(NPYFile.bytes(values, shape: [20, 12]), to: "m/fc.npy")
    try cka(
      "compare", "m", "--layers", "conv*", "--pool", "mean", "--layout", "channels-first",
      "--device",
      "cpu", "--quiet"
    ).expectSuccess()
    let result = try TestResult(cka)
    #expect(try result.layers(0).map { $0["name"] as? String } == ["conv1", "conv2"])
    #expect(try result.layers(0).map { $0["features"] as? Int } == [3, 3])
    #expect(result.json("pooling") as? String == "mean")
  }

  @Test func repeatsItselfToTheBit() throws {
    try TestModel(layers: 5, n: 300).write(to: "m", in: cka.folder)
    for output in ["one", "two"] {
      try cka(
        "compare", "m", "--device", "cpu", "--batch-size", "32", "--quiet", "--output", output
      ).expectSuccess()
    }
    let one = try TestResult(cka, "one")
    let two = try TestResult(cka, "two")
    for name in ["cka.npy", "cka.csv", "z.npy", "heatmap.png", "heatmap.svg"] {
      #expect(one.bytes[name] != nil && one.bytes[name] == two.bytes[name], "\(name)")
    }
  }
}
