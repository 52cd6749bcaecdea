import ArgumentParser
import CommandSupport
import Foundation
import Support

/// Writes a synthetic model and leaves it there, for the scripts of `Benchmarks`.
struct Synthesize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a synthetic model, a folder of .npy files.", shouldDisplay: false)

  @Argument(help: "The folder, which must not exist.") var folder: String
  @Option var layers: Int
  @Option var examples: Int
  @Option var features: FeatureRange

  func validate() throws {
    guard layers > 0, examples > 0 else {
      throw ValidationError("At least one layer and one example.")
    }
  }

  func run() throws {
    try reportingFailures {
      do {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: false)
      } catch {
        throw Failure(
          .cannotCreate,
          "\(folder): cannot be made: \((error as NSError).localizedDescription)")
      }
      let workload = Workload(
        name: "synthetic", models: 1, layers: layers, examples: examples, features: features)
      try workload.writeLayers(model: 0, into: folder)
    }
  }
}
