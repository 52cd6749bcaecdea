import Foundation
import TestSupport
import Testing

/// Where results may be written, and what is left where they may not.
@Suite(.timeLimit(.minutes(30))) struct OutputTests {
  let cka: Cka

  init() throws {
    cka = try Cka()
    try cka.folder.write(TestModel(layers: 3).npz, to: "m.npz")
  }

  private func compare(_ options: String...) throws -> Run {
    try cka.run(["compare", "m.npz", "--device", "cpu", "--quiet"] + options)
  }

  private func path(_ name: String) -> String { "\(cka.folder.path)/\(name)" }

  @Test func existingResultsStay() throws {
    try compare().expectSuccess()
    let before = try TestResult(cka)
    for output in ["cka-result", "cka-result/", "./cka-result", path("cka-result//")] {
      try compare("--estimator", "biased", "--output", output)
        .expectFailure(73, "cka-result: exists; --force")
    }
    #expect(try TestResult(cka).bytes == before.bytes)
    #expect(try cka.contents() == ["cka-result", "m.npz"])
  }

  @Test func forceReplacesResults() throws {
    try compare().expectSuccess()
    try cka("plot", "cka-result", "--output", "cka-result/heatmap.pdf").expectSuccess()
    try compare("--estimator", "biased", "--force").expectSuccess()
    let after = try TestResult(cka)
    #expect(after.json("estimator", "name") as? String == "biased")
    #expect(after.z == nil)
    #expect(try cka.contents() == ["cka-result", "m.npz"])
  }

  @Test(
    arguments: [
      (["notes.txt": ""], "holds no result"),
      (["result.json": "{\"format\": 1}"], "holds no result"),
      (["result.json": "{}", "thesis.tex": ""], "holds no result"),
      (["result.json": "{\"format\": \"cka-result/1\"}", "thesis.tex": ""], "holds 'thesis.tex'"),
      (["result.json": "{\"format\": \"cka-result/1\"}", ".git/HEAD": ""], "holds '.git'"),
    ] as [([String: String], String)])
  func forceReplacesNothingElse(files: [String: String], words: String) throws {
    for (name, text) in files { try cka.folder.write(text, to: "cka-result/\(name)") }
    let before = try cka.contents(of: "cka-result")
    try compare("--force").expectFailure(73, "cka-result: ", words)
    #expect(try cka.contents(of: "cka-result") == before)
    #expect(try cka.contents() == ["cka-result", "m.npz"])
  }

  @Test func forceReplacesNoModel() throws {
    try TestModel(layers: 2).write(to: "m", in: cka.folder)
    try cka("compare", "m", "--output", "m", "--force", "--device", "cpu").expectFailure(73, "m: ")
    #expect(try cka.contents(of: "m") == ["layer0.npy", "layer1.npy"])
  }

  @Test func forceTakesEmptyFoldersAndNewOnes() throws {
    #expect(mkdir(path("empty"), 0o700) == 0)
    for output in ["empty", "new"] {
      try compare("--force", "--output", output).expectSuccess()
      _ = try TestResult(cka, output)
    }
  }

  @Test func linksToFoldersStay() throws {
    try compare("--output", "elsewhere/result").expectSuccess()
    #expect(symlink("elsewhere/result", path("link")) == 0)
    try compare("--output", "link").expectFailure(73, "link: exists")
    try compare("--output", "link", "--force", "--estimator", "biased").expectSuccess()
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path("link")).count > 0)
    #expect(try TestResult(cka, "elsewhere/result").z == nil)
    #expect(try cka.contents(of: "elsewhere") == ["result"])
  }

  @Test func refusesWhatCannotBeAFolder() throws {
    #expect(symlink("nowhere", path("dangling")) == 0)
    let outputs = [
      "m.npz", "m.npz/below", "m.npz/far/below", "dangling", ".", "..", "/", "", "new/..",
      "/dev/null/x", "/dev/null", "/proc/none/x", String(repeating: "n", count: 250),
      "two\nlines/" + String(repeating: "n", count: 300),
    ]
    for output in outputs {
      for force in [[], ["--force"]] {
        try cka.run(["compare", "m.npz", "--device", "cpu", "--output", output] + force)
          .expectFailure(73)
      }
    }
    #expect(try cka.contents() == ["dangling", "m.npz"])
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func refusesFoldersOfOthers() throws {
    #expect(mkdir(path("locked"), 0o500) == 0)
    try compare("--output", "locked/result").expectFailure(73, "locked/result", "Permission denied")
    #expect(try cka.contents(of: "locked") == [])
    #expect(chmod(path("m.npz"), 0) == 0)
    try compare().expectFailure(66, "m.npz", "Permission denied")
  }

  @Test func makesTheWayToTheResultOnlyWithIt() throws {
    try cka.folder.write("", to: "bad.npy")
    try cka("compare", "bad.npy", "--device", "cpu", "--output", "a/b/c").expectFailure(
      65, "bad.npy")
    #expect(try cka.contents() == ["bad.npy", "m.npz"])
    try compare("--output", "a/b/c").expectSuccess()
    _ = try TestResult(cka, "a/b/c")
  }

  @Test func cleansUpAfterTheDead() throws {
    // No system has processes of such numbers.
    let dead = [".cka-result.partial-99999999", ".cka-result.partial-99999998.old"]
    let kept = [
      ".cka-result.partial-\(getpid())", ".cka-result.partial-", ".cka-result.partial-x",
      ".other.partial-99999999", ".cka-result.partial",
    ]
    for name in dead + kept { try cka.folder.write("", to: "\(name)/cka.npy") }
    try compare().expectSuccess()
    #expect(try cka.contents() == (kept + ["cka-result", "m.npz"]).sorted())
  }

  @Test func processesDoNotDisturbEachOther() throws {
    let options = ["compare", "m.npz", "--device", "cpu", "--quiet"]
    for force in [false, true] {
      var processes = try (0..<4).map { _ in
        try cka.start(options + (force ? ["--force"] : []))
      }
      let codes = try processes.indices.map { try processes[$0].wait().code }
      #expect(codes.sorted() == (force ? [0, 0, 0, 0] : [0, 73, 73, 73]))
      _ = try TestResult(cka)
      #expect(try cka.contents() == ["cka-result", "m.npz"])
    }
  }
}
