import Activations
import Analyses
import CKA
import CKAHeader
import Inputs
import ResultFigures
import Results
import Support
import SweepStore

// Analyses of several results, and of many models.

private struct BlocksOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case minSize = "min_size"
    case minContrast = "min_contrast"
    case significance, permutations, seed
  }

  var minSize: Int?
  var minContrast: Double?
  var significance: Double?
  var permutations: Int?
  var seed: UInt64?

  var detector: BlockDetector {
    get throws(Failure) {
      let permutations = try number(
        permutations, within: 1...BlockDetector.mostPermutations, "permutations", or: 999)
      return BlockDetector(
        minimumSize: try minSize.map { (size) throws(Failure) in
          try number(size, within: 3...Int.max, "min_size", or: size)
        },
        minimumContrast: try number(
          minContrast, within: Double.leastNonzeroMagnitude...1, "min_contrast", or: 0.1),
        significance: try number(
          significance, within: 1 / Double(permutations + 1)...1, "significance", or: 0.05),
        permutations: permutations, seed: seed ?? 0)
    }
  }
}

/// See `cka.h`.
@c @implementation
public func cka_blocks(
  _ results: UnsafePointer<cka_handle>?, _ count: Int, _ json: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let detector = try options(json, BlocksOptions.self).detector
    guard let results, count > 0 else { throw Failure(.usage, "results: there is none") }
    let found: [Found] = try (0..<count).map { try Handles.all.object(results[$0], "results") }
    let input: BlocksInput
    if count == 1, found[0].result is SweepResult, let folder = found[0].folder {
      input = try BlocksInput([folder])
    } else {
      input = try BlocksInput(
        found.map { (found) throws(Failure) in
          guard let result = found.result as? CompareResult else {
            throw Failure(
              .usage, "results: expected those of cka_compare, or one of cka_sweep alone")
          }
          return result
        })
    }
    let findings = try BlockFindings(input, by: detector)
    let result = BlocksResult(BlocksDocument(findings), findings)
    return Handles.all.add(Found(result, result.dataFiles(findings)))
  }
}

private struct SweepOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable { case storePrecision = "store_precision" }

  var storePrecision: String?
}

/// See `cka.h`.
@c @implementation
public func cka_sweep(
  _ store: UnsafePointer<CChar>?, _ paths: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int,
  _ json: UnsafePointer<CChar>?, _ progress: cka_progress?,
  _ context: UnsafeMutableRawPointer?, _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let (own, estimator, kernel, examples, layers, devices) = try options(
      json, SweepOptions.self, EstimatorOptions.self, KernelOptions.self, ExampleOptions.self,
      LayerOptions.self, DeviceOptions.self)
    let store = try text(store, "store")
    guard let paths, count > 0 else { throw Failure(.usage, "paths: there is none") }
    let models = try (0..<count).map { try text(paths[$0], "paths") }
    var settings = SweepSettings(
      try estimator.value(seed: examples.seed), try kernel.value, seed: examples.seedValue)
    settings.layers = layers.layers ?? []
    settings.exclude = layers.exclude
    settings.pooling = try layers.poolingValue.rawValue
    settings.layout = try layers.layoutValue
    settings.precision = try devices.precisionValue
    settings.storePrecision = try choice(own.storePrecision, "store_precision", or: .float32)
    settings.alignment = try examples.alignment.rawValue
    settings.exampleLimit = try examples.limit
    settings.dropExamples = try examples.dropped
    let (final, selection) = (settings, try layers.selection)
    return try devices.run(progress, context) { team, _ in
      let sweep = try Sweep(store: store, settings: final, devices: team, models: models) {
        try selection.open($0, layers: final.layers).model
      }
      _ = try sweep.run(models: models)
      var outputs = try SweepOutputs(try sweep.results())
      _ = try outputs.write()
      return try Found(in: store)
    }
  }
}
