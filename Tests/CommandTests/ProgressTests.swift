import Foundation
import TestSupport
import Testing

/// What a terminal shows while a command works.
@Suite(.timeLimit(.minutes(10))) struct ProgressTests {
  /// What `cka` writes to a terminal on standard error.
  private func terminal(_ cka: Cka, _ words: [String]) throws -> String {
    var shell = cka
    shell.environment["TERM"] = "xterm"
    shell.program = "/usr/bin/script"
    let command = ([Cka.path] + words).joined(separator: " ")
    let run = try shell.run(["-qec", "\(command) >printed", "/dev/null"])
    #expect(run.code == 0, "\(run.output)")
    return run.output
  }

  /// Runs of one step, that said nothing for as long as they took, and runs of many.
  @Test(arguments: [
    ["compare", "m.npz", "--estimator", "unbiased"], ["trust", "m.npz", "--cell", "a,b"],
    ["components", "m.npz"], ["compare", "m.npz", "--batch-size", "30", "--passes", "100"],
  ])
  func longRunsShowThatTheyGoOn(words: [String]) throws {
    let cka = try Cka()
    try cka.folder.write(TestModel(["a", "b", "c", "d"], n: 1200).npz, to: "m.npz")
    let start = ContinuousClock.now
    let shown = try terminal(cka, words + ["--device", "cpu"])
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let updates = shown.components(separatedBy: "\r\u{1B}[K").count - 1
    // Twice a second, but the first half second and what the process takes to start and to end.
    if seconds > 3 { #expect(updates >= 2, "\(seconds) s: \(shown.debugDescription)") }
    // Nothing is foretold from less than a second's work, and the line is gone at the end.
    for line in shown.components(separatedBy: "\r\u{1B}[K") where line.contains("left") {
      let counts = try #require(line.firstMatch(of: #/ (\d+)\/(\d+) /#), "\(line)")
      let (done, total) = (try #require(Int(counts.1)), try #require(Int(counts.2)))
      #expect(20 * done >= total, "\(line)")
    }
    #expect(
      shown.isEmpty || !(shown.split(separator: "\r").last ?? "").contains("working"),
      "\(shown.debugDescription)")
    #expect(try !String(decoding: cka.bytes("printed"), as: UTF8.self).contains("\u{1B}[K"))
    var quiet = try terminal(cka, words + ["--device", "cpu", "--quiet", "--output", "quiet"])
    quiet.removeAll { $0.isNewline }
    #expect(quiet.isEmpty, "\(quiet.debugDescription)")
  }
}
