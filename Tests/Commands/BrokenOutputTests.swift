import Foundation
import TestSupport
import Testing

/// Disks that fill up, readers that go, streams that are closed.
struct BrokenOutputTests {
  let cka: Cka

  init() throws {
    cka = try Cka()
    try cka.folder.write(TestModel(layers: 40).npz, to: "m.npz")
  }

  static let compare = ["compare", "m.npz", "--device", "cpu", "--batch-size", "24"]

  @Test(arguments: [("1", "cka.npy"), ("28", "cka.csv"), ("80", "heatmap.png")])
  func filesOverTheLimitLeaveNothing(blocks: String, file: String) throws {
    let limited = cka.shell("ulimit -f \(blocks); exec \"$@\"")
    try limited.run(Self.compare).expectFailure(74, "cka-result/\(file)", "File too large")
    #expect(try cka.contents() == ["m.npz"])

    try cka.run(Self.compare + ["--quiet"]).expectSuccess()
    let before = try TestResult(cka)
    try limited.run(Self.compare + ["--force"]).expectFailure(74, "cka-result/\(file)")
    #expect(try TestResult(cka).bytes == before.bytes)
    try limited.run(Self.compare + ["--output", "a/b"]).expectFailure(74, "a/b/\(file)")
    #expect(try cka.contents() == ["cka-result", "m.npz"])
  }

  @Test func picturesOverTheLimitLeaveTheOldOnes() throws {
    try cka.run(Self.compare + ["--quiet"]).expectSuccess()
    let before = try TestResult(cka)
    let limited = cka.shell("ulimit -f 8; exec \"$@\"")
    try limited("plot", "cka-result").expectFailure(74, "cka-result/heatmap.png")
    try limited("plot", "cka-result", "--output", "a.pdf").expectFailure(74, "a.pdf")
    #expect(try TestResult(cka).bytes == before.bytes)
    #expect(try cka.contents() == ["cka-result", "m.npz"])
  }

  /// Whether this user may mount in a namespace of its own.
  static let mayMount: Bool = {
    guard var probe = try? Cka() else { return false }
    probe.prefix = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt", "sh"]
    return (try? probe().code) == 0
  }()

  @Test(.enabled(if: mayMount, "a user who may not mount"))
  func fullDisksLeaveNothing() throws {
    #expect(mkdir("\(cka.folder.path)/disk", 0o700) == 0)
    var full = cka.shell(
      """
      mount -t tmpfs -o size=64k none disk && mkdir disk/old && echo x >disk/old/x
      "$@"; code=$?
      find disk >found
      exit $code
      """)
    full.prefix = ["unshare", "-rm"] + full.prefix
    for output in ["disk/out", "disk/a/out"] {
      try full.run(Self.compare + ["--output", output])
        .expectFailure(74, "\(output)/", "No space left on device")
      let found = try #require(String(validating: cka.bytes("found"), as: UTF8.self))
      #expect(lines(found).sorted() == ["disk", "disk/old", "disk/old/x"])
    }
  }

  @Test(arguments: [">/dev/full", ">&-"]) func lostMapsAreErrors(redirection: String) throws {
    let run = try cka.shell("exec \"$@\" \(redirection)").run(Self.compare)
    run.expectFailure(74, "standard output: cannot be written")
    _ = try TestResult(cka)
    try cka.shell("exec \"$@\" \(redirection)")("inspect", "m.npz").expectFailure(74, "standard")
  }

  @Test(arguments: ["2>/dev/full", "2>&-", "<&- 2>&-"])
  func lostMessagesAreNot(redirection: String) throws {
    let closed = cka.shell("exec \"$@\" \(redirection)")
    // Fewer examples than a batch holds: there is a message.
    let run = try closed("compare", "m.npz", "--device", "cpu")
    run.expectSuccess()
    #expect(run.output.contains("written to cka-result"))
    _ = try TestResult(cka)
    let failure = try closed("inspect", "nothing")
    #expect(failure.code == 66 && failure.errors.isEmpty && failure.output.isEmpty)
  }

  /// The pipe's reader has gone, or goes after a line: `| head -n 1`.
  @Test(arguments: [":", "head -n 1 >/dev/null"], ["", "trap '' PIPE;"])
  func goneReadersAreNoErrors(reader: String, trap: String) throws {
    let piped = cka.shell("\(trap) { \"$@\"; echo $? >code; } | \(reader)")
    for arguments in [Self.compare, ["inspect", "m.npz"], ["plot", "cka-result"]] {
      let run = try piped.run(arguments)
      run.expectSuccess()
      #expect(try cka.bytes("code") == Array("0\n".utf8))
    }
    _ = try TestResult(cka)
  }

  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/script"), "no script(1)"),
    arguments: [nil, "", "1"] as [String?])
  func terminalsShowColors(noColor: String?) throws {
    var cka = cka
    cka.environment["TERM"] = "xterm-256color"
    cka.environment["NO_COLOR"] = .some(noColor)
    cka.environment["CKA"] = Cka.path
    func onTerminal(_ options: String) throws -> Run {
      let command = "\"$CKA\" \(Self.compare.joined(separator: " ")) \(options)"
      return try cka.shell("exec script -qec '\(command)' /dev/null")()
    }
    let run = try onTerminal("2>errors")
    #expect(run.code == 0)
    // https://no-color.org: set and not empty.
    #expect(run.output.contains("\u{1B}[") == (noColor != "1"), "\(run.output)")
    #expect(run.output.contains("layer0"))
    #expect(try cka.bytes("errors").isEmpty)

    let progress = try onTerminal("--force >output")
    #expect(progress.code == 0, "\(progress.output)")
    let output = try #require(String(validating: cka.bytes("output"), as: UTF8.self))
    #expect(!output.contains("\u{1B}") && output.contains("layer0"))
  }
}
