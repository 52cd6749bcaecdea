import Foundation
import TestSupport
import Testing

/// `--report` of the commands that make results, and `cka plot --report`.
///
/// What the page shows is looked at in a browser, by `Scripts/test-report.sh`.
struct ReportTests {
  let cka: Cka

  init() throws {
    cka = try Cka()
    for seed in 0..<2 {
      let model = TestModel(layers: 3, n: 32, seed: UInt64(seed + 1))
      try cka.folder.write(model.npz, to: "net-seed\(seed).npz")
    }
    try cka.folder.write(TestModel(layers: 2, n: 32, seed: 9).npz, to: "other.npz")
  }

  private func compare(_ options: String...) throws -> Run {
    try cka.run(["compare", "net-seed0.npz", "other.npz", "--device", "cpu"] + options)
  }

  private func sweep(_ options: String...) throws -> Run {
    try cka.run(
      ["sweep", "net-seed0.npz", "net-seed1.npz", "other.npz", "--output", "store"]
        + ["--device", "cpu", "--batch-size", "16", "--quiet"] + options)
  }

  /// What the page's script reads.
  private func document(_ page: String) throws -> [String: Any] {
    let text = String(decoding: try cka.bytes(page), as: UTF8.self)
    let start = try #require(text.range(of: "<script type=\"application/json\" id=\"report\">"))
    let end = try #require(text[start.upperBound...].range(of: "</script>"))
    let json = Data(text[start.upperBound..<end.lowerBound].utf8)
    return try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
  }

  @Test func compareWritesAPageOnRequest() throws {
    try compare("--quiet").expectSuccess()
    #expect(!cka.exists("cka-result/report.html"))
    let run = try compare("--report", "--force")
    run.expectSuccess()
    #expect(run.output.contains("heatmap.pdf, report.html"))
    let document = try document("cka-result/report.html")
    #expect(document["title"] as? String == "net-seed0 × other")
    let sections = try #require(document["sections"] as? [[String: Any]])
    #expect(
      sections.compactMap { $0["title"] as? String } == [
        "Similarity of all layers", "Layers of net-seed0", "Layers of other",
      ])
    // A folder with a page is a result like any other.
    try compare("--quiet", "--force").expectSuccess()
    #expect(!cka.exists("cka-result/report.html"))
  }

  @Test func plotMakesTheSamePage() throws {
    try compare("--report", "--estimator", "unbiased", "--quiet").expectSuccess()
    let page = try cka.bytes("cka-result/report.html")
    try FileManager.default.removeItem(atPath: "\(cka.folder.path)/cka-result/report.html")
    let run = try cka("plot", "cka-result", "--report")
    run.expectSuccess()
    #expect(run.output == "written: cka-result/report.html\n")
    #expect(try cka.bytes("cka-result/report.html") == page)

    try cka(
      "converge", "net-seed0.npz", "--batch-sizes", "8,16", "--passes", "1,2", "--repeats", "2",
      "--device", "cpu", "--report", "--quiet"
    ).expectSuccess()
    let curves = try cka.bytes("cka-converge/report.html")
    try cka("plot", "cka-converge", "--report").expectSuccess()
    #expect(try cka.bytes("cka-converge/report.html") == curves)

    try sweep("--report").expectSuccess()
    let store = try cka.bytes("store/results/report.html")
    try cka("plot", "store/results", "--report").expectSuccess()
    #expect(try cka.bytes("store/results/report.html") == store)
  }

  @Test func aSweepShowsEveryPairAndArchitecture() throws {
    try sweep("--report").expectSuccess()
    let sections = try #require(
      document("store/results/report.html")["sections"] as? [[String: Any]])
    let panels = try sections.map { try #require($0["panels"] as? [[String: Any]])[0] }
    // Models as points by two distances.
    #expect(
      panels.compactMap { $0["kind"] as? String } == [
        "pairs", "maps", "picture", "picture", "table", "table",
      ])
    // Row by row; a pair is there once.
    #expect(panels[0]["entries"] as? [Int] == [0, 1, 2, -1, 3, 4, -1, -1, 5])
    let maps = try #require(panels[1]["maps"] as? [[String: Any]])
    // Two networks: one pair has no deviation.
    #expect(
      maps.compactMap { $0["name"] as? String } == [
        "net: mean", "net: within-mean", "net: within-std",
      ])
  }

  @Test func anOldPageOfASweepGoes() throws {
    try sweep("--report").expectSuccess()
    #expect(cka.exists("store/results/report.html"))
    try sweep().expectSuccess()
    #expect(!cka.exists("store/results/report.html"))
  }

  @Test func damagedResultsGetOneClearError() throws {
    try cka("plot", "none", "--report").expectFailure(66, "none: is not a result")
    try compare("--estimator", "unbiased", "--quiet").expectSuccess()
    #expect(try cka("plot", "cka-result", "--report", "--output", "a.png").code == 64)
    let scores = NPYFile.bytes(
      Array(repeating: 0.5, count: 6), shape: [2, 3], type: .float64)
    try cka.folder.write(scores, to: "cka-result/z.npy")
    try cka("plot", "cka-result", "--report").expectFailure(65, "cka-result/z.npy", "3 × 2")
    #expect(!cka.exists("cka-result/report.html"))

    try sweep().expectSuccess()
    let pair = "store/results/pairs/net-seed0--other/cka.npy"
    try cka.folder.write(scores, to: pair)
    try cka("plot", "store/results", "--report").expectFailure(65, pair, "3 × 2")
    for text in ["", "{}", "{\"format\": \"cka-sweep/1\"}", "{\"format\": \"cka-sweep/9\"}"] {
      try cka.folder.write(text, to: "store/results/sweep.json")
      try cka("plot", "store/results", "--report").expectFailure(65, "store/results/sweep.json")
    }
  }
}
