import Foundation
import TestSupport
import Testing

/// `cka inspect` and `cka plot`.
struct InspectAndPlotTests {
  let cka: Cka

  init() throws { cka = try Cka() }

  @Test func inspectListsLayers() throws {
    let values = Activations64.normal(n: 20, p: 12, seed: 3).values
    try cka.folder.write(NPYFile.bytes(values, shape: [20, 3, 2, 2]), to: "m/layer10.npy")
    try cka.folder.write(
      NPYFile.bytes(values, shape: [20, 12], type: .float64, bigEndian: true, fortran: true),
      to: "m/layer2.npy")
    let run = try cka("inspect", "m/")
    run.expectSuccess()
    let rows = lines(run.output)
    #expect(rows.count == 5)
    #expect(rows[0].hasPrefix("layer"))
    #expect(
      rows[1].contains(#/^layer2 +20 × 12 +12 +float64 \(swapped\) +Fortran +1\.9 KiB +12 +12$/#))
    #expect(rows[2].contains(#/^layer10 +20 × 3 × 2 × 2 +12 +float32 +C +960 B +3 +2$/#))
    #expect(rows[3].contains("--layout"))
    #expect(rows[4] == "m: 2 layers, 20 examples without sample IDs, 2.8 KiB")
  }

  @Test func inspectKeepsNamesOnTheirLines() throws {
    try cka.folder.write(TestModel(CompareTests.names).npz, to: "m.npz")
    let run = try cka("inspect", "m.npz")
    run.expectSuccess()
    #expect(lines(run.output).count == CompareTests.names.count + 2)
    #expect(!run.output.contains("\u{1B}") && !run.output.contains("\r"))
  }

  /// Unpacked layers keep a file each; only those that were opened raised the limit.
  @Test func packedLayersMayBeMoreThanOpenFiles() throws {
    let layers = (0..<80).map { index in
      (name: "layer\(index).npy", data: TestModel(layers: 1, seed: UInt64(index)).npy(0))
    }
    try ZipFile.writeDeflated(layers, to: "\(cka.folder.path)/m.npz")
    let limited = cka.shell("ulimit -S -n 48; exec \"$@\"")
    try limited("compare", "m.npz", "--device", "cpu", "--quiet", "--output", "out")
      .expectSuccess()
  }

  /// A result of two models in `cka-result`.
  private func compare() throws {
    try cka.folder.write(TestModel(layers: 3).npz, to: "a.npz")
    try cka.folder.write(TestModel(layers: 2, seed: 5).npz, to: "b.npz")
    try cka("compare", "a.npz", "b.npz", "--device", "cpu", "--quiet").expectSuccess()
  }

  /// What cannot be looked at was once told as "is not a result". (A link that leads to itself: such a failure
  /// meets the superuser, too.)
  @Test func pathsThatCannotBeLookedAtAreNamedWithTheError() throws {
    #expect(symlink("loop", "\(cka.folder.path)/loop") == 0)
    for words in [["plot", "loop"], ["blocks", "loop"]] {
      try cka.run(words).expectFailure(66, "loop/results/sweep.json", "Too many levels")
    }
    try cka.folder.write(TestModel(layers: 3, n: 24).npz, to: "m.npz")
    let labels = (0..<24).map { Double($0 % 2) }
    try cka.folder.write(NPYFile.bytes(labels, shape: [24], type: .int64), to: "y.npy")
    try cka("probe", "m.npz", "--labels", "y.npy", "--blocks", "loop")
      .expectFailure(66, "loop/blocks.json", "Too many levels")
    try cka("plot", "nothing").expectFailure(66, "nothing: is not a result")
  }

  @Test func plotDrawsTheSameAgain() throws {
    try compare()
    let before = try TestResult(cka)
    for name in ["heatmap.pdf", "heatmap.png", "heatmap.svg"] {
      try FileManager.default.removeItem(atPath: "\(cka.folder.path)/cka-result/\(name)")
    }
    let run = try cka("plot", "cka-result")
    run.expectSuccess()
    #expect(run.output.contains("layer0") && !run.output.contains("\u{1B}"))
    #expect(try TestResult(cka).bytes == before.bytes)
  }

  @Test func plotWritesOtherFiles() throws {
    try compare()
    for (name, magic) in [("a.pdf", "%PDF-"), ("b.SVG", "<?xml"), ("c.d.png", "\u{89}PNG")] {
      try cka("plot", "cka-result/", "--output", name).expectSuccess()
      #expect(try cka.bytes(name).starts(with: magic.unicodeScalars.map { UInt8($0.value) }))
      try cka("plot", "cka-result", "--output", name).expectFailure(73, name, "exists")
      try cka("plot", "cka-result", "--output", name, "--force").expectSuccess()
    }
    try cka("plot", "cka-result", "--output", "a.jpg").expectFailure(64, "a.jpg", ".png")
    try cka("plot", "cka-result", "--output", "png").expectFailure(64, "png")
    try cka("plot", "cka-result", "--output", "none/a.png").expectFailure(73, "none/a.png")
    try cka("plot", "cka-result", "--output", "/dev/full/a.png").expectFailure(73, "/dev/full")
    #expect(try cka.contents() == ["a.npz", "a.pdf", "b.SVG", "b.npz", "c.d.png", "cka-result"])
  }

  /// They were passed over without a word, or told as a fault of the result.
  @Test func plotRefusesOptionsThatItsPicturesDoNotHave() throws {
    try compare()
    try cka("plot", "cka-result", "--width", "1").expectFailure(64, "too narrow")
    try cka("plot", "cka-result", "--width", "0.5").expectUsage("1 to 100 inches")
    try cka("plot", "cka-result", "--report", "--title", "t").expectUsage("--report")
    try cka("plot", "cka-result", "--range", "0,0.5", "--title", "t").expectSuccess()
    try cka("components", "a.npz", "--device", "cpu", "--quiet", "--output", "components")
      .expectSuccess()
    for option in [["--range", "0,0.5"], ["--title", "t"]] {
      try cka.run(["plot", "components"] + option).expectFailure(
        64, "--range and --title", "components")
    }
  }

  /// One pairing has no deviation, and a result with none was refused as damaged.
  @Test func plotDrawsTrustOfOnePermutation() throws {
    try cka.folder.write(TestModel(layers: 3, n: 40).npz, to: "a.npz")
    try cka(
      "trust", "a.npz", "--cell", "layer0,layer1", "--permutations", "1", "--device", "cpu",
      "--quiet",
      "--output", "trust"
    ).expectSuccess()
    try cka("plot", "trust").expectSuccess()
  }

  @Test func plotRefusesWhatIsNoResult() throws {
    try cka.folder.write("", to: "empty/x")
    try cka.folder.write("{}", to: "file.json")
    for path in ["nothing", "empty", "file.json", "a.npz/b"] {
      try cka("plot", path).expectFailure(66, "\(path): is not a result")
    }
    #expect(mkdir("\(cka.folder.path)/fifo", 0o700) == 0)
    #expect(mkfifo("\(cka.folder.path)/fifo/result.json", 0o600) == 0)
    try cka("plot", "fifo").expectFailure(66, "fifo/result.json")
  }

  @Test func plotRefusesDamagedDocuments() throws {
    try compare()
    let whole = try #require(
      String(validating: cka.bytes("cka-result/result.json"), as: UTF8.self))
    let damaged = [
      "", "{", "[]", "null", "\"cka-result/1\"", String(whole.dropLast(whole.count / 2)),
      whole.replacing("cka-result/1", with: "cka-result/2"),
      whole.replacing("\"models\"", with: "\"model\""),
      whole.replacing("\"layers\"", with: "\"layer\""), "\0\u{1}\u{2}",
      "{\"format\": \"two\\nlines\"}", "{\"format\": \"cka-result/1\"}",
    ]
    for text in damaged {
      try cka.folder.write(text, to: "cka-result/result.json")
      try cka("plot", "cka-result").expectFailure(65, "cka-result/result.json")
    }
    try cka.folder.write(whole, to: "cka-result/result.json")
    try cka("plot", "cka-result").expectSuccess()
  }

