import ActivationFiles
import Activations
import CKA
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SweepStore

/// Sweeps that several processes make together; here, threads stand for them.
@Suite struct TeamTests {
  @Test(arguments: [2, 3, 5])
  func givesTheFilesOfOneProcess(count: Int) throws {
    let study = try Study(batchSize: 8, passes: 2)
    var models = try (1...3).map { try study.write("m\($0)", seed: UInt64($0)) }
    study.settle()
    try study.sweep("alone", models)
    let summaries = try study.sweep("together", models, ranks: count)
    #expect(try study.files("together") == study.files("alone"))
    // Every rank knows what all did, and each unit was made once.
    for summary in summaries {
      #expect(summary.models == 3 && summary.gramsMade == 3 * 14 && summary.gramsFound == 0)
      #expect(summary.productsMade == 6 * 14 && summary.productsFound == 0)
    }

    // A store that one process made grows by a team's work, and is found whole by another.
    models.append(try study.write("m4", seed: 4))
    study.settle()
    try study.sweep("together", models)
    let grown = try study.sweep("alone", models, ranks: count)
    #expect(grown[0].gramsMade == 14 && grown[0].productsMade == 4 * 14)
    #expect(try study.bits("alone") == study.bits("together"))
    let again = try study.sweep("alone", models, ranks: count + 1)
    #expect(again.last?.gramsMade == 0 && again.last?.productsMade == 0)
    #expect(again.last?.gramsFound == 4 * 14)
  }

  @Test func makesAgainWhatIsMissing() throws {
    let study = try Study(batchSize: 8)
    let models = try (1...2).map { try study.write("m\($0)", seed: UInt64($0)) }
    study.settle()
    try study.sweep("store", models)
    let files = try study.files("store")
    for minibatch in [1, 4, 5] {
      for part in ["grams", "products"] {
        let folder = study.path("store/minibatches/\(minibatch)/\(part)")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).prefix(1) {
          unlink("\(folder)/\(name)")
        }
      }
    }
    let summary = try study.sweep("store", models, ranks: 3)[0]
    #expect(summary.gramsMade == 3)
    #expect(try study.files("store") == files)
  }

  @Test func aShardIsMadeByATeam() throws {
    let study = try Study(batchSize: 8)
    let models = [try study.write("m", seed: 1)]
    study.settle()
    try study.sweep("alone", models, shard: Shard("2/3"))
    _ = try study.sweep("together", models, shard: Shard("2/3"), ranks: 2)
    #expect(try study.files("together") == study.files("alone"))
  }

  @Test func ranksAtDifferentStepsAreAnError() throws {
    let study = try Study(batchSize: 8)
    let models = try (1...2).map { try study.write("m\($0)", seed: UInt64($0)) }
    let errors = try study.failures("store", models: [models, models.reversed()])
    #expect(errors.count == 2)
    for error in errors { #expect("\(error)".contains("do all ranks see the same files?")) }
  }

  @Test func aRankThatDoesNotSeeTheStoreSaysSo() throws {
    let study = try Study(batchSize: 8)
    let model = try study.write("m", seed: 1)
    let team = ThreadTeam.team(of: 2)
    Thread { try? team[0].meet(at: "the store is open") }.start()
    #expect {
      _ = try study.open("nothing", [model], team: team[1])
    } throws: {
      "\($0)".contains("nothing: is not visible to rank 1")
    }
  }
}

extension Study {
  /// Lets files grow old enough for their times to tell that they were not changed.
  func settle() { usleep(1_100_000) }

  func open(
    _ store: String, _ models: [String], shard: Shard? = nil, team: any ProcessGroup
  ) throws -> Sweep {
    try Sweep(
      store: path(store), settings: settings, shard: shard,
      devices: DeviceTeam([Self.device], memory: memory), models: models, team: team,
      openModel: {
        let model = try ModelFiles(path: $0)
        return ActivationModel(
          name: model.name, layers: model.layers, exampleIDs: model.exampleIDs)
      })
  }

  /// Runs a sweep by `ranks` threads to its end; returns what each says of it.
  func sweep(
    _ store: String, _ models: [String], shard: Shard? = nil, ranks: Int
  ) throws -> [Sweep.Summary] {
    try run(store, Array(repeating: models, count: ranks), shard: shard).map { try $0.get() }
  }

  /// The errors of ranks that are given different models.
  func failures(_ store: String, models: [[String]]) throws -> [any Error] {
    run(store, models, shard: nil).compactMap { result in
      if case .failure(let error) = result { error } else { nil }
    }
  }

  private func run(
    _ store: String, _ models: [[String]], shard: Shard?
  ) -> [Result<Sweep.Summary, any Error>] {
    let team = ThreadTeam.team(of: models.count)
    let results = Mutex<[Int: Result<Sweep.Summary, any Error>]>([:])
    nonisolated(unsafe) let study = self
    let threads = models.indices.map { rank in
      Thread {
        let result = Result {
          let sweep = try study.open(store, models[rank], shard: shard, team: team[rank])
          let summary = try sweep.run(models: models[rank])
          // The first knows the products of all.
          if rank == 0, !sweep.isShard { _ = try sweep.results().similarity(0, 1) }
          return summary
        }
        results.withLock { $0[rank] = result }
        team[rank].leave()
      }
    }
    for thread in threads { thread.start() }
    team[0].wait()
    return results.withLock { results in models.indices.compactMap { results[$0] } }
  }
}

/// A team whose members are threads.
private struct ThreadTeam: ProcessGroup {
  let rank: Int
  let count: Int
  var rankOnMachine: Int { rank }
  var countOnMachine: Int { count }
  private let table: Table

  static func team(of count: Int) -> [ThreadTeam] {
    let table = Table(count: count)
    return (0..<count).map { ThreadTeam(rank: $0, count: count, table: table) }
  }

  func exchange(_ message: [UInt8]) -> [[UInt8]] { table.exchange(message, of: rank) }

  /// Counts a thread that is done.
  func leave() { table.leave() }

  /// Waits until all are done.
  func wait() { table.wait() }

  private final class Table: @unchecked Sendable {
    // @unchecked: everything is touched under `condition`.
    private let condition = NSCondition()
    private let count: Int
    private var messages: [Int: [UInt8]] = [:]
    private var last: [[UInt8]] = []
    private var round = 0
    private var gone = 0

    init(count: Int) { self.count = count }

    func exchange(_ message: [UInt8], of rank: Int) -> [[UInt8]] {
      condition.withLock {
        messages[rank] = message
        let own = round
        if messages.count == count {
          last = (0..<count).compactMap { messages[$0] }
          messages = [:]
          round += 1
          condition.broadcast()
        }
        while round == own { condition.wait() }
        return last
      }
    }

    func leave() {
      condition.withLock {
        gone += 1
        condition.broadcast()
      }
    }

    func wait() { condition.withLock { while gone < count { condition.wait() } } }
  }
}
