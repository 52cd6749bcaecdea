import ActivationFiles
import Activations
import BLASDevice
import CKA
import Device
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SweepStore

/// Models in files, and the sweeps that are made of them.
final class Study {
  let folder: TemporaryFolder
  var settings: SweepSettings
  var memory = 1 << 30
  /// What the last sweep said.
  var notes: [String] = []
  /// The activations as they were written, by path.
  private(set) var written: [String: [Activations64]] = [:]

  static let device = BLASDevice()

  init(batchSize: Int = 16, passes: Int = 1) throws {
    folder = try TemporaryFolder()
    settings = SweepSettings()
    settings.batchSize = batchSize
    settings.passes = passes
  }

  /// Writes a folder of `layers` layers that share some of their activations, and returns its path.
  @discardableResult
  func write(
    _ name: String, seed: UInt64, layers: Int = 3, n: Int = 56, p: Int = 5, ids: [Int]? = nil
  ) throws -> String {
    let shared = Activations64.normal(n: n, p: p, seed: 77)
    var all: [Activations64] = []
    for layer in 0..<layers {
      let own = Activations64.normal(
        n: n, p: p + layer % 3, seed: seed * 1000 + UInt64(layer) + 1)
      let values = shared.mixed(into: own, weight: 0.7)
      all.append(values)
      try folder.write(
        NPYFile.bytes(values.values, shape: [n, values.p]), to: "\(name)/layer\(layer).npy")
    }
    if let ids { try folder.write("{\"examples\": \(ids)}", to: "\(name)/layers.json") }
    written[path(name)] = all
    return path(name)
  }

  func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  /// The sweep of a store, ready to run.
  func open(
    _ store: String, _ models: [String], shard: Shard? = nil, meter: WorkMeter? = nil
  ) throws -> Sweep {
    notes = []
    return try Sweep(
      store: path(store), settings: settings, shard: shard,
      devices: DeviceTeam([Self.device], memory: memory, meter: meter),
      models: models.isEmpty ? [path("none")] : models,
      openModel: { path in
        let model = try ModelFiles(path: path)
        return ActivationModel(
          name: model.name, layers: model.layers, exampleIDs: model.exampleIDs)
      },
      observe: { [weak self] event in
        if case .note(let text) = event { self?.notes.append(text) }
      })
  }

  /// Runs a sweep to its end.
  @discardableResult
  func sweep(_ store: String, _ models: [String], shard: Shard? = nil) throws -> Sweep.Summary {
    try open(store, models, shard: shard).run(models: models)
  }

  /// What a store says when it is read anew.
  func results(_ store: String) throws -> SweepResults { try SweepResults(store: path(store)) }

  /// The bits of every pair's similarities.
  func bits(_ store: String) throws -> [[UInt64]] {
    let results = try results(store)
    return try results.models.indices.flatMap { left in
      try results.models.indices.map { right in
        try results.similarity(left, right).cka.elements.map(\.bitPattern)
      }
    }
  }

  /// Every file of a store but the lock, and what is in it.
  func files(_ store: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    let names = try FileManager.default.subpathsOfDirectory(atPath: path(store))
    for name in names where name != "lock" {
      let path = path("\(store)/\(name)")
      if try !StorePath.isFolder(path) {
        files[name] = try Data(contentsOf: URL(fileURLWithPath: path))
      }
    }
    return files
  }

  /// When a file was last changed, in nanoseconds, and its inode.
  func stamp(_ name: String) throws -> [Int] {
    var status = stat()
    try #require(stat(path(name), &status) == 0, "\(name)")
    return [
      status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_nsec, Int(status.st_ino),
    ]
  }

  /// Changes one bit of a file, at a fraction of its length.
  func damage(_ name: String, at fraction: Double = 0.5) throws {
    let path = path(name)
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    let index = min(Int(Double(data.count) * fraction), data.count - 1)
    data[index] ^= 4
    // Another file, as a copy that went wrong: this one may be linked or mapped.
    unlink(path)
    try data.write(to: URL(fileURLWithPath: path))
  }
}

/// Expects a `StoreError` of a kind whose words hold `words`.
func expectError(
  _ kind: StoreError.Kind, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("no error, expected \(words)", sourceLocation: sourceLocation)
  } catch let error as StoreError {
    #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
    for word in words {
      #expect(
        error.description.contains(word), "\(error) lacks \(word)", sourceLocation: sourceLocation)
    }
    #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
  } catch {
    Issue.record("\(error)", sourceLocation: sourceLocation)
  }
}