  /// All of such a file was read into memory before its header was looked at.
  @Test func plotReadsNoScoresThatAreTooMany() throws {
    try compare()
    #expect(truncate("\(cka.folder.path)/cka-result/cka.npy", 1 << 40) == 0)
    try cka("plot", "cka-result").expectFailure(65, "cka-result/cka.npy")
  }

  @Test func plotRefusesDamagedScores() throws {
    try compare()
    let whole = try cka.bytes("cka-result/cka.npy")
    let scores = Array(repeating: 0.5, count: 6)
    let damaged = [
      Array(whole.dropLast()), [], whole + [0],
      NPYFile.bytes(scores, shape: [2, 3], type: .float64),
      NPYFile.bytes(scores, shape: [6], type: .float64),
      NPYFile.bytes(scores, shape: [3, 2, 1], type: .float64),
      NPYFile.bytes(scores, shape: [3, 2], type: .float32),
      NPYFile.bytes([2, 0, 0, 0, 0, 0], shape: [3, 2], type: .float64),
      NPYFile.bytes([.infinity, 0, 0, 0, 0, 0], shape: [3, 2], type: .float64),
      NPYFile.bytes([-1e300, 0, 0, 0, 0, 0], shape: [3, 2], type: .float64),
      NPYFile.bytes([-.infinity, 0, 0, 0, 0, 0], shape: [3, 2], type: .float64),
    ]
    for bytes in damaged {
      try cka.folder.write(bytes, to: "cka-result/cka.npy")
      try cka("plot", "cka-result").expectFailure(65, "cka-result/cka.npy")
    }
    try FileManager.default.removeItem(atPath: "\(cka.folder.path)/cka-result/cka.npy")
    try cka("plot", "cka-result").expectFailure(66, "cka-result/cka.npy")
  }

  @Test func plotReadsScoresInAnyOrder() throws {
    try compare()
    let scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    let transposed = [0.1, 0.3, 0.5, 0.2, 0.4, 0.6]
    for (bytes, name) in [
      (NPYFile.bytes(scores, shape: [3, 2], type: .float64), "c.png"),
      (NPYFile.bytes(transposed, shape: [3, 2], type: .float64, fortran: true), "f.png"),
      (NPYFile.bytes(scores, shape: [3, 2], type: .float64, bigEndian: true), "b.png"),
    ] {
      try cka.folder.write(bytes, to: "cka-result/cka.npy")
      try cka("plot", "cka-result", "--output", name).expectSuccess()
    }
    #expect(try cka.bytes("c.png") == cka.bytes("f.png"))
    #expect(try cka.bytes("c.png") == cka.bytes("b.png"))
  }
}
