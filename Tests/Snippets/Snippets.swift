import ActivationFiles
import Activations
import CKA
import DeviceRegistry
import Foundation
import ResultFigures
import Results
import TestSupport
import Testing

/// What the commands do, in a few lines each, with nothing but the public names of the library. The lines between
/// two comments stand in Sources/Results/Results.docc as well: see `PageTests`.
@Suite(.serialized) struct Snippets {
  /// A folder of the test's own, with the models `run1` and `run2` in it: five layers, 64 examples.
  let files: TemporaryFolder

  init() throws {
    files = try TemporaryFolder()
    let classes = (0..<64).map { $0 % 2 }
    for (index, name) in ["run1", "run2"].enumerated() {
      for layer in 0..<5 {
        var numbers = Activations64.normal(n: 64, p: 6, seed: UInt64(10 * index + layer + 1))
        numbers = Activations64.normal(n: 64, p: 6, seed: UInt64(100 + layer)).mixed(
          into: numbers, weight: 2)
        if layer == 4 { for i in 0..<64 { numbers.values[6 * i] = Double(20 * classes[i] - 10) } }
        try write(numbers, to: "\(name)/layer\(layer).npy")
      }
    }
    try files.write(
      NPYFile.bytes(classes.map(Double.init), shape: [64], type: .uint8), to: "labels.npy")
  }

  /// The models, and the classes of their examples.
  var run1: String { "\(files.path)/run1" }
  var run2: String { "\(files.path)/run2" }
  var labels: String { "\(files.path)/labels.npy" }

  /// A model of twelve layers, of which the fifth to the ninth are nearly the same.
  var blocky: String {
    get throws {
      let shared = Activations64.normal(n: 64, p: 6, seed: 7)
      for layer in 0..<12 {
        let own = Activations64.normal(n: 64, p: 6, seed: UInt64(200 + layer))
        let isInBlock = (4..<9).contains(layer)
        try write(isInBlock ? shared.mixed(into: own, weight: 10) : own, to: "blocky/\(layer).npy")
      }
      return "\(files.path)/blocky"
    }
  }

  /// A folder with the predictions of three networks of each of two groups for 40 examples of two classes, which
  /// err in the first 1, 2, 3 and 11, 12, 13 examples, and the classes.
  var predictions: String {
    get throws {
      let classes = (0..<40).map { $0 % 2 }
      try writeClasses(classes, to: "labels.npy")
      for (group, first) in [("wide", 1), ("deep", 11)] {
        for errors in first..<first + 3 {
          let found = classes.indices.map { $0 < errors ? 1 - classes[$0] : classes[$0] }
          try writeClasses(found, to: "\(group)-\(errors).npy")
        }
      }
      return "\(files.path)/predictions"
    }
  }

  /// The result of `cka compare` for one model.
  func compareWithItself(_ run: String, to folder: String) throws {
    let comparison = try Comparison(try ModelFiles(path: run), estimator: .unbiased)
    let outcome = try comparison.run(on: DeviceTeam(DeviceRegistry.choose(.cpu).devices))
    let result = CompareResult(
      ResultDocument(comparison, outcome, paths: [run]), outcome.similarity)
    try result.write(result.dataFiles, to: folder)
  }

  /// The names of what is in a folder, in their order.
  func files(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  /// What is in a file.
  func bytes(of path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// The folder of the repository.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  private func write(_ numbers: Activations64, to name: String) throws {
    try files.write(NPYFile.bytes(numbers.values, shape: [numbers.n, numbers.p]), to: name)
  }

  private func writeClasses(_ classes: [Int], to name: String) throws {
    try files.write(
      NPYFile.bytes(classes.map(Double.init), shape: [classes.count], type: .uint8),
      to: "predictions/\(name)")
  }
}
