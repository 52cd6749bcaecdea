import Activations
import Foundation
import TestSupport
import Testing

/// `cka probe` as its users run it. The numbers: `Tests/Analyses/Probe`.
struct ProbeCommandTests {
  let cka: Cka
  private static let n = 60

  init() throws {
    cka = try Cka()
    // A feature of the first layer is the class; the second layer knows nothing of it.
    var values = Activations64.normal(n: Self.n, p: 4, seed: 1).values
    for i in 0..<Self.n { values[i * 4] = Double(i % 3) * 10 }
    try cka.folder.write(NPYFile.bytes(values, shape: [Self.n, 4]), to: "m/layer1.npy")
    let noise = Activations64.normal(n: Self.n, p: 90, seed: 2).values
    try cka.folder.write(NPYFile.bytes(noise, shape: [Self.n, 90]), to: "m/layer2.npy")
    try labels((0..<Self.n).map { Double($0 % 3) }, "y.npy")
  }

  private func labels(_ values: [Double], _ name: String) throws {
    try cka.folder.write(NPYFile.bytes(values, shape: [values.count], type: .int64), to: name)
  }

  private func probe(_ options: String...) throws -> Run {
    try cka.run(["probe", "m", "--device", "cpu"] + options)
  }

  @Test func filesSayTheSame() throws {
    let run = try probe("--labels", "y.npy")
    run.expectSuccess()
    #expect(
      try cka.contents(of: "cka-probe") == [
        "probe.csv", "probe.json", "probe.pdf", "probe.png", "probe.svg",
      ])
    let csv = try parseCSV(
      #require(String(validating: cka.bytes("cka-probe/probe.csv"), as: UTF8.self)))
    #expect(csv.map { $0[0] } == ["layer", "layer1", "layer2"])
    #expect(csv[1][3] == "1.0" && csv[1][9] == "features" && csv[2][9] == "gram")
    let object = try JSONSerialization.jsonObject(with: Data(cka.bytes("cka-probe/probe.json")))
    let json = try #require(object as? [String: Any])
    #expect(json["format"] as? String == "cka-probe/1")
    #expect(json["classes"] as? [Int] == [0, 1, 2])
    let layers = try #require(json["layers"] as? [[String: Any]])
    for (row, layer) in zip(csv.dropFirst(), layers) {
      let accuracy = try #require(layer["testAccuracy"] as? Double)
      #expect(abs(try #require(Double(row[3])) - accuracy) < 1e-12)
      #expect(
        (layer["low"] as? Double ?? 2) <= accuracy && accuracy <= (layer["high"] as? Double ?? 0))
    }
    #expect(isXML(try cka.bytes("cka-probe/probe.svg")))
    #expect(lines(run.output).count == 5 && run.output.contains("3 classes, 45 training"))
    // The same seed gives the same numbers, another another split.
    try probe("--labels", "y.npy", "--output", "again", "--quiet").expectSuccess()
    #expect(try cka.bytes("again/probe.csv") == cka.bytes("cka-probe/probe.csv"))
    try probe("--labels", "y.npy", "--output", "other", "--seed", "1", "--quiet").expectSuccess()
    #expect(try cka.bytes("other/probe.csv") != cka.bytes("cka-probe/probe.csv"))
  }

  @Test func labelsOfEveryWholeTypeAreRead() throws {
    try probe("--labels", "y.npy", "--quiet").expectSuccess()
    let wanted = try cka.bytes("cka-probe/probe.csv")
    for type in [.int8, .int16, .int32] as [ScalarType] {
      let values = (0..<Self.n).map { Double($0 % 3) }
      let bytes = NPYFile.bytes(
        values, shape: [Self.n, 1], type: type, bigEndian: type == .int32)
      try cka.folder.write(bytes, to: "\(type).npy")
      try probe("--labels", "\(type).npy", "--quiet", "--output", "\(type)").expectSuccess()
      #expect(try cka.bytes("\(type)/probe.csv") == wanted)
    }
  }

  @Test func unusableLabelsAreNamed() throws {
    func fails(_ values: [Double], _ words: String...) throws {
      try labels(values, "bad.npy")
      try probe("--labels", "bad.npy").expectFailure(65, ["bad.npy: "] + words)
    }
    try fails(Array(repeating: 1, count: 59), "found 59 labels, expected 60")
    try fails(Array(repeating: 1, count: 60), "only the class 1", "at least 2 classes")
    try fails([7] + Array(repeating: 1, count: 59), "the class 7 has 1 example")
    try cka.folder.write(
      NPYFile.bytes(Array(repeating: 1.5, count: 60), shape: [60]), to: "floats.npy")
    try probe("--labels", "floats.npy").expectFailure(
      65, "floats.npy: example 0: found the label 1.5")
    try cka.folder.write(
      NPYFile.bytes(Array(repeating: 1, count: 120), shape: [60, 2], type: .int8), to: "two.npy")
    try probe("--labels", "two.npy").expectFailure(65, "two.npy: found labels of the shape 60 × 2")
    try probe("--labels", "gone.npy").expectFailure(66, "gone.npy")
    try probe("--labels", "y.npy", "--penalty", "0").expectUsage("--penalty is 0")
    try probe("--labels", "y.npy", "--test-fraction", "1").expectUsage("--test-fraction is 1")
    #expect(!cka.exists("cka-probe"))
  }

  /// Blocks as `compare` writes them beside a map of one model.
  @Test func blocksAreShaded() throws {
    try cka.folder.write(TestModel(layers: 3, n: Self.n).npz, to: "three.npz")
    try cka("compare", "three.npz", "--device", "cpu", "--output", "r", "--quiet").expectSuccess()
    let whole = try String(decoding: cka.bytes("r/result.json"), as: UTF8.self)
    func result(first: Int, last: Int) throws {
      let block = """
        "blocks": [{"first": \(first), "last": \(last), "firstLayer": "", "lastLayer": "", "size": 2, \
        "meanInside": 1, "meanOutside": 0, "contrast": 1, "p": 0.01}],
        """
      try cka.folder.write("{\(block)\(whole.dropFirst())", to: "r/result.json")
    }
    try probe("--labels", "y.npy", "--blocks", "r", "--output", "x").expectFailure(
      65, "r/result.json", "contains no blocks")
    try result(first: 0, last: 1)
    try probe("--labels", "y.npy", "--quiet", "--output", "plain").expectSuccess()
    try probe("--labels", "y.npy", "--quiet", "--blocks", "r").expectSuccess()
    let object = try JSONSerialization.jsonObject(with: Data(cka.bytes("cka-probe/probe.json")))
    let blocks = try #require((object as? [String: Any])?["blocks"] as? [[String: Int]])
    // Of the block's layers the model has the second, which is its first.
    #expect(blocks == [["first": 0, "last": 0]])
    #expect(try cka.bytes("cka-probe/probe.csv") == cka.bytes("plain/probe.csv"))
    #expect(try cka.bytes("cka-probe/probe.svg") != cka.bytes("plain/probe.svg"))
    try result(first: 1, last: 3)
    try probe("--labels", "y.npy", "--blocks", "r", "--output", "x").expectFailure(
      65, "r/result.json: blocks[0].last: damaged: found 3, expected 1 to 2")
    try probe("--labels", "y.npy", "--blocks", "gone", "--output", "x")
      .expectFailure(66, "gone/result.json")
  }

  @Test func layersWithoutValuesAreNamed() throws {
    try cka.folder.write(
      NPYFile.bytes(Array(repeating: 3, count: 120), shape: [60, 2]), to: "m/layer3.npy")
    let run = try probe("--labels", "y.npy")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("m: layer layer3 is undefined: constant"))
    #expect(run.output.contains("constant"))
    try probe("--labels", "y.npy", "--layers", "layer3", "--output", "none")
      .expectFailureAfterWarnings(65, "no layer has a value")
    #expect(!cka.exists("none"))
  }
}

extension Run {
  /// A failure of the command line, which the argument parser explains in its own words.
  fileprivate func expectFailureAfterWarnings(_ expected: Int32, _ words: String) {
    #expect(code == expected && errorLines.last?.contains(words) ?? false, "\(errors)")
  }
}
