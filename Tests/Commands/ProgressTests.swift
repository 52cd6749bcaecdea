import Activations
import Foundation
import TestSupport
import Testing

@testable import CommandSupport

/// What a terminal shows while a command works.
struct ProgressTests {
  /// The line of a stage that began so long ago.
  private func line(
    _ done: Double, of total: Double, name: String? = nil, isEven: Bool = true,
    after elapsed: Double
  ) -> String {
    let meter = WorkMeter()
    meter.begin(total, as: name, isEven: isEven)
    meter.add(done)
    return WorkMeter.Stage.line(meter.stages[0], elapsed: elapsed, columns: 80)
  }

  /// `components` began with "4 min 55 s left" and took 19 s.
  @Test func whatIsLeftIsToldFromEnoughEvenWork() {
    let bars = { String(repeating: "█", count: $0) + String(repeating: "░", count: 24 - $0) }
    #expect(line(0, of: 4e12, after: 0.5) == "\(bars(0)) 0 %  for 0 s")
    // Too little of the work, and too short a time.
    #expect(line(1.9e11, of: 4e12, after: 60) == "\(bars(1)) 4 %  for 60 s")
    #expect(line(1e12, of: 4e12, after: 0.9) == "\(bars(6)) 25 %  for 0 s")
    #expect(line(1e12, of: 4e12, after: 2) == "\(bars(6)) 25 %  6 s left")
    #expect(line(2e11, of: 4e12, after: 10) == "\(bars(1)) 5 %  3 min 10 s left")
    #expect(line(3.999e12, of: 4e12, after: 10) == "\(bars(23)) 99 %  1 s left")
    // More than was foretold is all of it.
    #expect(line(5e12, of: 4e12, after: 10) == "\(bars(24)) 100 %  for 10 s")
    #expect(
      line(3, of: 4, name: "components", isEven: false, after: 10)
        == "\(bars(18)) 75 %  components  for 10 s")
    #expect(line(0, of: 0, after: 3) == "\(bars(0)) 0 %  for 3 s")
    #expect(WorkMeter.Stage.line(nil, elapsed: 3.7, columns: 80) == "working for 3 s")
    #expect(WorkMeter.Stage.line(nil, elapsed: 3.7, columns: 10) == "working f")
  }

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

  /// What the command says that it worked, which is not what a busy machine takes to start and to end it; 0 where it
  /// does not say.
  private func secondsOfWork(_ cka: Cka, _ output: String) throws -> Double {
    try cka.contents(of: output).filter { $0.hasSuffix(".json") }.compactMap { name in
      let bytes = try cka.bytes("\(output)/\(name)")
      let document = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
      return ((document?["timings"] as? [String: Any])?["total"] ?? document?["seconds"]) as? Double
    }.max() ?? 0
  }

  /// Runs that said nothing, or showed no share, for as long as they took: how fast the machine is decides how many
  /// lines there are, not what they say.
  @Test(arguments: [
    ["compare", "m.npz", "--estimator", "unbiased"],
    ["compare", "m.npz", "--estimator", "unbiased", "--kernel", "rbf"],
    ["compare", "far.npz", "--estimator", "unbiased"],
    ["compare", "m.npz", "--batch-size", "30", "--passes", "100"],
    ["trust", "m.npz", "--cell", "a,b"], ["components", "m.npz"],
    ["sweep", "m.npz", "far.npz", "--estimator", "unbiased"],
  ])
  func longRunsShowTheShareThatIsDone(words: [String]) throws {
    let cka = try Cka()
    var model = TestModel(["a", "b", "c", "d"], n: 900)
    try cka.folder.write(model.npz, to: "m.npz")
    // An example so far from all others that float32 leaves nothing of them.
    let p = model.layers[0].activations.p
    for feature in 0..<p { model.layers[0].activations.values[7 * p + feature] *= 0x1p40 }
    try cka.folder.write(model.npz, to: "far.npz")
    let shown = try terminal(cka, words + ["--device", "cpu", "--output", "out"])
    let seconds = try secondsOfWork(cka, "out")
    let lines = shown.components(separatedBy: "\r\u{1B}[K").dropFirst()
    // Twice a second, but the first half second.
    if seconds > 4 { #expect(lines.count >= 2, "\(seconds) s: \(shown.debugDescription)") }
    var last: (name: Substring, percent: Int) = ("", 0)
    for line in lines {
      guard let match = line.firstMatch(of: #/^[█░]{24} (\d+) %  (?:([a-z 0-9A-Z]+)  )?/#) else {
        continue
      }
      let percent = try #require(Int(match.1))
      let name = match.2 ?? ""
      #expect((0...100).contains(percent))
      // It rises from stage to stage anew.
      if name == last.name { #expect(percent >= last.percent, "\(shown.debugDescription)") }
      last = (name, percent)
      if line.contains("left") { #expect(percent >= 5, "\(line)") }
    }
    // The line is gone at the end.
    #expect(
      shown.isEmpty || !(shown.split(separator: "\r").last ?? "").contains("working"),
      "\(shown.debugDescription)")
    #expect(try !String(decoding: cka.bytes("printed"), as: UTF8.self).contains("\u{1B}[K"))
    var quiet = try terminal(cka, words + ["--device", "cpu", "--quiet", "--output", "quiet"])
    quiet.removeAll { $0.isNewline }
    #expect(!quiet.contains("%") && !quiet.contains("working"), "\(quiet.debugDescription)")
  }
}
