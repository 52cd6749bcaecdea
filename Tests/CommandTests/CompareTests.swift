import Foundation
import FoundationXML
import TestSupport
import Testing

@Suite struct CompareTests {
  private static let files = [
    "cka.csv", "cka.npy", "heatmap.png", "heatmap.svg", "result.json", "z.npy",
  ]

  /// Names that a careless writer of CSV, JSON, SVG or messages stumbles over.
  private static let names = [
    "a,b", "say \"hi\"", "two\nlines", "<b>&amp;</b>", "größe/层", "tab\there", "=1+1", "plain",
  ]

  private func nastyModel(_ folder: TemporaryFolder, _ name: String) throws {
    let x = Activations64.normal(n: 24, p: 5, seed: 3)
    let tensors = Self.names.enumerated().map { index, name in
      let own = Activations64.normal(n: 24, p: 3 + index, seed: UInt64(index))
      let values = x.mixed(into: own, weight: 1).values
      return (
        name.replacingOccurrences(of: "\"", with: "\\\"")
          .replacingOccurrences(of: "\n", with: "\\n")
          .replacingOccurrences(of: "\t", with: "\\t"), [24, 3 + index], values
      )
    }
    try folder.write(SafetensorsFile.bytes(tensors), to: name)
  }

  @Test func writesEveryFile() throws {
    let folder = try TemporaryFolder()
    try nastyModel(folder, "a.safetensors")
    try folder.writeModel("b", examples: 24)
    let result = try Command.compare(["a.safetensors", "b", "--batch-size", "10"], in: folder)
    #expect(result.status == 0)
    #expect(
      result.messages == [
        "cka: 4 of 24 examples do not fill a minibatch and are left out of each pass"
      ])
    #expect(result.output.contains("8 × 3 layers") && result.output.contains("cka-result"))
    #expect(!result.output.contains("\u{1B}"))
    #expect(try folder.contents("cka-result") == Self.files)
    #expect(try folder.contents() == ["a.safetensors", "b", "cka-result"])

    let values = try scores(folder.data("cka-result/cka.npy"))
    #expect(values.count == 24 && values.allSatisfy { abs($0) <= 1 })
    let csv = fields(ofCSV: String(decoding: try folder.data("cka-result/cka.csv"), as: UTF8.self))
    #expect(csv.map(\.[0]) == [""] + Self.names)
    #expect(csv[0] == ["", "conv1", "logits", "relu1"])
    #expect(csv.dropFirst().flatMap { $0.dropFirst() }.map { Double($0) } == values)
    #expect(try folder.data("cka-result/heatmap.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(XMLParser(data: try folder.data("cka-result/heatmap.svg")).parse())

