import CKA  // Of the test.
import DeviceRegistry  // Of the test.
import Inputs  // Of the test.
import ResultFigures
import SweepStore
import Testing

extension Snippets {
  func merge(_ shards: [String], to store: String) throws -> SweepResults {
    // Snippet begins.
    let merge = try StoreMerge(shards)
    let results = try merge.write(to: store)
    print(merge.modelCount, merge.minibatchCount, try results.similarity(0, 1).cka[0, 0])

    var outputs = try SweepOutputs(results)
    print(try outputs.write().written)
    // Snippet ends.
    return results
  }

  @Test func mergedShardsAreTheSweep() throws {
    let whole = try sweep([run1, run2], to: "\(files.path)/whole")
    let shards = try (1...2).map { try shard($0, of: 2) }
    let merged = try merge(shards, to: "\(files.path)/merged")
    for (left, right) in [(0, 0), (0, 1), (1, 1)] {
      #expect(try merged.similarity(left, right).cka == whole.similarity(left, right).cka)
    }
    #expect(files(in: "\(files.path)/merged/results").contains("sweep.json"))
  }

  /// A store of every second minibatch.
  private func shard(_ index: Int, of count: Int) throws -> String {
    let store = "\(files.path)/shard\(index)"
    var settings = SweepSettings()
    settings.batchSize = 32
    let models = [run1, run2]
    let sweep = try Sweep(
      store: store, settings: settings, shard: Shard(index: index, count: count),
      devices: DeviceTeam(DeviceRegistry.choose(.cpu).devices), models: models
    ) { try ModelSelection().open($0).model }
    _ = try sweep.run(models: models)
    return store
  }
}
