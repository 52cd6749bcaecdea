import CKA
import Device
import TestSupport
import Testing

@testable import SweepStore

/// Examples with NaN are left out of all models of a store, where that is asked for.
@Suite struct DropExamplesTests {
  /// Models of two layers; `holes` are the examples of the second layer that hold NaN.
  private func write(
    _ study: Study, _ name: String, seed: UInt64, holes: [Int]
  ) throws -> [Activations64] {
    let shared = Activations64.normal(n: 56, p: 5, seed: 77)
    var layers = (0..<2).map {
      shared.mixed(into: .normal(n: 56, p: 5, seed: seed + UInt64($0)), weight: 0.7)
    }
    for hole in holes { layers[1].values[hole * 5 + 2] = .nan }
    for (index, layer) in layers.enumerated() {
      try study.folder.write(
        NPYFile.bytes(layer.values, shape: [56, 5]), to: "\(name)/layer\(index).npy")
    }
    return layers
  }

  private func study() throws -> Study {
    let study = try Study(batchSize: 16)
    study.settings.isStoredOrder = true
    study.settings.dropExamples = SweepSettings.nonFinite
    return study
  }

  @Test func examplesWithNaNAreLeftOutOfAllModels() throws {
    let study = try study()
    let a = try write(study, "a", seed: 1, holes: [3, 50])
    let b = try write(study, "b", seed: 11, holes: [40])
    try study.sweep("store", [study.path("a"), study.path("b")])
    let results = try study.results("store")
    #expect(results.dropped == [3, 40, 50])
    #expect(results.plan.examplesUsed == 48 && results.plan.examplesDropped == 5)
    let kept = (0..<56).filter { ![3, 40, 50].contains($0) }
    let batches = (0..<3).map { Array($0 * 16..<($0 + 1) * 16) }
    let found = try results.similarity(0, 1)
    #expect(found.statuses.elements.allSatisfy { $0 == .ok })
    for i in 0..<2 {
      for j in 0..<2 {
        let expected = Oracle.cka(
          a[i].rows(kept), b[j].rows(kept), unbiased: true, batches: batches)
        #expect(abs(found.cka[i, j] - expected) < 1e-5)
      }
    }
  }

  /// Which examples are left out is the store's from its making on: a later model's own NaN blanks its layer, and
  /// nothing that was there changes.
  @Test func laterModelsDropNoMore() throws {
    let study = try study()
    _ = try write(study, "a", seed: 1, holes: [3])
    _ = try write(study, "c", seed: 21, holes: [3, 7])
    try study.sweep("store", [study.path("a")])
    let before = try study.results("store").similarity(0, 0).cka.elements
    try study.sweep("store", [study.path("c")])
    let results = try study.results("store")
    #expect(results.dropped == [3])
    #expect(try results.similarity(0, 0).cka.elements == before)
    #expect(try results.similarity(0, 1).rightStatuses == [.ok, .nonFinite])
    study.settings.dropExamples = nil
    expectError(.usage, "--drop-examples", "non-finite") {
      try study.sweep("store", [study.path("a")])
    }
  }

  /// Shares of one plan leave out the same examples, or are no shares of one plan.
  @Test func sharesMustLeaveOutTheSame() throws {
    let study = try study()
    _ = try write(study, "a", seed: 1, holes: [3])
    _ = try write(study, "b", seed: 11, holes: [40])
    let models = [study.path("a"), study.path("b")]
    try study.sweep("whole", models)
    for index in 1...2 {
      try study.sweep("share\(index)", models, shard: Shard(index: index, count: 2))
    }
    try StoreMerge([study.path("share1"), study.path("share2")]).write(to: study.path("merged"))
    #expect(try study.bits("merged") == study.bits("whole"))
    #expect(try study.results("merged").dropped == [3, 40])
    // Made with one model at first, this one does not know of the other's.
    try study.sweep("other", [models[0]], shard: Shard(index: 2, count: 2))
    try study.sweep("other", [models[1]], shard: Shard(index: 2, count: 2))
    expectError(.data, "--drop-examples") {
      _ = try StoreMerge([study.path("share1"), study.path("other")])
    }
  }

  @Test func allExamplesCannotBeLeftOut() throws {
    let study = try study()
    _ = try write(study, "a", seed: 1, holes: Array(0..<56))
    expectError(.data, "all 56 examples", "--exclude") {
      try study.sweep("store", [study.path("a")])
    }
    #expect(try !StorePath.exists(study.path("store")))
  }
}