    let json = try #require(
      JSONSerialization.jsonObject(with: folder.data("cka-result/result.json")) as? [String: Any])
    #expect(json["format"] as? String == "cka-result/1")
    let estimator = try #require(json["estimator"] as? [String: Any])
    #expect(estimator["name"] as? String == "minibatch" && estimator["batchSize"] as? Int == 10)
    #expect(estimator["order"] as? String == "shuffled" && estimator["seed"] as? Int == 0)
    let examples = try #require(json["examples"] as? [String: Any])
    #expect(examples["used"] as? Int == 20 && examples["dropped"] as? Int == 4)
    let models = try #require(json["models"] as? [[String: Any]])
    let layers = try #require(models[0]["layers"] as? [[String: Any]])
    #expect(layers.map { $0["name"] as? String } == Self.names)
    #expect(layers.allSatisfy { $0["status"] as? String == "ok" })
    #expect((json["device"] as? [String: Any])?["id"] as? String == "cpu")
    #expect((json["timings"] as? [String: Any])?.count == 6)
  }

  @Test func quietMeansQuiet() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 10)
    let result = try Command.compare(["m", "--quiet"], in: folder)
    #expect(result.status == 0 && result.output.isEmpty && result.errors.isEmpty)
  }

  @Test func twoRunsGiveTheSameBits() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 100, features: 700)
    for name in ["r1", "r2"] {
      let result = try Command.compare(
        ["m", "--batch-size", "16", "--passes", "3", "--output", name], in: folder)
      #expect(result.status == 0)
    }
    for file in ["cka.npy", "cka.csv", "z.npy", "heatmap.png", "heatmap.svg"] {
      #expect(try folder.data("r1/\(file)") == folder.data("r2/\(file)"))
    }
  }

  @Test func badLayersBlankTheirOwnCells() throws {
    let folder = try TemporaryFolder()
    let layers = ["good1", "nan", "good2", "inf", "same"]
    try folder.writeModel("m", layers: layers) { layer, values in
      if layer == "nan" { values[77] = .nan }
      if layer == "inf" { values[5] = -.infinity }
      if layer == "same" { values = values.map { _ in 0.3 } }
    }
    try folder.writeModel("n", layers: layers)
    for bad in ["nan", "inf", "same"] {
      try FileManager.default.removeItem(atPath: folder.path + "/n/\(bad).npy")
    }
    let result = try Command.compare(["m", "--order", "stored", "--output", "r"], in: folder)
    #expect(result.status == 0)
    #expect(
      result.messages.filter { $0.contains("warning") } == [
        "cka: warning: m: layer inf is left undefined: non-finite: it holds NaN or infinity",
        "cka: warning: m: layer nan is left undefined: non-finite: it holds NaN or infinity",
        "cka: warning: m: layer same is left undefined: constant: every example has the same "
          + "activations",
      ])
    #expect(!result.output.lowercased().contains("nan "))
    let csv = fields(ofCSV: String(decoding: try folder.data("r/cka.csv"), as: UTF8.self))
    let order = ["good1", "good2", "inf", "nan", "same"]
    #expect(csv[0] == [""] + order)
    for (i, row) in order.enumerated() {
      for (j, column) in order.enumerated() {
        let isGood = row.hasPrefix("good") && column.hasPrefix("good")
        #expect(csv[i + 1][j + 1].isEmpty == !isGood)
      }
    }
    let values = try scores(folder.data("r/cka.npy"))
    #expect(values.filter(\.isNaN).count == 21)
    // The same numbers as without the bad layers, to the bit.
    try folder.writeModel("good", layers: ["good1", "x", "good2"])
    try FileManager.default.removeItem(atPath: folder.path + "/good/x.npy")
    let clean = try Command.compare(["good", "--order", "stored", "--output", "g"], in: folder)
    #expect(clean.status == 0)
    #expect(try scores(folder.data("g/cka.npy")) == values.filter { !$0.isNaN })
    let json = String(decoding: try folder.data("r/result.json"), as: UTF8.self)
    #expect(json.contains("\"non-finite\"") && json.contains("\"constant\""))
  }

  @Test func noCellLeft() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", layers: ["a", "b"]) { _, values in values = values.map { _ in 1 } }
    let result = try Command.compare(["m"], in: folder)
    #expect(result.status == 65)
    #expect(
      result.messages.last
        == "cka: error: no pair of layers has a value; nothing was written")
    #expect(try folder.contents() == ["m"])
  }

  @Test(arguments: [("minibatch", 3, 4), ("unbiased", 2, 4), ("biased", 1, 2)])
  func tooFewExamples(estimator: String, n: Int, least: Int) throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: n)
    let result = try Command.compare(["m", "--estimator", estimator], in: folder)
    #expect(result.status == 65)
    #expect(
      result.messages.last
        == "cka: error: m has \(n) examples: the \(estimator) estimator needs at least \(least)")
    #expect(try folder.contents() == ["m"])
  }

  @Test func warnsOfBiasedWithFewExamples() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", examples: 20, features: 300)
    let result = try Command.compare(["m", "--estimator", "biased"], in: folder)
    #expect(result.status == 0)
    #expect(result.messages.count == 1 && result.errors.contains("consider --estimator unbiased"))
  }

  @Test func choosesLayersAndPools() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", layers: ["conv1", "conv2", "bn1", "fc"], examples: 12)
    let result = try Command.compare(
      ["m", "--layers", "conv*", "--layers", "fc", "--pool", "mean"], in: folder)
    #expect(result.status == 0)
    let csv = fields(
      ofCSV: String(decoding: try folder.data("cka-result/cka.csv"), as: UTF8.self))
    #expect(csv[0] == ["", "conv1", "conv2", "fc"])
    let none = try Command.compare(["m", "--layers", "x*", "--output", "o"], in: folder)
    #expect(none.status == 64 && none.errors == "cka: error: m: no layer matches x*\n")
  }

  /// The tool counts on standard output being closed only after the result is there.
  @Test func aClosedPipeLosesNothing() throws {
    let folder = try TemporaryFolder()
    try folder.writeModel("m", layers: (0..<60).map { "layer\($0)" }, examples: 12)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "'\(Command.path)' compare --device cpu m 2>/dev/null | head -c 1 >/dev/null",
    ]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    try process.run()
    process.waitUntilExit()
    #expect(try folder.contents("cka-result") == Self.files)
  }
}
