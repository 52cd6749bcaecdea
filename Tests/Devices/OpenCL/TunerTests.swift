import Device
import Testing

@testable import OpenCLDevice

struct TunerTests {
  private func tuner(slice: Int = 1024) throws -> OpenCLTuner {
    let description = try Fixture.description()
    var defaults = Fixture.tuning(float64: true)
    defaults.slice = slice
    var tuner = OpenCLTuner(description, defaults: defaults)
    tuner.gramWorkloads = [OpenCLTuner.Workload(examples: 40, layers: 2, features: 100)]
    tuner.pairWorkloads = [OpenCLTuner.Workload(examples: 20, layers: 40, features: 5)]
    tuner.runs = 3
    return tuner
  }

  @Test func candidatesAreTimedAndChecked() throws {
    var tuner = try tuner()
    let usual = tuner.defaults
    let other = TileShape(tile: 32, rows: 8, columns: 4, depth: 16)
    // No compiler accepts an array of −2 numbers: it fails, and the search goes on.
    let broken = TileShape(tile: 64, rows: 8, columns: -8, depth: 8)
    tuner.gramCandidates = [other, broken]
    tuner.pairCandidates = [TileShape(tile: 64, rows: 4, columns: 4, depth: 16)]
    var heard: [OpenCLTuner.Measurement] = []
    let outcome = try tuner.run { heard.append($0) }
    #expect(heard.map(\.shape) == outcome.measurements.map(\.shape))
    for (first, last) in zip(heard, outcome.measurements) {
      #expect(zip(first.seconds, last.seconds).allSatisfy { $0 >= $1 && $1 > 0 })
    }
    #expect(heard.map(\.step) == [.gram, .gram, .gram, .pairs, .pairs])
    #expect(heard.map(\.shape) == [usual.gram, other, broken, usual.pair, tuner.pairCandidates[0]])
    #expect(heard.map(\.isDefault) == [true, false, false, true, false])
    for measurement in heard where measurement.shape != broken {
      #expect(measurement.rejection == nil)
      #expect(measurement.seconds.count == 1 && measurement.seconds[0] > 0)
      // Sums keep their order: the bits are those of the default, near float64's.
      #expect((measurement.error ?? 1) < 1e-6)
    }
    #expect(heard[2].rejection != nil && heard[2].seconds.isEmpty)
    #expect([usual.gram, other].contains(outcome.gram))
    #expect([usual.pair, tuner.pairCandidates[0]].contains(outcome.pair))
  }

  /// What is off by more than is allowed, here by rounding alone, cannot win.
  @Test func wrongCandidatesAreRejected() throws {
    let tuner = try tuner()
    let folder = CacheFolder(path: "/dev/null/nowhere")
    var trial = Trial(tuner: tuner, cache: folder, tuning: tuner.defaults)
    _ = try trial.measureDefault(.gram)
    trial.tuner.tolerance = 1e-12
    let other = TileShape(tile: 32, rows: 8, columns: 4, depth: 16)
    let measurement = trial.measure(other, .gram)
    #expect(measurement.rejection == "wrong" && measurement.seconds.isEmpty)
    #expect((measurement.error ?? 0) > 1e-12)
    #expect(throws: DeviceError.self) { try trial.measureDefault(.gram) }
  }

  @Test func theFastestOverAllWorkloadsIsBest() {
    func measurement(_ depth: Int, _ seconds: [Double], rejection: String? = nil)
      -> OpenCLTuner.Measurement
    {
      OpenCLTuner.Measurement(
        step: .gram, shape: TileShape(tile: 64, rows: 8, columns: 8, depth: depth),
        isDefault: depth == 0, seconds: seconds, error: nil, rejection: rejection)
    }
    let usual = measurement(0, [1, 100])
    func best(_ others: [OpenCLTuner.Measurement]) -> Int {
      OpenCLTuner.best([usual] + others).depth
    }
    #expect(best([measurement(1, [0.5, 120]), measurement(2, [0.9, 70])]) == 2)
    #expect(best([measurement(1, [], rejection: "wrong"), measurement(2, [0.9, 100])]) == 2)
    // A hundredth is noise.
    #expect(best([measurement(1, [0.99, 99])]) == 0)
    #expect(best([measurement(1, [2, 200])]) == 0)
    let first = measurement(1, [3, 5])
    #expect(first.faster(measurement(1, [2, 6])).seconds == [2, 5])
    #expect(first.faster(measurement(1, [], rejection: "wrong")).rejection == "wrong")
    #expect(measurement(1, [], rejection: "wrong").faster(first).rejection == "wrong")
  }

  @Test func candidatesFitTheDevice() throws {
    let description = try Fixture.description()
    let tuner = OpenCLTuner(description)
    for shape in tuner.gramCandidates + tuner.pairCandidates {
      #expect(shape.isValid && shape.fits(description))
    }
    #expect(tuner.gramCandidates.count > 10 && tuner.pairCandidates.count > 5)
    for family in Tuning.Family.allCases {
      #expect(family.shapes.gram.isValid && family.shapes.pair.isValid, "\(family)")
    }
  }
}
