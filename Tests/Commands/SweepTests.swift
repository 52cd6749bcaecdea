import Foundation
import TestSupport
import Testing

/// `cka sweep` and `cka merge` as their users run them.
@Suite(.serialized) struct SweepTests {
  let cka: Cka
  private let models = ["a.npz", "b.npz", "c.npz"]
  private var sweep: [String] { ["sweep"] + models + Self.options }
  static let options = ["--device", "cpu", "--batch-size", "16"]

  init() throws {
    cka = try Cka()
    for (seed, name) in models.enumerated() {
      try cka.folder.write(TestModel(layers: 12, n: 192, seed: UInt64(seed) + 1).npz, to: name)
    }
  }

  /// Every file of a store but the lock, and what is in it.
  private func files(_ store: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    let path = "\(cka.folder.path)/\(store)"
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) where name != "lock" {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
      if !isFolder.boolValue { files[name] = try cka.bytes("\(store)/\(name)") }
    }
    return files
  }

  /// What of a store does not depend on when it was made.
  private func content(_ store: String) throws -> [String: [UInt8]] {
    try files(store).filter { !$0.key.hasPrefix("models/") && !$0.key.hasPrefix("results/") }
  }

  @Test func saysWhatWasFoundAndComputed() throws {
    let first = try cka.run(sweep + ["--output", "store"])
    first.expectSuccess()
    // 192 examples are 12 minibatches of 16; three models are six pairs.
    #expect(first.output.contains("3 models, 12 minibatches"))
    #expect(first.output.contains("Gram matrices (per model and minibatch): 36 computed in "))
    #expect(first.output.contains(", 0 cached\n"))
    #expect(
      first.output.contains("inner products (per pair of models and minibatch): 72 computed in "))
    let second = try cka.run(sweep + ["--output", "store"])
    second.expectSuccess()
    #expect(second.output.contains("0 computed, 36 cached\n"))
    #expect(second.output.contains("0 computed, 72 cached\n"))
    try cka.run(sweep + ["--output", "store", "--quiet"]).expectSuccess()
  }

  /// Examples that fill no minibatch are told of, as `compare` tells of them.
  @Test func saysHowManyExamplesAreLeftOut() throws {
    let run = try cka.run(
      ["sweep"] + models + ["--device", "cpu", "--batch-size", "100", "--output", "s"])
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("92 of 192 examples do not fill a minibatch of 100"))
  }

  /// How many files and folders there are of a store, by which a process may be at work.
  private func entryCount(_ store: String) -> Int {
    FileManager.default.enumerator(atPath: "\(cka.folder.path)/\(store)")?.allObjects.count ?? 0
  }

  @Test func killsCostNothing() throws {
    try cka.run(sweep + ["--output", "whole", "--quiet"]).expectSuccess()
    let whole = try content("whole")
    let wholeCount = entryCount("whole")
    var generator = SeededGenerator(seed: 8)
    var isCut = 0
    var survived = 0
    // Ten stores are each killed twice: when a random number of files is there, and again while it goes on.
    for round in 0..<10 {
      let store = "store\(round)"
      for _ in 0..<2 {
        var process = try cka.start(sweep + ["--output", store, "--quiet"])
        let moment = Int.random(
          in: min(entryCount(store), wholeCount - 1)..<wholeCount, using: &generator)
        while entryCount(store) < moment, process.isRunning() {}
        process.kill()
        if try process.wait().signal == SIGKILL { isCut += 1 }
        guard cka.exists(store) else { continue }
        // All that is there under its name is whole.
        for (name, bytes) in try content(store) where !name.contains(".partial-") {
          #expect(bytes == whole[name], "\(name)")
          if name.hasSuffix(".grams") { survived += 1 }
        }
      }
      let before = try content(store).count {
        $0.key.hasSuffix(".grams") && !$0.key.contains(".partial-")
      }
      let last = try cka.run(sweep + ["--output", store])
      last.expectSuccess()
      // Nothing that was there is computed again.
      let words = "Gram matrices (per model and minibatch): \(36 - before) computed"
      #expect(
        last.output.contains(words) && last.output.contains(", \(before) cached\n"),
        "\(last.output)")
      #expect(try content(store) == whole)
    }
    #expect(isCut > 10, "most processes were done before they were killed")
    #expect(survived > 0, "no process was killed in the middle")
  }

  @Test func twoProcessesDoNotHarmEachOther() throws {
    var first = try cka.start(sweep + ["--output", "store", "--quiet"])
    // Stopped, so that they meet; again where it was done before, as on a busy machine.
    for _ in 0..<50 {
      while !cka.exists("store/store.json"), first.isRunning() {}
      kill(first.id, SIGSTOP)
      if first.isRunning() { break }
      try FileManager.default.removeItem(atPath: "\(cka.folder.path)/store")
      first = try cka.start(sweep + ["--output", "store", "--quiet"])
    }
    let second = try cka.run(sweep + ["--output", "store", "--quiet"])
    second.expectFailure(73, "store: is in use by process \(first.id) on ")
    kill(first.id, SIGCONT)
    try first.wait().expectSuccess()
    try cka.run(sweep + ["--output", "store", "--quiet"]).expectSuccess()
    try cka.run(sweep + ["--output", "alone", "--quiet"]).expectSuccess()
    #expect(try content("store") == content("alone"))
  }

  /// A device is no other one where a process may use less of its memory: shares made under other limits
  /// join to the bytes of one sweep.
  @Test func limitsOfTheProcessAreNotInTheStore() throws {
    try cka.run(sweep + ["--output", "whole", "--quiet"]).expectSuccess()
    let limited = cka.shell("ulimit -v 4000000; exec \"$@\"")
    try limited.run(sweep + ["--output", "store", "--quiet"]).expectSuccess()
    #expect(try content("store") == content("whole"))
  }

  /// A limit on files' sizes breaks the writing off in the middle of one.
  @Test func filesOverTheLimitLeaveAGoodStore() throws {
    try cka.run(sweep + ["--output", "whole", "--quiet"]).expectSuccess()
    let limited = cka.shell("ulimit -f 8; exec \"$@\"")
    try limited.run(sweep + ["--output", "store", "--quiet"])
      .expectFailure(74, "store/minibatches/1/grams/", "File too large")
    for (name, bytes) in try content("store") { #expect(try content("whole")[name] == bytes) }
    try cka.run(sweep + ["--output", "store", "--quiet"]).expectSuccess()
    #expect(try content("store") == content("whole"))
  }

  @Test(.enabled(if: BrokenOutputTests.mayMount, "a user who may not mount"))
  func fullDisksLeaveAGoodStore() throws {
    try cka.run(sweep + ["--output", "whole", "--quiet"]).expectSuccess()
    #expect(mkdir("\(cka.folder.path)/disk", 0o700) == 0)
    var full = cka.shell(
      """
      mount -t tmpfs -o size=128k none disk
      "$@"; code=$?
      cp -r disk/store kept
      exit $code
      """)
    full.prefix = ["unshare", "-rm"] + full.prefix
    try full.run(sweep + ["--output", "disk/store", "--quiet"])
      .expectFailure(74, "disk/store/minibatches/", "No space left on device")
    let whole = try content("whole")
    let kept = try content("kept")
    #expect(kept.count > 3)
    for (name, bytes) in kept { #expect(bytes == whole[name], "\(name)") }
    // On another disk, it goes on.
    try cka.run(sweep + ["--output", "kept", "--quiet"]).expectSuccess()
    #expect(try content("kept") == whole)

    // Without --quiet, the room is looked at before.
    let run = try full.run(sweep + ["--output", "disk/store"])
    #expect(run.code == 74 && run.errors.contains("are free"), "\(run.errors)")
  }

  @Test func shardsAreJoined() throws {
    try cka.run(sweep + ["--output", "whole", "--quiet"]).expectSuccess()
    for index in 1...3 {
      let run = try cka.run(sweep + ["--output", "s\(index)", "--shard", "\(index)/3"])
      run.expectSuccess()
      #expect(run.output.contains("shard \(index)/3 of 3 models, 4 minibatches"))
    }
    try cka("merge", "s1", "s3", "--output", "merged").expectFailure(65, "shard 2/3", "is missing")
    try cka("merge", "s3", "s1", "s2", "s1", "--output", "merged").expectFailure(65, "overlaps")
    try cka("merge", "s1", "nothing", "--output", "merged").expectFailure(
      66, "nothing: is not a store")
    let merge = try cka("merge", "s3", "s1", "s2", "--output", "merged")
    merge.expectSuccess()
    #expect(merge.output.contains("3 shares of 3 models, 12 minibatches"))
    #expect(try content("merged") == content("whole"))
    // The same again goes on with what is there; another store is not overwritten.
    let again = try cka("merge", "s3", "s1", "s2", "--output", "merged")
    again.expectSuccess()
    #expect(again.output.contains("0 written"))
    #expect(try content("merged") == content("whole"))
    try cka("merge", "s3", "s1", "s2", "--output", "s1").expectFailure(73, "s1: exists")
    try cka.run(sweep + ["--output", "merged", "--quiet"]).expectSuccess()
    try cka.run(sweep + ["--output", "x", "--shard", "13/13"])
      .expectFailure(64, "more shards than minibatches")
    for shard in [
      "0/0", "1/0", "0/2", "3/2", "-1/2", "1/-2", "1", "1/2/3", "9223372036854775808/2",
      "9223372036854775807/9223372036854775807", "1/9223372036854775807",
    ] {
      #expect(try cka.run(sweep + ["--output", "x", "--shard=\(shard)"]).code == 64, "\(shard)")
    }
    #expect(!cka.exists("x"))
  }

  @Test func refusesWhatCannotBeSwept() throws {
    try cka.run(["sweep", "nothing.npz", "--output", "store"] + Self.options)
      .expectFailure(66, "nothing.npz")
    #expect(!cka.exists("store"))
    try cka.folder.write(TestModel(layers: 2, n: 3).npz, to: "few.npz")
    try cka.run(["sweep", "few.npz", "--output", "store"] + Self.options)
      .expectFailure(65, "3 examples are compared", "needs at least 4")
    try cka.run(["sweep", "a.npz", "few.npz", "--output", "store"] + Self.options)
      .expectFailure(65, "few has 3 examples and a 192")
    try cka.run(["sweep", "b.npz", "--output", "store"] + Self.options + ["--seed", "4"])
      .expectFailure(64, "store: was made with --seed 0, found 4")
    try cka.run(sweep + ["--output", "store", "--memory", "10M"]).expectFailure(
      64, "--memory: 10.0 MiB is too small", "96.")
    let odd = try cka.run(sweep + ["--output", "store", "--memory", "lots"])
    #expect(odd.code == 64)
    // What was there before the model that did not fit stays.
    let run = try cka.run(["sweep", "a.npz", "--output", "store"] + Self.options)
    run.expectSuccess()
    #expect(run.output.contains("0 computed, 12 cached"))
  }
}
