import ActivationFiles
import Activations
import CKA
import Device
import Foundation
import TestSupport
import Testing

@testable import SweepStore

/// What a sweep computes, and how little of it when it is asked again.
@Suite struct SweepTests {
  enum Variant: CaseIterable {
    case minibatch, unbiased, biased, rbf

    func apply(to settings: inout SweepSettings) {
      switch self {
      case .minibatch: settings.passes = 2
      case .unbiased: (settings.estimator, settings.batchSize, settings.passes) = (.unbiased, 0, 0)
      case .biased: (settings.estimator, settings.batchSize, settings.passes) = (.biased, 0, 0)
      case .rbf: (settings.kernel, settings.bandwidth) = (.rbf, 0.8)
      }
    }

    var oracleKernel: OracleKernel { self == .rbf ? .rbfMedian(0.8) : .linear }
  }

  /// Models' minibatches, then minibatches' products, each unit as far as it has come.
  @Test(arguments: Variant.allCases) func workIsCounted(variant: Variant) throws {
    let study = try Study()
    variant.apply(to: &study.settings)
    let models = try (1...3).map { try study.write("m\($0)", seed: $0, layers: 2 + Int($0)) }
    for isThere in [false, true] {
      let meter = WorkMeter()
      let sweep = try study.open("store", models, meter: meter)
      _ = try sweep.run(models: models)
      let stages = meter.stages
      #expect(stages.map(\.name) == ["Gram matrices", "products of layers"])
      #expect(
        stages.map(\.total) == [Double(3 * sweep.minibatchCount), Double(sweep.minibatchCount)])
      #expect(stages.allSatisfy { $0.done == $0.total && !$0.isOpen }, "\(isThere)")
    }
  }

  @Test(arguments: Variant.allCases) func hasTheBitsOfComparisons(variant: Variant) throws {
    let study = try Study()
    variant.apply(to: &study.settings)
    let models = try (1...3).map { try study.write("m\($0)", seed: $0, layers: 2 + Int($0)) }
    try study.sweep("store", models)
    let results = try study.results("store")
    #expect(results.models.map(\.name) == ["m1", "m2", "m3"])
    for left in 0..<3 {
      for right in 0..<3 {
        let similarity = try results.similarity(left, right)
        let comparison = try Comparison(
          ModelFiles(path: models[left]), left == right ? nil : ModelFiles(path: models[right]),
          estimator: study.settings.estimatorValue, kernel: study.settings.gramKernel)
        let expected = try comparison.run(on: [Study.device]).similarity
        #expect(bits(similarity.cka) == bits(expected.cka))
        #expect(similarity.z.map(bits) == expected.z.map(bits))
        #expect(similarity.statuses == expected.statuses)
        #expect(similarity.leftSigmas == expected.leftSigmas)
        let (x, y) = (study.written[models[left]]![1], study.written[models[right]]![0])
        let oracle = Oracle.cka(
          x, y, kernel: variant.oracleKernel, unbiased: variant != .biased,
          batches: Array(comparison.plan.batches))
        // float32 Gram matrices of a handful of features: rounding is some 1e-7 of CKA.
        #expect(abs(similarity.cka[1, 0] - oracle) < 1e-5)
      }
    }
  }

  private func bits(_ matrix: Matrix<Double>) -> [UInt64] { matrix.elements.map(\.bitPattern) }

  @Test func aNewModelTouchesNothingElse() throws {
    let study = try Study()
    let (a, b, c) = (
      try study.write("a", seed: 1), try study.write("b", seed: 2), try study.write("c", seed: 3)
    )
    try study.sweep("grown", [a, b])
    let before = try study.files("grown")
    let stamps = try before.keys.map { try study.stamp("grown/\($0)") }
    for model in ["a", "b"] { try FileManager.default.removeItem(atPath: study.path(model)) }
    let summary = try study.sweep("grown", [c])
    let minibatches = 3
    #expect(summary.models == 3)
    #expect(summary.gramsMade == minibatches && summary.gramsFound == 2 * minibatches)
    #expect(summary.productsMade == 3 * minibatches && summary.productsFound == 3 * minibatches)
    #expect(try before.keys.map { try study.stamp("grown/\($0)") } == stamps)
    let after = try study.files("grown")
    for (name, data) in before { #expect(after[name] == data, "\(name)") }
    // One file a minibatch for the new matrices, two for the new products, one for the model.
    #expect(after.count == before.count + 3 * minibatches + 1)

    try study.write("a", seed: 1)
    try study.write("b", seed: 2)
    try study.sweep("whole", [a, b, c])
    #expect(try study.bits("grown") == study.bits("whole"))
  }

  @Test func nothingIsComputedTwice() throws {
    let study = try Study()
    let models = try (1...2).map { try study.write("m\($0)", seed: $0) }
    try study.sweep("store", models)
    let before = try study.files("store")
    // Files that were written a moment ago are read again: they may change within a tick of the clock.
    usleep(1_100_000)
    for _ in 0..<2 {
      let again = try study.sweep("store", models)
      #expect(again.gramsMade == 0 && again.productsMade == 0)
      #expect(again.gramsFound == 6 && again.productsFound == 9)
      #expect(study.notes.isEmpty)
    }
    #expect(try study.files("store").keys == before.keys)

    // Elsewhere: found by content, still one model.
    for model in ["m1", "m2"] {
      try FileManager.default.moveItem(atPath: study.path(model), toPath: study.path("x-" + model))
    }
    let moved = try study.sweep("store", [study.path("x-m1"), study.path("x-m2")])
    #expect(moved.gramsMade == 0 && moved.productsMade == 0 && moved.models == 2)
    #expect(try study.results("store").models.map(\.name) == ["m1", "m2"])
    #expect(
      try study.results("store").models.map(\.path) == ["m1", "m2"].map { study.path("x-" + $0) })

    try FileManager.default.copyItem(atPath: study.path("x-m1"), toPath: study.path("copy"))
    let copied = try study.sweep("store", [study.path("copy")])
    #expect(copied.gramsMade == 0 && copied.models == 2)
    #expect(study.notes.count == 1 && study.notes[0].contains("has the same activations as"))
  }

  @Test func unchangedFilesAreNotOpened() throws {
    let study = try Study()
    let model = try study.write("m", seed: 1)
    usleep(1_100_000)
    try study.sweep("store", [model])
    // What cannot be read cannot have been; its times and size are as they were.
    let sweep = try Sweep(
      store: study.path("store"), settings: study.settings,
      devices: DeviceTeam([Study.device], memory: study.memory), models: [model],
      openModel: { _ in throw StoreError(.io, "m", "was opened") })
    #expect(try sweep.run(models: [model]).gramsFound == 3)
  }

  @Test func changesAreNoticed() throws {
    let study = try Study()
    let (a, b) = (try study.write("a", seed: 1), try study.write("b", seed: 2))
    try study.sweep("store", [a, b])
    usleep(1_100_000)
    try study.sweep("store", [a, b])
    let before = try study.bits("store")

    // Other times, the same content.
    utimes(study.path("a/layer0.npy"), nil)
    let touched = try study.sweep("store", [a, b])
    #expect(touched.gramsMade == 0 && study.notes.isEmpty)

    // Other content of the same size: all that was made of it is made again, and no more.
    try study.write("a", seed: 9)
    let changed = try study.sweep("store", [a, b])
    #expect(changed.gramsMade == 3 && changed.productsMade == 6 && changed.models == 2)
    #expect(study.notes.count == 1 && study.notes[0].contains("has changed"))
    try study.sweep("fresh", [a, b])
    #expect(try study.bits("store") == study.bits("fresh"))
    #expect(try study.bits("store") != before)

    // A model that was not given is looked at, too.
    usleep(1_100_000)
    try study.sweep("store", [a, b])
    try study.write("b", seed: 8)
    usleep(1_100_000)
    try study.sweep("store", [a])
    #expect(study.notes.count == 1 && study.notes[0].contains("may have changed"))

    // What nothing needs any more goes: a minibatch has two models' matrices, and products of the one,
    // of the other and of both.
    try study.sweep("store", [a, b])
    let names = try study.files("store").keys
    #expect(names.count { $0.hasSuffix(".grams") } == 2 * 3)
    #expect(names.count { $0.hasSuffix(".products") } == 3 * 3)
  }

  @Test func manyLayersAreMultipliedInGroups() throws {
    let study = try Study(batchSize: 8)
    let models = try (1...3).map { try study.write("m\($0)", seed: $0, layers: 800, n: 16, p: 2) }
    try study.sweep("store", models)
    // 2,400 layers are two groups; two of the blocks' three files are squares.
    #expect(try study.files("store").keys.count { $0.hasSuffix(".products") } == 3 * 2)
    for model in models { try study.sweep("grown", [model]) }
    // Some 128 layers a side at a time.
    study.memory = Sweep.overhead + (1 << 20)
    try study.sweep("small", models)
    let bits = try study.bits("store")
    #expect(try study.bits("grown") == bits)
    #expect(try study.bits("small") == bits)
  }

  @Test func blocksHoldEachPairOnce() throws {
    let blocks = ProductMaker.blocks(layerCounts: [1200, 1200, 1200, 200]) { _, _ in false }
    let pairs = blocks.flatMap { block in
      block.rows.flatMap { row in
        (block.columns ?? block.rows.filter { $0 <= row }).map { Set([row, $0]) }
      }
    }
    #expect(pairs.count == 10 && Set(pairs).count == 10)
    // One changed model of many.
    let changed = ProductMaker.blocks(layerCounts: [100, 100, 100, 2000]) { $0 != 1 && $1 != 1 }
    #expect(
      changed == [
        .init(rows: [1], columns: nil), .init(rows: [1], columns: [0, 2]),
        .init(rows: [1], columns: [3]),
      ])
  }

  @Test func namesTellModelsApart() throws {
    let study = try Study()
    let models = try ["run0/acts", "run1/acts", "other"].enumerated().map {
      try study.write($1, seed: UInt64($0) + 1)
    }
    try study.sweep("store", models)
    #expect(try study.results("store").models.map(\.name) == ["run0/acts", "run1/acts", "other"])
    try study.sweep("store", [study.write("late/other", seed: 9)])
    #expect(try study.results("store").models.last?.name == "late/other")
  }

  @Test func examplesMustBeTheSame() throws {
    let study = try Study()
    let ids = Array(0..<56)
    let a = try study.write("a", seed: 1, ids: ids)
    let plain = try study.write("plain", seed: 2)
    let reversed = try study.write("reversed", seed: 3, ids: ids.reversed())
    let short = try study.write("short", seed: 4, n: 48)
    try study.sweep("store", [plain])
    try study.sweep("store", [a])
    for (model, words) in [(reversed, "another order"), (short, "48 examples")] {
      let error = #expect(throws: ComparisonError.self) { try study.sweep("store", [model]) }
      #expect(error?.description.contains(words) ?? false, "\(String(describing: error))")
    }
    #expect(try study.results("store").models.count == 2)

    study.settings.alignment = "ids"
    study.settings.exampleLimit = 40
    try study.sweep("aligned", [a, reversed])
    let pairing = try ExamplePairing(
      ModelFiles(path: a), ModelFiles(path: reversed), alignment: .ids, limit: 40)
    let comparison = try Comparison(
      ModelFiles(path: a), ModelFiles(path: reversed), pairing: pairing,
      estimator: study.settings.estimatorValue)
    let expected = try comparison.run(on: [Study.device]).similarity
    #expect(
      try study.results("aligned").similarity(0, 1).cka.elements.map(\.bitPattern)
        == expected.cka.elements.map(\.bitPattern))
  }

  @Test func settingsStay() throws {
    let study = try Study()
    let a = try study.write("a", seed: 1)
    try study.sweep("store", [a])
    let before = try study.files("store")
    study.settings.seed = 5
    expectError(.usage, "store", "--seed 0", "found 5") { try study.sweep("store", [a]) }
    study.settings.seed = 0
    expectError(.usage, "--shard 1/2") { try study.sweep("store", [a], shard: Shard("1/2")) }
    #expect(try study.files("store") == before)
    try study.folder.write("x", to: "other/file")
    expectError(.cannotCreate, "other", "'file'") { try study.sweep("other", [a]) }
    study.memory = 1 << 20
    let error = #expect(throws: SweepMemoryError.self) { try study.sweep("store", [a]) }
    #expect(error?.granted == 1 << 20 && error?.batchSize == 16)
    #expect((error?.needed ?? 0) > 96 << 20)
    expectError(.noInput, "nowhere") { _ = try study.results("nowhere") }
  }

  @Test func oneProcessAtATime() throws {
    let study = try Study()
    let a = try study.write("a", seed: 1)
    let first = try study.open("store", [a])
    expectError(.cannotCreate, "store", "in use by process \(getpid()) on ") {
      _ = try study.open("store", [a])
    }
    #expect(try first.run(models: [a]).models == 1)
    #expect(try study.results("store").models.count == 1, "reading needs no lock")
  }
}
