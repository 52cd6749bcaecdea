import ActivationFiles
import Activations
import CKA
import Device
import Foundation
import TestSupport
import Testing

@testable import SweepStore

/// Layers of which float32 leaves too little have values in sweeps, too.
@Suite struct Float64SweepTests {
  static let cases = Float64Fixture.shared?.cases ?? []
  static let n = Float64Fixture.shared?.exampleCount ?? 0

  @Test func theFixtureIsThere() { #expect(Self.cases.count > 15 && Self.n == 24) }

  private func study(_ item: Float64Fixture.Case) throws -> Study {
    let study = try Study(batchSize: 12)
    study.settings.isStoredOrder = true
    let n = Self.n
    try study.folder.write(
      NPYFile.bytes(
        item.left, shape: [n, item.features], type: item.type == "float32" ? .float32 : .float64),
      to: "a/x.npy")
    try study.folder.write(
      NPYFile.bytes(item.right, shape: [n, item.right.count / n]), to: "b/y.npy")
    return study
  }

  private func settings(_ name: String, _ item: Float64Fixture.Case, _ study: Study)
    -> SweepSettings
  {
    var settings = study.settings
    let words = name.split(separator: " ")
    settings.estimator = .init(rawValue: String(words[0])) ?? .minibatch
    if settings.estimator != .minibatch {
      (settings.batchSize, settings.passes, settings.isStoredOrder) = (0, 0, false)
    }
    if words[1] == "rbf" {
      settings.kernel = .rbf
      settings.sigma = item.sigma
      settings.bandwidth = item.sigma == nil ? 1 : nil
    }
    return settings
  }

  /// A cell is `low-precision` only where float64 cannot tell either. float16 adds 9.8e-4 at most, whatever the
  /// data (`Documentation/Numerics.md`).
  @Test(arguments: cases, SweepSettings.StorePrecision.allCases)
  func valuesThatFloat64KnowsInASweep(
    item: Float64Fixture.Case, precision: SweepSettings.StorePrecision
  ) throws {
    let study = try study(item)
    let tolerance = item.tolerance + (precision == .float16 ? 2 * 0x1p-11 : 0)
    for (name, expected) in item.cka {
      study.settings = settings(name, item, study)
      study.settings.storePrecision = precision
      let store = name.replacingOccurrences(of: " ", with: "-")
      try study.sweep(store, [study.path("a"), study.path("b")])
      let found = try study.results(store).similarity(0, 1)
      guard let expected else {
        #expect(found.statuses[0, 0] == .nonFinite, "\(name)")
        continue
      }
      #expect(found.statuses[0, 0] == .ok, "\(name)")
      #expect(abs(found.cka[0, 0] - expected) < tolerance, "\(name)")
      study.settings = try Study(batchSize: 12).settings
      study.settings.isStoredOrder = true
    }
  }

  /// What is made in float64 is decided minibatch by minibatch: shares make the bits of the whole, and a model
  /// that comes later has its values without the files of the first.
  @Test func sharesAndLaterModelsHaveTheSameBits() throws {
    let item = try #require(Self.cases.first { $0.name == "outlier of 1e6" })
    let study = try study(item)
    let models = [study.path("a"), study.path("b")]
    try study.sweep("whole", models)
    let shares = try (1...2).map { index in
      let shard = try #require(Shard(index: index, count: 2))
      try study.sweep("share\(index)", models, shard: shard)
      return study.path("share\(index)")
    }
    try StoreMerge(shares).write(to: study.path("merged"))
    #expect(try study.bits("merged") == study.bits("whole"))
    try study.sweep("grown", [models[0]])
    try FileManager.default.moveItem(atPath: models[0], toPath: study.path("away"))
    try study.sweep("grown", [models[1]])
    #expect(try study.bits("grown") == study.bits("whole"))
    let results = try study.results("whole")
    let similarity = try results.similarity(0, 1)
    #expect(
      results.recomputed(0, 1, in: similarity) == .init(left: [0], right: [], cells: 1))
    #expect(try results.recomputed(1, 1, in: results.similarity(1, 1)) == nil)
  }

  /// Where a whole float64 matrix does not fit the memory it is made in tiles.
  @Test(arguments: [GramCentering.unbiased, .biased])
  func tilesMakeTheSameMatrix(centering: GramCentering) throws {
    let n = 300
    var x = Activations64.normal(n: n, p: 7, seed: 3)
    for k in 0..<7 { x.values[5 * 7 + k] *= 1e6 }
    let minibatch = Minibatch(layers: [x.layer()], examples: Array(0..<n))
    let count = centering.packedCount(exampleCount: n)
    var found: [[Float]] = []
    var summaries: [GramSummary] = []
    for memory in [1 << 30, 0] {
      let grams = NarrowedGrams(
        of: minibatch, kernel: .linear, centering: centering, memory: memory)
      var numbers = [Float](repeating: .nan, count: count)
      summaries.append(try grams.write(layer: 0, to: &numbers))
      found.append(numbers)
    }
    #expect(summaries[0].exponent == summaries[1].exponent)
    // The order of sums is another: float64's rounding of row sums, 2⁻⁵³·n of the largest numbers, times 2⁴ for
    // all that is added up; and where it decides, one unit in float32's last place.
    let largest = found[0].map { Double(abs($0)) }.reduce(0, max)
    for (a, b) in zip(found[0], found[1]) {
      #expect(abs(Double(a) - Double(b)) <= Double(abs(a)) * 0x1p-23 + largest * 0x1p-40)
    }
  }
}
