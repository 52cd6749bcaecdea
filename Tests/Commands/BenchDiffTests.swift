import ActivationFiles
import CKA
import Device
import Foundation
import TestSupport
import Testing

@testable import CKABench

/// `cka-bench diff`, and what the figures are made of.
struct BenchDiffTests {
  let bench: Cka

  init() throws {
    var bench = try Cka()
    bench.program =
      URL(fileURLWithPath: Cka.path).deletingLastPathComponent().path + "/cka-bench"
    self.bench = bench
  }

  /// Figures of `pairs` and `rbf`, of which the first took `seconds`.
  private func document(_ seconds: [Double]) -> Document {
    var document = Document(command: "run", machine: Machine())
    document.commit = nil
    document.rows = [("pairs", seconds), ("rbf", [1, 1, 1])].map { name, seconds in
      Document.Row(
        workload: Workload(
          name: name, layers: 2, examples: 8, features: FeatureRange(least: 3, most: 5)),
        program: "cka", device: "cpu, a processor", seconds: Spread(seconds), error: 1e-8,
        peakMemory: 1 << 20)
    }
    return document
  }

  private func write(_ document: Document, to name: String) throws {
    try document.write(to: "\(bench.folder.path)/\(name)")
  }

  @Test(
    arguments: [
      // All new runs above all old ones, and the other way round.
      ([1.0, 1.1, 1.2], [1.3, 1.25, 1.4], "slower", 1),
      ([1.3, 1.4, 1.5], [1, 1.1, 1.2], "faster", 0),
      // A slower median whose runs overlap.
      ([1.0, 1.1, 1.6], [1.5, 1.55, 1.7], "within noise", 0),
      ([1.0, 1.1], [5, 6], "too few runs", 0),
    ] as [([Double], [Double], String, Int32)])
  func verdictsRespectTheNoise(old: [Double], new: [Double], verdict: String, code: Int32) throws {
    try write(document(old), to: "old.json")
    try write(document(new), to: "new.json")
    let run = try bench("diff", "old.json", "new.json")
    #expect(run.code == code, "\(run.errors)")
    #expect(run.errors.isEmpty)
    let found = lines(run.output)
    #expect(found.count == 3 && found[1].hasPrefix("pairs") && found[1].contains(verdict))
    #expect(found[2].hasPrefix("rbf") && found[2].contains("within noise"))
  }

  @Test func anotherMachineIsAWarning() throws {
    try write(document([1, 1, 1]), to: "old.json")
    var other = document([1, 1, 1])
    other.machine.processor = "another\nprocessor"
    other.rows.removeLast()
    try write(other, to: "new.json")
    let run = try bench("diff", "old.json", "new.json")
    #expect(run.code == 0)
    #expect(run.errorLines.count == 2, "\(run.errors)")
    #expect(run.errors.contains("machines differ") && run.errors.contains("another\\n"))
    #expect(run.errors.contains("only in the old file"))
    #expect(lines(run.output).count == 2)
  }

  @Test func unlikeFilesAreRefused() throws {
    try write(document([1, 1, 1]), to: "good.json")
    var other = document([1, 1, 1])
    for index in other.rows.indices { other.rows[index].workload.layers += 1 }
    try write(other, to: "other.json")
    try bench.folder.write("{\"format\": \"cka-bench/1\"}", to: "old.json")
    try bench.folder.write("{\"format\": \"cka-bench/2\"}", to: "empty.json")
    try bench.folder.write("nonsense", to: "nonsense.json")
    for (name, word) in [
      ("other.json", "no row in common"), ("old.json", "cka-bench/1"),
      ("empty.json", "is not what"),
      ("nonsense.json", "no JSON"),
    ] {
      let run = try bench("diff", "good.json", name)
      #expect(run.code == 65)
      #expect(run.errors.contains(word) && run.errors.contains(name), "\(run.errors)")
      #expect(run.output.isEmpty)
    }
  }

  @Test func figuresSurviveTheirFile() throws {
    let written = document([1, 0.5, 2.25])
    try write(written, to: "figures.json")
    let read = try Document(readingFrom: "\(bench.folder.path)/figures.json")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    #expect(try encoder.encode(read) == encoder.encode(written))
    #expect(read.rows[0].seconds.runs == [1, 0.5, 2.25] && read.rows[0].seconds.median == 1)
    #expect(read.rows[0].seconds.least == 0.5 && read.rows[0].seconds.most == 2.25)
  }

  @Test func anEvenCountHasItsMedianInTheMiddle() {
    #expect(Spread([4, 1, 3, 2]).median == 2.5)
  }

  @Test(arguments: [-1, 0, 0.5, 2] as [Double])
  func slopesOfPowerLawsAreTheirExponents(power: Double) throws {
    let points = [1, 2, 4, 8, 16].map { (x: $0, y: 0.3 * pow($0, power)) }
    #expect(abs(try #require(slope(points)) - power) < 1e-12)
    #expect(slope([(1, 1)]) == nil)
    #expect(slope([(1, 0), (2, 1)]) == nil)
  }
}

/// The float64 that every program's map is held against.
struct BenchReferenceTests {
  @Test(
    arguments: [Estimator.minibatch(.init(size: 8, order: .stored)), .unbiased],
    [GramKernel.linear, .rbf(.medianMultiple(1))])
  func theReferenceIsRight(estimator: Estimator, kernel: GramKernel) throws {
    let folder = try TestSupport.TemporaryFolder()
    let (left, right) = (TestModel(layers: 3, n: 19), TestModel(layers: 2, n: 19, seed: 5))
    let models = [
      try ModelFiles(path: left.write(to: "left", in: folder)),
      try ModelFiles(path: right.write(to: "right", in: folder)),
    ]
    let comparison = try Comparison(models[0], models[1], estimator: estimator, kernel: kernel)
    let batches = [[Int]](
      estimator == .unbiased ? [Array(0..<19)] : [Array(0..<8), Array(8..<16)])
    let scores = left.layers.flatMap { x in
      right.layers.map { y in
        Oracle.cka(
          x.activations, y.activations, kernel: kernel == .linear ? .linear : .rbfMedian(1),
          unbiased: true, batches: batches)
      }
    }
    func check(_ scores: [Double]) throws -> (error: Double?, undefined: Int) {
      let path = try folder.write(NPYWriter.data(shape: [3, 2], float64: scores), to: "map.npy")
      return try #require(try Float64Reference(comparison)).check(mapAt: path)
    }
    // Both in float64, over sums of a few hundred terms.
    let exact = try check(scores)
    #expect(try #require(exact.error) < 1e-12)
    #expect(exact.undefined == 0)
    var planted = scores
    planted[5] += 0.25
    planted[2] = .nan
    let found = try check(planted)
    #expect(abs(try #require(found.error) - 0.25) < 1e-12)
    #expect(found.undefined == 1)
  }
}
