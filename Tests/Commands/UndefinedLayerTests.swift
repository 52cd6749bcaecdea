import TestSupport
import Testing

/// Layers without values take nothing from the others.
struct UndefinedLayerTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  /// Four good layers, and a bad one in second place.
  private func models(_ bad: Double?, isAt example: Int?) -> (good: TestModel, all: TestModel) {
    let good = TestModel(layers: 4)
    var layer = Activations64.normal(n: 24, p: 6, seed: 77)
    for index in layer.values.indices where example == nil || index / layer.p == example {
      layer.values[index] = bad ?? 0
    }
    var all = good
    all.layers.insert(("bad", layer), at: 1)
    return (good, all)
  }

  private static let options = ["--device", "cpu", "--batch-size", "24"]

  @Test(
    arguments: [
      (Double.nan, 3, "non-finite", "6 values in 1 of 24 examples (example 3) are NaN or infinite"),
      (.infinity, 0, "non-finite", "6 values in 1 of 24 examples (example 0) are NaN or infinite"),
      (-.infinity, 23, "non-finite", "6 values in 1 of 24 examples (example 23) are NaN"),
      (2.5, nil, "constant", "every example has the same activations"),
      (0, nil, "constant", "every example has the same activations"),
    ] as [(Double, Int?, String, String)], ["linear", "rbf"])
  func blankTheirOwnRowAndColumnOnly(
    bad: (value: Double, example: Int?, status: String, words: String), kernel: String
  ) throws {
    let models = models(bad.value, isAt: bad.example)
    try cka.folder.write(models.good.npz, to: "good.npz")
    try cka.folder.write(models.all.npz, to: "all.npz")
    let options = Self.options + ["--kernel", kernel]
    try cka.run(["compare", "good.npz", "--output", "good"] + options).expectSuccess()
    let run = try cka.run(["compare", "all.npz", "--output", "all"] + options)
    run.expectSuccess(messages: 1)
    for words in ["cka: warning: all.npz: layer bad ", bad.status, bad.words] {
      #expect(run.errors.contains(words), "\(run.errors)")
    }
    #expect(!run.output.lowercased().contains("nan"))

    let good = try TestResult(cka, "good")
    let all = try TestResult(cka, "all")
    #expect(
      try all.layers(0).map { $0["status"] as? String } == ["ok", bad.status, "ok", "ok", "ok"])
    let places = [0, 2, 3, 4]
    for i in 0..<5 {
      #expect(all.cka[i, 1].isNaN && all.cka[1, i].isNaN)
      #expect(all.csv[i + 1][2].isEmpty && all.csv[2][i + 1].isEmpty)
    }
    for (i, place) in places.enumerated() {
      for (j, other) in places.enumerated() {
        #expect(all.cka[place, other].bitPattern == good.cka[i, j].bitPattern)
        #expect(all.z?[place, other].bitPattern == good.z?[i, j].bitPattern)
      }
    }
    let cells = try #require(all.json("undefinedCells") as? [[String: Any]])
    #expect(cells.count == 9 && cells.allSatisfy { $0["status"] as? String == bad.status })
  }

  @Test func areNamedInBothModels() throws {
    let models = models(.nan, isAt: 5)
    try cka.folder.write(models.all.npz, to: "a/m.npz")
    try cka.folder.write(models.all.npz, to: "b/m.npz")
    let run = try cka.run(["compare", "a/m.npz", "b/m.npz"] + Self.options)
    run.expectSuccess(messages: 2)
    #expect(run.errors.contains("a/m.npz: layer bad") && run.errors.contains("b/m.npz: layer bad"))
  }

  @Test func nameTheirNames() throws {
    var model = models(.nan, isAt: 5).all
    model.layers[1].name = "two\nlines \u{1B}[31m"
    try cka.folder.write(model.npz, to: "m.npz")
    let run = try cka.run(["compare", "m.npz"] + Self.options)
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("two\\nlines") && !run.errors.contains("\u{1B}"))
    #expect(!run.output.contains("\u{1B}"))
  }

  @Test func mayNotBeAll() throws {
    var model = TestModel(layers: 2)
    for index in 0..<2 { model.layers[index].activations.values[3] = .nan }
    try cka.folder.write(model.npz, to: "m.npz")
    let run = try cka.run(["compare", "m.npz"] + Self.options)
    #expect(run.code == 65 && run.output.isEmpty)
    #expect(run.errorLines.count == 3, "\(run.errors)")
    #expect(run.errorLines[2].hasPrefix("cka: error: m.npz: no pair of layers has a value"))
    try cka.run(["compare", "m.npz", "--quiet"] + Self.options).expectFailure(65, "m.npz", "value")
    try cka.expectNothingWritten()
  }

  @Test(arguments: [
    (3, "minibatch", "4"), (1, "unbiased", "4"), (2, "minibatch", "4"), (1, "biased", "2"),
  ])
  func fewExamplesAreTooFew(n: Int, estimator: String, least: String) throws {
    try cka.folder.write(TestModel(layers: 2, n: n).npz, to: "m.npz")
    let run = try cka("compare", "m.npz", "--estimator", estimator, "--device", "cpu")
    run.expectFailure(
      65, "m.npz", "has \(n) example", "the \(estimator) estimator needs at least \(least)")
    try cka.expectNothingWritten()
  }

  @Test func medianOfZeroIsNoBandwidth() throws {
    var model = TestModel(layers: 2)
    for index in model.layers[1].activations.values.indices {
      // All but two examples alike.
      model.layers[1].activations.values[index] = index < 8 ? Double(index) : 1
    }
    try cka.folder.write(model.npz, to: "m.npz")
    let run = try cka.run(["compare", "m.npz", "--kernel", "rbf"] + Self.options)
    run.expectSuccess(messages: 1)
    #expect(
      run.errors.contains("layer1 is undefined: non-finite: the median distance is zero"))
    // Its numbers are finite, and its distances are not zero.
    for bandwidth in ["1e300", "1e-300"] {
      let far = try cka(
        "compare", "m.npz", "--kernel", "rbf", "--bandwidth", bandwidth, "--device", "cpu",
        "--output", "far-\(bandwidth)")
      #expect(
        far.errors.contains("layer0 is undefined: non-finite: the median distance times"),
        "\(far.errors)")
    }
  }

  @Test(arguments: ["1e-300", "1e300"]) func sigmaMayBeAbsurd(sigma: String) throws {
    try cka.folder.write(TestModel(layers: 1).npz, to: "m.npz")
    let run = try cka.run(
      ["compare", "m.npz", "--kernel", "rbf", "--sigma", sigma] + Self.options)
    #expect(run.code == 65 && run.errors.contains("--sigma"), "\(run.errors)")
    try cka.expectNothingWritten()
  }
}
