import Foundation
import TestSupport
import Testing

/// `cka trust` as its users run it. The numbers: `Tests/Analyses/Uncertainty`.
struct TrustCommandTests {
  static let files = [
    "adjusted-p.npy", "cka.npy", "control.npy", "control.pdf", "control.png", "control.svg",
    "p.npy", "standard-error.npy", "standard-error.pdf", "standard-error.png", "standard-error.svg",
    "trust.csv", "trust.json",
    "trust.pdf", "trust.png", "trust.svg", "z.npy",
  ]
  let cka: Cka

  init() throws {
    cka = try Cka()
    try cka.folder.write(TestModel(["a", "b<&>,c", "c"], n: 40, seed: 1).npz, to: "one.npz")
    try cka.folder.write(TestModel(["x", "y"], n: 40, seed: 2).npz, to: "two.npz")
  }

  private func json(_ path: String) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(cka.bytes(path)))
    return try #require(object as? [String: Any])
  }

  @Test func filesSayTheSame() throws {
    let run = try cka("trust", "one.npz", "two.npz", "--device", "cpu")
    run.expectSuccess()
    #expect(try cka.contents(of: "cka-trust") == Self.files)
    let csv = try parseCSV(
      #require(String(validating: cka.bytes("cka-trust/trust.csv"), as: UTF8.self)))
    #expect(csv.count == 7 && csv[3][0] == "b<&>,c" && csv[3][1] == "x")
    try cka(
      "compare", "one.npz", "two.npz", "--estimator", "unbiased", "--output", "u", "--quiet",
      "--device", "cpu"
    ).expectSuccess()
    let exact = try TestResult(cka, "u").cka
    for (index, row) in csv.dropFirst().enumerated() {
      // One product of the same matrices.
      #expect(abs(try #require(Double(row[2])) - exact[index / 2, index % 2]) < 1e-6)
      #expect(try #require(Double(row[4])) > 0)
    }
    let json = try json("cka-trust/trust.json")
    #expect(json["format"] as? String == "cka-trust/1" && json["pair"] == nil)
    let control = try #require(json["control"] as? [String: Any])
    #expect(control["cells"] as? Int == 6)
    let significance = try #require(json["significance"] as? [String: Any])
    #expect(significance["tests"] as? Int == 6 && significance["permutations"] as? Int == 99)
    for row in csv.dropFirst() {
      let (p, adjusted, family) = (Double(row[8]), Double(row[9]), Double(row[10]))
      #expect(try #require(p) <= #require(adjusted) && #require(family) >= 0.01)
    }
    #expect(isXML(try cka.bytes("cka-trust/control.svg")))
    #expect(run.output.contains("null map"))
  }

  @Test func cellsAreLookedInto() throws {
    try cka.folder.write(
      (0..<40).map { "image <\($0)>\n" }.joined(), to: "one.examples.txt")
    let run = try cka(
      "trust", "one.npz", "--cell", "b<&>,c,a", "--permutations", "99", "--top", "3", "--device",
      "cpu")
    run.expectSuccess()
    #expect(
      try cka.contents(of: "cka-trust")
        == (Self.files + ["drops.pdf", "drops.png", "drops.svg", "examples.csv"]).sorted())
    let pair = try #require(try json("cka-trust/trust.json")["pair"] as? [String: Any])
    #expect(pair["row"] as? Int == 1 && pair["column"] as? Int == 0)
    #expect(pair["permutations"] as? Int == 99)
    #expect((pair["drops"] as? [Any])?.count == 3)
    let csv = try parseCSV(
      #require(String(validating: cka.bytes("cka-trust/examples.csv"), as: UTF8.self)))
    #expect(csv.count == 41 && csv[1][0].hasPrefix("image <"))
    let sum = csv.dropFirst().compactMap { Double($0[1]) }.reduce(0, +)
    #expect(abs(sum - (pair["cka"] as? Double ?? .nan)) < 1e-9)
    #expect(isXML(try cka.bytes("cka-trust/drops.svg")))
    #expect(run.output.contains("permutation p") && run.output.contains(csv[1][0]))
    #expect(!run.output.contains(csv[4][0] + " "))
  }

  /// Leave-one-out values of 0/0 ended the command, or had a standard error of 0 or infinity.
  @Test(arguments: [(4, "too-few-examples"), (20, "low-precision")])
  func errorsOfZeroByZeroAreLeftOut(n: Int, status: String) throws {
    let a =
      n == 4
      ? Activations64.normal(n: 4, p: 3, seed: 5).values
      : (0..<20).map { $0 == 3 || $0 == 9 ? 1.0 : 0 }
    let b = Activations64.normal(n: n, p: 4, seed: 6)
    try cka.folder.write(NPYFile.bytes(a, shape: [n, a.count / n]), to: "a.npy")
    try cka.folder.write(NPYFile.bytes(b.values, shape: [n, 4]), to: "b.npy")
    let run = try cka("trust", "a.npy", "b.npy", "--cell", "a,b", "--device", "cpu", "--report")
    #expect(run.code == 0 && run.signal == nil, "\(run.errors)")
    #expect(run.errors.contains("1 cells have no standard error: "))
    #expect(run.output.contains("undefined") && !run.output.contains("inf"))
    let json = try json("cka-trust/trust.json")
    let cells = try #require(json["undefinedErrors"] as? [[String: Any]])
    #expect(cells.count == 1 && cells[0]["status"] as? String == status)
    let pair = try #require(json["pair"] as? [String: Any])
    #expect(pair["jackknifeStatus"] as? String == status && pair["cka"] is Double)
    for key in ["bias", "standardError", "low", "high"] { #expect(!(pair[key] is Double)) }
    let csv = try parseCSV(
      #require(String(validating: cka.bytes("cka-trust/trust.csv"), as: UTF8.self)))
    #expect(csv[1][2] != "" && csv[1][3] == "" && csv[1][4] == "" && csv[1][5] != "")
    let svg = try #require(
      String(validating: cka.bytes("cka-trust/standard-error.svg"), as: UTF8.self))
    #expect(isXML(Array(svg.utf8)))
  }

  @Test func unusableInputIsNamed() throws {
    try cka("trust", "one.npz", "--cell", "a,nothing", "--quiet")
      .expectFailure(64, "--cell a,nothing: expected a layer of one")
    try cka("trust", "one.npz", "--cell", "a").expectFailure(64, "--cell a:")
    try cka("trust", "gone.npz").expectFailure(66, "gone.npz")
    try cka.folder.write(TestModel(["a"], n: 3).npz, to: "three.npz")
    try cka("trust", "three.npz").expectFailure(65, "three.npz: has 3 examples", "at least 4")
    try cka("trust", "one.npz", "three.npz").expectFailure(65, "three", "3 examples")
    try cka("trust", "one.npz", "--output", "x", "--examples", "20", "--quiet").expectSuccess()
    try cka("trust", "one.npz", "--output", "x").expectFailure(73, "x: exists")
    try cka("trust", "one.npz", "--output", "x", "--force", "--quiet").expectSuccess()
  }

  /// Four of 80 examples moved far away in one model are said to carry its layer.
  @Test func movedSubsetsAreNamed() throws {
    let n = 80
    var values = Activations64.normal(n: n, p: 6, seed: 4).values
    for index in 0..<(4 * 6) { values[index] += 500 }
    try cka.folder.write(NPYFile.bytes(values, shape: [n, 6]), to: "moved.npy")
    let run = try cka(
      "trust", "moved.npy", "--cell", "moved,moved", "--permutations", "9", "--device", "cpu")
    run.expectSuccess(messages: 1)
    #expect(
      run.errors.contains(
        "of the examples hold half of the Gram matrix of layer moved: they dominate"))
  }
}
