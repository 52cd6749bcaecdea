import Foundation
import TestSupport
import Testing

/// `cka converge` as its users run it. The errors themselves: `Tests/Analyses/Convergence`.
struct ConvergeTests {
  static let files = [
    "converge.csv", "converge.json", "converge.pdf", "converge.png", "converge.svg", "errors.npy",
    "exact.npy",
  ]
  let cka: Cka

  init() throws {
    cka = try Cka()
    try cka.folder.write(TestModel(["a", "b<&>", "c"], n: 40, seed: 1).npz, to: "one.npz")
    try cka.folder.write(TestModel(["x", "y"], n: 40, seed: 2).npz, to: "two.npz")
  }

  private func converge(_ options: String...) throws -> Run {
    try cka.run(["converge"] + options + ["--device", "cpu"])
  }

  @Test func errorsAreDifferencesOfWhatComparePrints() throws {
    let sizes = [8, 16], passes = [1, 3]
    let run = try converge(
      "one.npz", "two.npz", "--batch-sizes", "16,8", "--passes", "3,1", "--repeats", "1", "--seed",
      "7")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("activations will be read 7 times"))
    #expect(try cka.contents(of: "cka-converge") == Self.files)
    try cka("compare", "one.npz", "two.npz", "--estimator", "unbiased", "--output", "u", "--quiet")
      .expectSuccess()
    let exact = try TestResult(cka, "u").cka
    let exactBits = try cka.numbers("cka-converge/exact.npy", shape: [3, 2]).map(\.bitPattern)
    #expect(exactBits == exact.bits)
    let errors = try cka.numbers("cka-converge/errors.npy", shape: [2, 2, 3, 2])
    for (b, size) in sizes.enumerated() {
      for (q, count) in passes.enumerated() {
        let name = "m\(size)-\(count)"
        try cka(
          "compare", "one.npz", "two.npz", "--batch-size", "\(size)", "--passes", "\(count)",
          "--seed", "7", "--output", name, "--quiet"
        ).expectSuccess()
        let estimate = try TestResult(cka, name).cka
        for cell in 0..<6 {
          let difference = abs(estimate[cell / 2, cell % 2] - exact[cell / 2, cell % 2])
          #expect(errors[(b * 2 + q) * 6 + cell] == difference)
        }
      }
    }
  }

  @Test func filesSayTheSame() throws {
    let run = try converge(
      "one.npz", "--batch-sizes", "8,16,40,64", "--passes", "1,2", "--repeats", "4")
    run.expectSuccess(messages: 2)
    #expect(run.errors.contains("batch sizes 40, 64 are skipped: there are only 40 examples"))
    let csv = try parseCSV(
      #require(String(validating: cka.bytes("cka-converge/converge.csv"), as: UTF8.self)))
    let object = try JSONSerialization.jsonObject(
      with: Data(cka.bytes("cka-converge/converge.json")))
    let json = try #require(object as? [String: Any])
    let points = try #require(json["points"] as? [[String: Any]])
    #expect(json["format"] as? String == "cka-converge/1")
    #expect(json["repeats"] as? Int == 4 && json["batchSizes"] as? [Int] == [8, 16])
    try #require(csv.count == 5 && points.count == 4)
    for (row, point) in zip(csv.dropFirst(), points) {
      let cells = Dictionary(uniqueKeysWithValues: zip(csv[0], row))
      for (name, key) in [
        ("batch_size", "batchSize"), ("passes", "passes"), ("minibatches", "minibatches"),
        ("pairs", "pairs"), ("mean_error", "meanError"), ("error_p95", "percentile95"),
        ("error_largest", "largest"), ("bias", "bias"), ("bias_se", "biasError"),
        ("mean_error_sd", "spread"),
      ] {
        expectSame(try #require(cells[name]), try #require(point[key] as? Double), name)
      }
      #expect(cells["pairs"] == "3" && cells["examples_used"] == "\(row[0] == "8" ? 40 : 32)")
      let means = try #require(point["meanErrors"] as? [Double])
      #expect(means.count == 4)
      expectSame(try #require(cells["mean_error_least"]), try #require(means.min()), "least")
      expectSame(try #require(cells["mean_error_most"]), try #require(means.max()), "most")
    }
    let png = try cka.bytes("cka-converge/converge.png")
    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(isXML(try cka.bytes("cka-converge/converge.svg")))
    // Four rows of numbers below a heading, then two lines.
    let table = lines(run.output)
    #expect(table.count == 7 && table[0].contains("mean error"))
    #expect(table[5].contains("3 × 3 layers, 4 orders"))
  }

  /// JSONSerialization reads the last digits of a number some units off.
  private func expectSame(_ text: String, _ value: Double, _ name: String) {
    #expect(abs((Double(text) ?? .nan) - value) <= 8 * value.ulp, "\(name): \(text), \(value)")
  }

  @Test func foldersAreReplacedOnRequestOnly() throws {
    let options = ["one.npz", "--batch-sizes", "8", "--passes", "1", "--repeats", "1", "--quiet"]
    func again(_ more: String...) throws -> Run {
      try cka.run(["converge", "--device", "cpu"] + options + more)
    }
    try again().expectSuccess()
    try again().expectFailure(73, "cka-converge: exists; --force")
    try again("--force").expectSuccess()
    try cka("compare", "one.npz", "--quiet").expectSuccess()
    try again("--force", "--output", "cka-result").expectFailure(
      73, "is a result of cka compare")
    try cka("compare", "one.npz", "--quiet", "--force", "--output", "cka-converge")
      .expectFailure(73, "is a result of cka converge")
  }

  @Test func whatCannotBeShownIsRefused() throws {
    let alone = TestModel(["a"], n: 40)
    try cka.folder.write(alone.npz, to: "alone.npz")
    var twins = TestModel(["a", "b"], n: 40)
    twins.layers[1].activations = twins.layers[0].activations
    try cka.folder.write(twins.npz, to: "twins.npz")
    try converge("alone.npz").expectFailure(65, "alone.npz: has only one layer")
    try converge("one.npz", "--batch-sizes", "64,40", "--quiet")
      .expectFailure(65, "one.npz: has 40 examples", "64,40")
    try converge("twins.npz", "--quiet", "--batch-sizes", "8")
      .expectFailure(65, "twins.npz: all estimates equal the exact values")
    try converge("one.npz", "--memory", "1M").expectFailure(64, "--memory 1.0 MiB", "at least")
    for bad in ["3", "0", "8,8", "8,", "8;16", "-8", ""] {
      let run = try converge("one.npz", "--batch-sizes=\(bad)")
      #expect(run.code == 64 && run.output.isEmpty, "\(bad): \(run.errors)")
    }
    for options in [["--passes=0"], ["--repeats=0"], ["--bandwidth=2"]] {
      let run = try cka.run(["converge", "one.npz"] + options)
      #expect(run.code == 64 && run.output.isEmpty, "\(options): \(run.errors)")
    }
    #expect(try cka.contents() == ["alone.npz", "one.npz", "twins.npz", "two.npz"])
  }

  @Test func aMedianOfItsOwnIsSaid() throws {
    let run = try converge(
      "one.npz", "--kernel", "rbf", "--batch-sizes", "8", "--passes", "1", "--repeats", "1")
    run.expectSuccess(messages: 2)
    #expect(run.errors.contains("--sigma does"))
  }
}
