import Foundation
import TestSupport
import Testing

/// Where results may be written, and what is left where they may not.
struct OutputTests {
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

  /// The name while it is written, which is longer, was refused.
  @Test func writesUnderTheLongestNames() throws {
    let name = String(repeating: "r", count: 255)
    try compare("--output", name).expectSuccess()
    try compare("--output", name, "--force").expectSuccess()
    let picture = String(repeating: "é", count: 125) + "p.png"
    try cka("plot", name, "--output", picture).expectSuccess()
    try cka("plot", name, "--output", picture, "--force").expectSuccess()
    #expect(try cka.contents() == ["m.npz", name, picture])
  }

  @Test func forceReplacesResults() throws {
    try compare().expectSuccess()
    try cka("plot", "cka-result", "--report").expectSuccess()
    try compare("--estimator", "biased", "--force").expectSuccess()
    let after = try TestResult(cka)
    #expect(after.json("estimator", "name") as? String == "biased")
    #expect(after.z == nil)
    #expect(try cka.contents() == ["cka-result", "m.npz"])
  }

  @Test(
    arguments: [
      (["notes.txt": ""], "is not a result"),
      (["result.json": "{\"format\": 1}"], "is not a result"),
      (["result.json": "{}", "thesis.tex": ""], "is not a result"),
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

  /// A folder called as a file of ours was deleted with all that was in it.
  @Test(arguments: ["heatmap.png", ".cka.npy.partial-1", "z.npy", ".heatmap.svg.partial-x"])
  func forceDeletesNoFolderForItsName(name: String) throws {
    try compare().expectSuccess()
    unlink(path("cka-result/\(name)"))
    try cka.folder.write("years of work", to: "cka-result/\(name)/thesis.tex")
    try compare("--force").expectFailure(73, "holds '\(name)', which cka did not write")
    #expect(try cka.bytes("cka-result/\(name)/thesis.tex") == Array("years of work".utf8))
    #expect(try cka.contents() == ["cka-result", "m.npz"])
  }

  /// It said "is not a result of cka".
  @Test func forceSaysWhoseResultItDoesNotReplace() throws {
    try cka(
      "converge", "m.npz", "--device", "cpu", "--output", "out", "--batch-sizes", "8", "--quiet"
    )
    .expectSuccess()
    try compare("--force", "--output", "out").expectFailure(
      73,
      "out: is a result of cka converge; cka compare --force replaces only its own results")
    try cka("sweep", "m.npz", "--device", "cpu", "--output", "store", "--quiet").expectSuccess()
    for folder in ["store", "store/results"] {
      try compare("--force", "--output", folder).expectFailure(73, "is a result of cka sweep")
    }
  }

  /// What a killed run left above or beside its result stayed for ever.
  @Test func leftoversOfKilledRunsGo() throws {
    // No process has this number: the kernel's largest is 2²².
    let process = 1 << 23
    #expect(mkdir(path(".c.partial-\(process)"), 0o700) == 0)
    try cka.folder.write("", to: "a/b/.c.partial-\(process)/cka.npy")
    try cka.folder.write("mine", to: "a/b/.c.partial-\(process + 1)/thesis.tex")
    try cka.folder.write("mine", to: "a/.c.partial-\(process)/cka.npy")
    try compare("--output", "a/b/c").expectSuccess()
    #expect(try cka.contents() == ["a", "m.npz"])
    #expect(try cka.contents(of: "a") == [".c.partial-\(process)", "b"])
    #expect(try cka.contents(of: "a/b") == [".c.partial-\(process + 1)", "c"])
    // On file systems that cannot exchange folders, the old result is put back.
    #expect(rename(path("a/b/c"), path("a/b/.c.partial-\(process).old")) == 0)
    try compare("--output", "a/b/c").expectFailure(73, "a/b/c: exists")
    _ = try TestResult(cka, "a/b/c")
    // Pictures, too, are written aside.
    try cka.folder.write("", to: "a/b/c/.heatmap.png.partial-\(process)")
    try cka("plot", "a/b/c").expectSuccess()
    #expect(try cka.contents(of: "a/b/c").allSatisfy { !$0.hasPrefix(".") })
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
      "/dev/null/x", "/dev/null", "/proc/none/x", String(repeating: "n", count: 256),
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
