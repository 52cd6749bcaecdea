import CKA
import Device
import Testing

@testable import SweepStore

/// Settings and limits that no careful caller has: an error each, or a sweep, and never a store half made.
@Suite(.serialized) struct HostileSettingsTests {
  static let numbers = [Int.min, -1, 0, 1, 3, 1 << 33, Int.max]
  static let multiples: [Double] = [
    0, -1, 5e-324, 1, .greatestFiniteMagnitude, .infinity, -.infinity, .nan,
  ]

  /// Changes of the settings, one at a time.
  private static let changes: [@Sendable (inout SweepSettings) -> Void] = {
    var changes: [@Sendable (inout SweepSettings) -> Void] = []
    for number in numbers {
      changes.append { $0.batchSize = number }
      changes.append { $0.passes = number }
      changes.append { $0.exampleLimit = number }
      changes.append {
        $0.batchSize = number
        $0.passes = number
      }
    }
    for multiple in multiples {
      changes.append {
        $0.kernel = .rbf
        $0.bandwidth = multiple
      }
      changes.append {
        $0.kernel = .rbf
        $0.sigma = multiple
      }
    }
    for text in ["", "x"] {
      changes.append { $0.ragged = text }
      changes.append { $0.alignment = text }
      changes.append { $0.dropExamples = text }
    }
    for estimator in Estimator.Name.allCases {
      changes.append { $0.estimator = estimator }
    }
    return changes
  }()

  @Test func settingsOfAnyValue() throws {
    let study = try Study()
    let model = try study.write("a", seed: 1)
    let good = study.settings
    for (index, change) in Self.changes.enumerated() {
      study.settings = good
      change(&study.settings)
      do {
        _ = try study.open("store\(index)", [model]).run(models: [model])
      } catch {
        #expect(try !StorePath.exists(study.path("store\(index)/store.json")), "\(error)")
      }
    }
  }

  @Test func memoryOfAnySize() throws {
    let study = try Study()
    let model = try study.write("a", seed: 1)
    _ = try study.open("store", [model]).run(models: [model])
    for memory in Self.numbers where memory < 1 << 20 {
      study.memory = memory
      for store in ["store", "new"] {
        #expect(throws: SweepMemoryError.self) { try study.open(store, [model]) }
      }
    }
  }

  @Test func modelsThatAreNone() throws {
    let study = try Study()
    let model = try study.write("a", seed: 1)
    let sweep = try study.open("store", [model])
    _ = try sweep.run(models: [model])
    let results = try sweep.results()
    for number in [Int.min, -1, 1, Int.max] {
      for (left, right) in [(number, 0), (0, number)] {
        let error = #expect(throws: StoreError.self) { try results.similarity(left, right) }
        #expect(error?.kind == .usage)
      }
    }
  }

  @Test func sharesThatAreNone() {
    for index in Self.numbers {
      for count in Self.numbers {
        guard let shard = Shard(index: index, count: count) else { continue }
        #expect((1...count).contains(index))
        #expect(shard.minibatches(of: -1) == [])
        #expect(shard.minibatches(of: 5).allSatisfy { (0..<5).contains($0) })
      }
      _ = Shard("\(index)/\(index)")
    }
  }
}
