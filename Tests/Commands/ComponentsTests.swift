import Foundation
import TestSupport
import Testing

/// `cka components` as its users run it. The numbers themselves: `Tests/Analyses/Components`.
struct ComponentsTests {
  static let files = [
    "alignment.npy", "cka.npy", "components.csv", "components.json", "components.pdf",
    "components.png",
    "components.svg", "contributions.npy", "norms.npy", "projections.npy", "projections.pdf",
    "projections.png",
    "projections.svg", "reduced.npy", "remainders.npy", "removal.npy", "removal.pdf", "removal.png",
    "removal.svg",
  ]
  let cka: Cka

  init() throws {
    cka = try Cka()
    try cka.folder.write(TestModel(["a", "b<&>", "c"], n: 40, seed: 1).npz, to: "one.npz")
    try cka.folder.write(TestModel(["x", "y"], n: 40, seed: 2).npz, to: "two.npz")
  }

  private func components(_ options: String...) throws -> Run {
    try cka.run(["components"] + options + ["--device", "cpu"])
  }

  private func numbers(_ name: String, shape: [Int]) throws -> [Double] {
    try cka.numbers("cka-components/\(name)", shape: shape)
  }

  private func json() throws -> [String: Any] {
    let data = Data(try cka.bytes("cka-components/components.json"))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func twoModels() throws {
    let run = try components("one.npz", "two.npz", "-k", "2", "--remove", "2,1")
    run.expectSuccess()
    #expect(try cka.contents(of: "cka-components") == Self.files)
    let maps = try numbers("cka.npy", shape: [3, 2])
    try cka("compare", "one.npz", "two.npz", "--estimator", "unbiased", "--output", "u", "--quiet")
      .expectSuccess()
    try cka("compare", "one.npz", "two.npz", "--estimator", "biased", "--output", "b", "--quiet")
      .expectSuccess()
    let (unbiased, biased) = (try TestResult(cka, "u").cka, try TestResult(cka, "b").cka)
    // Components leave the same matrix by another way of float32 rounding.
    for cell in 0..<6 { #expect(abs(maps[cell] - unbiased[cell / 2, cell % 2]) < 1e-6) }
    let parts = try numbers("contributions.npy", shape: [3, 2, 2, 2])
    let rest = try numbers("remainders.npy", shape: [3, 2])
    for cell in 0..<6 {
      let sum = parts[cell * 4..<cell * 4 + 4].reduce(rest[cell], +)
      #expect(abs(sum - biased[cell / 2, cell % 2]) < 1e-6)
    }
    _ = try numbers("alignment.npy", shape: [3, 2])
    _ = try numbers("reduced.npy", shape: [2, 3, 2])
    _ = try numbers("projections.npy", shape: [5, 40])
    _ = try numbers("norms.npy", shape: [5, 40])
    let removal = try numbers("removal.npy", shape: [5, 3, 2])
    #expect(Array(removal.prefix(6)) == maps)
    let document = try json()
    #expect(document["format"] as? String == "cka-components/1")
    #expect(document["components"] as? Int == 2 && document["removed"] as? [Int] == [1, 2])
    let csv = try parseCSV(
      #require(String(validating: cka.bytes("cka-components/components.csv"), as: UTF8.self)))
    try #require(csv.count == 6 && csv[0].count == 10 && csv[1][3] == "ok")
    #expect(csv.dropFirst().map { $0[1] } == ["a", "b<&>", "c", "x", "y"])
    let layers = try #require(document["layers"] as? [[[String: Any]]])
    for (row, layer) in zip(csv.dropFirst(), layers.joined()) {
      let fractions = try #require(layer["varianceFractions"] as? [Double])
      for (text, value) in zip(row[8...], fractions) {
        #expect(abs((Double(text) ?? .nan) - value) < 1e-15)
      }
    }
    // A heading and five layers, then three lines.
    let table = lines(run.output)
    #expect(table.count == 9 && table[0].contains("bimodality"))
    #expect(table[6].contains("without the 4 dominant ones"))
    for name in ["components", "projections", "removal"] {
      #expect(try cka.bytes("cka-components/\(name).png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
      #expect(isXML(try cka.bytes("cka-components/\(name).svg")))
    }
  }

  @Test func dominantExamplesAreNamed() throws {
    // Example 17 carries the first component of both layers.
    var model = TestModel(["a", "b"], n: 30, seed: 5)
    for index in model.layers.indices {
      let p = model.layers[index].activations.p
      for k in 0..<p { model.layers[index].activations.values[17 * p + k] += 50 }
    }
    try model.write(to: "model", in: cka.folder)
    try cka.folder.write(sampleIDs((100..<130).map { $0 }), to: "model/layers.json")
    try components("model", "--controls", "0", "--layer", "b").expectSuccess()
    let document = try json()
    let first = try #require((document["dominantExamples"] as? [[String: Any]])?.first)
    #expect(first["example"] as? Int == 17 && first["id"] as? String == "117")
    // 29/30 of the component, the mean taking the rest, less what the others have.
    #expect(try #require(first["share"] as? Double) > 0.9)
    let removal = try #require(document["removal"] as? [String: Any])
    #expect(removal["layer"] as? String == "b")
    let points = try #require(removal["points"] as? [[String: Any]])
    #expect(points.map { $0["dropped"] as? Int } == [0, 0, 1, 2, 3])
    #expect(points.allSatisfy { ($0["controlMeans"] as? [Double]) == [] })
  }

  @Test func layersWithoutComponentsAreNamed() throws {
    var model = TestModel(["a", "b", "c"], n: 20, seed: 6)
    model.layers[1].activations.values = model.layers[1].activations.values.map { _ in 2 }
    try cka.folder.write(model.npz, to: "constant.npz")
    let run = try components("constant.npz", "-k", "3")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("layer b is undefined: constant"))
    let cells = try #require(try json()["undefinedCells"] as? [[String: Any]])
    #expect(cells.count == 5)
    var none = TestModel(["a"], n: 20, seed: 6)
    none.layers[0].activations.values = none.layers[0].activations.values.map { _ in 2 }
    try cka.folder.write(none.npz, to: "none.npz")
    try components("none.npz", "--output", "none", "--quiet")
      .expectFailure(65, "none.npz: no pair of layers has a value")
    #expect(!cka.exists("none"))
  }

  @Test func oneLayerHasNoCurve() throws {
    try cka.folder.write(TestModel(["a"], n: 20, seed: 6).npz, to: "alone.npz")
    try components("alone.npz", "-k", "1").expectSuccess()
    #expect(
      try cka.contents(of: "cka-components")
        == Self.files.filter { !["removal.pdf", "removal.png", "removal.svg"].contains($0) })
  }

  /// Where eigenvalues are equal, what depends on the first direction is left out, with the reason.
  @Test func equalEigenvaluesAreNamed() throws {
    let oneHot = (0..<40).flatMap { i in (0..<4).map { $0 == i % 4 ? 1.0 : 0 } }
    try cka.folder.write(NPYFile.bytes(oneHot, shape: [40, 4]), to: "classes.npy")
    let run = try components("classes.npy", "-k", "3", "--report")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("the first two eigenvalues of layer classes are equal"))
    #expect(run.output.contains("degenerate"))
    let document = try json()
    let layers = try #require(document["layers"] as? [[[String: Any]]])
    #expect(layers[0][0]["firstComponent"] as? String == "degenerate")
    for key in ["undefinedAlignmentCells", "undefinedReducedCells"] {
      let text = String(describing: try #require(document[key]))
      #expect(text.contains("degenerate"))
    }
    #expect(try numbers("alignment.npy", shape: [1, 1])[0].isNaN)
    #expect(try numbers("reduced.npy", shape: [1, 1, 1])[0].isNaN)
    #expect(try numbers("projections.npy", shape: [1, 40]).allSatisfy { $0.isNaN })
    #expect(!cka.exists("cka-components/projections.png"))
    #expect(isXML(try cka.bytes("cka-components/components.svg")))
  }

  /// Layers of 1e200 ended the command with an error of its JSON.
  @Test func numbersWithoutRoomAreNull() throws {
    let values = Activations64.normal(n: 30, p: 4, seed: 3).values.map { $0 * 1e200 }
    try cka.folder.write(NPYFile.bytes(values, shape: [30, 4], type: .float64), to: "far.npy")
    try components("far.npy", "-k", "2").expectSuccess()
    let layers = try #require(try json()["layers"] as? [[[String: Any]]])
    let eigenvalues = try #require(layers[0][0]["eigenvalues"] as? [Any])
    #expect(eigenvalues.count == 2 && eigenvalues.allSatisfy { $0 is NSNull })
    #expect((layers[0][0]["varianceFractions"] as? [Double])?.count == 2)
  }

  @Test func badRequestsAreRefused() throws {
    try cka.folder.write(TestModel(["a"], n: 6, seed: 1).npz, to: "six.npz")
    try components("six.npz", "--remove", "10")
      .expectFailure(64, "--remove contains 10: 6 examples have 5 components")
    try components("six.npz", "--remove", "5", "--output", "five", "--quiet").expectSuccess()
    for options in [
      ["--controls", "1001"], ["--controls", "9223372036854775807"], ["-k", "0"],
      ["-k", "2", "--remove", "3"], ["--remove", "0"], ["--controls=-1"],
    ] {
      let run = try cka.run(["components", "one.npz"] + options)
      #expect(run.code == 64 && run.output.isEmpty, "\(options): \(run.errors)")
    }
    try components("one.npz", "--layer", "d")
      .expectFailure(64, "one.npz: no layer is called d")
    try components("one.npz", "--memory", "1M")
      .expectFailure(64, "--memory 1.0 MiB is too small for the Gram matrix of one layer")
    try cka.folder.write(TestModel(["a"], n: 3, seed: 1).npz, to: "few.npz")
    try components("few.npz")
      .expectFailure(65, "few.npz: has 3 examples; components need at least 4")
    try cka.folder.write(TestModel(["a"], n: 39, seed: 1).npz, to: "other.npz")
    try components("one.npz", "other.npz").expectFailure(65, "39 examples")
    #expect(!cka.exists("cka-components"))
  }

  @Test func foldersAreReplacedOnRequestOnly() throws {
    try components("one.npz", "--quiet").expectSuccess()
    try components("two.npz").expectFailure(73, "cka-components: exists; --force")
    try components("two.npz", "--force").expectSuccess()
    #expect(try numbers("cka.npy", shape: [2, 2]).count == 4)
  }
}
