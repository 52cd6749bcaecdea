import Foundation
import TestSupport
import Testing

@testable import SweepStore

/// Shares of a plan's minibatches, and the store they make together.
@Suite struct MergeTests {
  /// The shares of `count`, and the names of their stores.
  private func shares(_ study: Study, _ models: [String], count: Int) throws -> [String] {
    try (1...count).map { index in
      let name = "share\(index)of\(count)"
      try study.sweep(name, models, shard: Shard(index: index, count: count))
      return study.path(name)
    }
  }

  @Test(arguments: [1, 2, 3, 7]) func hasTheBitsOfOneSweep(count: Int) throws {
    let study = try Study(batchSize: 8)
    let ids = Array(0..<56)
    let models = try (1...3).map { try study.write("m\($0)", seed: $0, ids: ids) }
    try study.sweep("whole", models)
    let whole = try study.files("whole")
    var generator = SeededGenerator(seed: UInt64(count))
    let shares = try shares(study, models, count: count)
    for round in 0..<3 {
      let name = "merged\(round)"
      let order = shares.shuffled(using: &generator)
      try StoreMerge(order).write(to: study.path(name))
      let merged = try study.files(name)
      #expect(merged.keys.sorted() == whole.keys.sorted())
      for (file, data) in whole { #expect(merged[file] == data, "\(file), \(order)") }
    }
    // It grows like any other store.
    let new = try study.write("new", seed: 9, ids: ids)
    for name in ["whole", "merged0"] {
      let summary = try study.sweep(name, [new])
      #expect(summary.gramsMade == 7 && summary.productsMade == 4 * 7)
    }
    #expect(try study.bits("merged0") == study.bits("whole"))
  }

  /// Files that were written a moment ago are remembered like any others: entries once lacked their times
  /// where a sweep came within a second, and two stores of the same models differed.
  @Test func freshFilesAreRememberedLikeOldOnes() throws {
    let study = try Study(batchSize: 8)
    let models = [try study.write("a", seed: 1)]
    try study.sweep("whole", models)
    let shares = try shares(study, models, count: 2)
    usleep(1_100_000)
    try study.sweep("later", models)
    try StoreMerge(shares).write(to: study.path("merged"))
    let whole = try study.files("whole")
    #expect(try study.files("later") == whole)
    #expect(try study.files("merged") == whole)
    let entry = try #require(try Store(reading: study.path("whole")).entries.first?.entry)
    #expect(entry.files.map(\.name) == ["layer0.npy", "layer1.npy", "layer2.npy"])
  }

  /// What lies in a share and is not the share's is not joined, and what somebody keeps under the name of
  /// an unfinished store stays.
  @Test func takesWhatIsOfSharesOnly() throws {
    let study = try Study(batchSize: 8)
    let models = [try study.write("a", seed: 1)]
    let shares = try shares(study, models, count: 2)
    try study.folder.write("mine", to: "share1of2/minibatches/1/grams/notes.txt")
    try study.folder.write("mine", to: "share1of2/minibatches/1/products/x/notes.txt")
    try study.folder.write("mine", to: ".merged.partial-999999999/notes.txt")
    try study.folder.write("{}", to: ".merged.partial-999999999/store.json")
    try StoreMerge(shares).write(to: study.path("merged"))
    #expect(try !study.files("merged").keys.contains { $0.hasSuffix("notes.txt") })
    #expect(try StorePath.exists(study.path(".merged.partial-999999999/notes.txt")))
    #expect(try !StorePath.exists(study.path(".merged.partial-999999999/store.json")))
    // Matrices of another minibatch, under a name that fits.
    try FileManager.default.removeItem(atPath: study.path("merged"))
    let store = try Store(reading: shares[0])
    let entry = try #require(store.entries.first?.entry)
    let (first, third) = (try #require(entry.key(0)), try #require(entry.key(2)))
    unlink(store.gramPath(0, first))
    #expect(link(store.gramPath(2, third), store.gramPath(0, first)) == 0)
    expectError(.data, first.hexadecimal, "key") { _ = try StoreMerge(shares) }
  }

  @Test func refusesOverlapsAndGaps() throws {
    let study = try Study(batchSize: 8)
    let models = try (1...2).map { try study.write("m\($0)", seed: $0) }
    let (two, three) = (
      try shares(study, models, count: 2), try shares(study, models, count: 3)
    )
    func refuses(_ paths: [String], _ words: [String]) {
      do {
        _ = try StoreMerge(paths)
        Issue.record("\(paths) were joined")
      } catch {
        for word in words { #expect("\(error)".contains(word), "\(error)") }
        #expect((error as? StoreError)?.kind == .data)
      }
    }
    var generator = SeededGenerator(seed: 4)
    // All ways to leave out shares of one division, in any order.
    for subset in 1..<7 {
      let chosen = (0..<3).filter { subset >> $0 & 1 == 1 }.shuffled(using: &generator)
      let missing = (1...3).filter { !chosen.contains($0 - 1) }
      refuses(
        chosen.map { three[$0] },
        ["shard " + missing.map { "\($0)/3" }.joined(separator: ", "), "is missing"])
    }
    refuses(two + [two[1]], ["share2of2", "overlaps", "minibatch 2"])
    refuses([two[0], three[1], three[2]], ["overlaps", "both hold minibatch"])
    // 1, 3, 5, 7 of two and 2, 5 of three share the fifth.
    refuses([two[0], three[1]], ["overlaps", "minibatch 5"])
    try study.sweep("whole", models)
    refuses([study.path("whole")], ["whole", "expected a shard"])
    expectError(.usage, "no shards") { _ = try StoreMerge([]) }
    #expect(try !StorePath.exists(study.path("merged")))

    expectError(.usage, "--shard 8/8", "more shards than minibatches", "has 7") {
      try study.sweep("x", models, shard: Shard("8/8"))
    }
    #expect(try !StorePath.exists(study.path("x")))
    expectError(.data, "share1of2", "only shard 1/2") { _ = try study.results("share1of2") }
    try study.sweep("one", [models[0]])
    expectError(.cannotCreate, "one", "exists") {
      try StoreMerge(two).write(to: study.path("one"))
    }
  }

  @Test func refusesOtherSettingsAndModels() throws {
    let study = try Study(batchSize: 8)
    let (a, b) = (try study.write("a", seed: 1), try study.write("b", seed: 2))
    try study.sweep("one", [a, b], shard: Shard("1/2"))
    let one = study.path("one")
    func refuses(_ words: String..., by change: (Study) throws -> [String]) throws {
      let settings = study.settings
      let models = try change(study)
      try study.sweep("two", models, shard: Shard("2/2"))
      study.settings = settings
      for order in [[one, study.path("two")], [study.path("two"), one]] {
        do {
          _ = try StoreMerge(order)
          Issue.record("joined, expected \(words)")
        } catch {
          for word in words { #expect("\(error)".contains(word), "\(error)") }
        }
      }
      try FileManager.default.removeItem(atPath: study.path("two"))
    }
    try refuses("--seed") {
      $0.settings.seed = 4
      return [a, b]
    }
    try refuses("--store-precision") {
      $0.settings.storePrecision = .float16
      return [a, b]
    }
    try refuses("lacks the model b") { _ in [a] }
    try refuses("has the model b where", "same order") { _ in [b, a] }
    try refuses("its model b differs") {
      try $0.write("b", seed: 3)
      return [a, b]
    }
    try refuses("its model b differs") {
      try $0.write("b", seed: 2, layers: 4)
      return [a, b]
    }
  }

  @Test func refusesUnfinishedAndDamagedShares() throws {
    let study = try Study(batchSize: 8)
    let models = try (1...2).map { try study.write("m\($0)", seed: $0) }
    let shares = try shares(study, models, count: 2)
    let files = try study.files("share2of2").keys.sorted()
    for (ending, words) in [(".products", "lacks minibatch 2"), (".grams", "No such file")] {
      let name = try #require(files.first { $0.hasSuffix(ending) })
      let path = study.path("share2of2/\(name)")
      let kept = try Data(contentsOf: URL(fileURLWithPath: path))
      unlink(path)
      do {
        _ = try StoreMerge(shares)
        Issue.record("an unfinished share was joined")
      } catch {
        #expect("\(error)".contains(words), "\(error)")
      }
      try kept.write(to: URL(fileURLWithPath: path))
      try study.damage("share2of2/\(name)", at: 0.01)
      expectError(.data, name, "is damaged") { _ = try StoreMerge(shares) }
      unlink(path)
      try kept.write(to: URL(fileURLWithPath: path))
    }
    try StoreMerge(shares).write(to: study.path("merged"))
  }

  @Test func shardsAreReadStrictly() {
    #expect(Shard("3/16")?.minibatches(of: 40) == [2, 18, 34])
    for text in ["", "3", "0/4", "5/4", "-1/4", "1/0", "1/2/3", "a/b", "1/", "/2", " 1/2"] {
      #expect(Shard(text) == nil, "\(text)")
    }
  }
}
