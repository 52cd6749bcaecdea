import Foundation
import TestSupport
import Testing

/// `kill -9` at any moment leaves a whole result or none.
@Suite(.serialized) struct KillTests {
  let cka: Cka
  private let new = ["compare", "m.npz", "--device", "cpu", "--quiet"]

  init() throws {
    cka = try Cka()
    // Little to compute and much to write.
    try cka.folder.write(TestModel(layers: 100, n: 8).npz, to: "m.npz")
  }

  /// When a process is killed.
  enum Moment: String, CaseIterable { case anyTime, whileWriting }

  @Test(arguments: Moment.allCases, [false, true])
  func leavesWholeResults(moment: Moment, isReplacing: Bool) throws {
    let clock = ContinuousClock()
    let start = clock.now
    try cka.run(new + ["--output", "new"]).expectSuccess()
    let duration = (clock.now - start) / .seconds(1)
    let newResult = try TestResult(cka, "new")
    try cka.run(new + ["--output", "old", "--estimator", "biased"]).expectSuccess()
    let oldResult = try TestResult(cka, "old")

    var generator = SeededGenerator(seed: isReplacing ? 5 : 6)
    var leftovers = 0
    // Eight times, and on until a process was killed while it wrote: one may be done before it is seen to write.
    var round = 0
    while round < 8 || moment == .whileWriting && leftovers == 0 && round < 1000 {
      defer { round += 1 }
      try? FileManager.default.removeItem(atPath: "\(cka.folder.path)/out")
      if isReplacing {
        try FileManager.default.copyItem(
          atPath: "\(cka.folder.path)/old", toPath: "\(cka.folder.path)/out")
      }
      let fraction = Double.random(in: 0..<1, using: &generator)
      var process = try cka.start(new + ["--output", "out"] + (isReplacing ? ["--force"] : []))
      switch moment {
      case .anyTime: usleep(UInt32(fraction * duration * 1e6))
      case .whileWriting:
        let aside = "\(cka.folder.path)/.out.partial-\(process.id)/cka.npy"
        while access(aside, F_OK) != 0, process.isRunning() {}
        // Shorter and shorter: where files are in memory, all are written within a millisecond.
        usleep(UInt32(fraction * 3e4 / Double(1 << min(round / 3, 14))))
      }
      process.kill()
      _ = try process.wait()
      leftovers += try cka.contents().filter { $0.hasPrefix(".out.partial-") }.count

      guard cka.exists("out") else {
        #expect(!isReplacing, "round \(round): the old result is gone")
        continue
      }
      let result = try TestResult(cka, "out")
      let isNew = result.z != nil
      #expect(isNew || isReplacing)
      for (name, bytes) in isNew ? newResult.bytes : oldResult.bytes where name != "result.json" {
        #expect(result.bytes[name] == bytes, "round \(round): \(name)")
      }
      #expect(result.json("estimator", "name") as? String == (isNew ? "minibatch" : "biased"))
    }
    if moment == .whileWriting { #expect(leftovers > 0, "no kill hit the writing") }

    try cka.run(new + ["--output", "out", "--force"]).expectSuccess()
    _ = try TestResult(cka, "out")
    #expect(try cka.contents() == ["m.npz", "new", "old", "out"])
  }
}
