import Activations
import Analyses
import CKA
import CKAHeader
import Inputs
import ResultFigures
import Results
import Support

// Analyses of one model or two.

/// One model, or two that are compared.
struct ModelPair {
  let left: ActivationModel
  let right: ActivationModel?
  /// What was done with the positions of maps and the tokens of sequences.
  let pooling: String

  init(_ left: cka_handle, _ right: cka_handle) throws(Failure) {
    let first: Model = try Handles.all.object(left, "left")
    let second: Model? = try Handles.all.second(right)
    self.left = try first.source
    self.right = try second.map { (model) throws(Failure) in try model.source }
    let words = [first.pooling, second?.pooling ?? first.pooling].map(\.rawValue)
    pooling = words[0] == words[1] ? words[0] : words.joined(separator: ", ")
  }

  /// What documents call the models' files.
  var paths: [String] { [left.name] + (right.map { [$0.name] } ?? []) }

}

/// See `cka.h`.
@c @implementation
public func cka_compare(
  _ left: cka_handle, _ right: cka_handle, _ json: UnsafePointer<CChar>?,
  _ progress: cka_progress?, _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let (estimator, kernel, examples, devices) = try options(
      json, EstimatorOptions.self, KernelOptions.self, ExampleOptions.self, DeviceOptions.self)
    let models = try ModelPair(left, right)
    let value = try estimator.value(seed: examples.seed)
    if try estimator.name != .minibatch, examples.seed != nil, examples.examples == nil {
      throw Failure(
        .usage, "options: seed needs the estimator minibatch, or examples that are drawn")
    }
    let comparison = try Comparison(
      models.left, models.right, pairing: examples.pairing(models.left, models.right),
      estimator: value, kernel: kernel.value)
    return try devices.run(progress, context) { team, reasons in
      let plan = try comparison.plan(on: team, isLimited: devices.isLimited)
      let outcome = try comparison.run(on: team, plan: plan)
      var document = ResultDocument(
        comparison, outcome, paths: models.paths, pooling: models.pooling,
        precision: try devices.precisionValue, alignment: try examples.alignment,
        limit: examples.examples)
      document.device.add(reasons: reasons)
      let result = CompareResult(document, outcome.similarity)
      return Found(result, result.dataFiles, statuses: outcome.similarity.statuses)
    }
  }
}

private struct TrustOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case cell, permutations, top
    case mapPermutations = "map_permutations"
  }

  var cell: [String]?
  var permutations: Int?
  var mapPermutations: Int?
  var top: Int?

  /// The pair of layers that is looked into.
  func cell(of models: ModelPair) throws(Failure) -> MapCell? {
    guard let cell else {
      for (key, value) in [("permutations", permutations), ("top", top)] where value != nil {
        throw Failure(.usage, "options: \(key) needs a cell")
      }
      return nil
    }
    guard cell.count == 2 else {
      throw Failure(.usage, "options: cell has \(cell.count) names, expected those of two layers")
    }
    return MapCell(
      row: try layerPlace(cell[0], of: models.left, path: models.left.name),
      column: try layerPlace(
        cell[1], of: models.right ?? models.left, path: (models.right ?? models.left).name))
  }
}

/// See `cka.h`.
@c @implementation
public func cka_trust(
  _ left: cka_handle, _ right: cka_handle, _ json: UnsafePointer<CChar>?,
  _ progress: cka_progress?, _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let (own, kernel, examples, devices) = try options(
      json, TrustOptions.self, KernelOptions.self, ExampleOptions.self, DeviceOptions.self)
    let models = try ModelPair(left, right)
    let cell = try own.cell(of: models)
    let permutations = try number(
      own.permutations, within: 1...Uncertainty.PairSettings.mostPermutations, "permutations",
      or: 999)
    let top = try number(own.top, within: 0...Int.max, "top", or: 10)
    let comparison = try Comparison(
      models.left, models.right, pairing: examples.pairing(models.left, models.right),
      estimator: .unbiased, kernel: kernel.value)
    let trust = try Uncertainty(
      comparison, seed: examples.seedValue, permutations: own.mapPermutations)
    return try devices.run(progress, context) { team, reasons in
      try trust.checkMemory(on: team, isLimited: devices.isLimited, pair: cell != nil)
      let outcome = try trust.run(on: team)
      let details = try cell.flatMap {
        try outcome.pair(
          row: $0.row, column: $0.column, settings: .init(permutations: permutations))
      }
      var document = UncertaintyDocument(
        comparison, outcome, paths: models.paths, pooling: models.pooling,
        precision: try devices.precisionValue, alignment: try examples.alignment,
        seed: examples.seedValue)
      document.device.add(reasons: reasons)
      if let cell, let details {
        document.add(details, row: cell.row, column: cell.column, of: comparison, top: top)
      }
      let result = UncertaintyResult(document, outcome)
      return Found(
        result, result.dataFiles(comparison, outcome, details),
        statuses: outcome.similarity.statuses)
    }
  }
}

private struct ConvergeOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case batchSizes = "batch_sizes"
    case passes, repeats
  }

  var batchSizes: [Int]?
  var passes: [Int]?
  var repeats: Int?
}

/// See `cka.h`.
@c @implementation
public func cka_converge(
  _ left: cka_handle, _ right: cka_handle, _ json: UnsafePointer<CChar>?,
  _ progress: cka_progress?, _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let (own, kernel, examples, devices) = try options(
      json, ConvergeOptions.self, KernelOptions.self, ExampleOptions.self, DeviceOptions.self)
    let models = try ModelPair(left, right)
    let sizes = own.batchSizes ?? [16, 32, 64, 128, 256]
    let convergence = try Convergence(
      models.left, models.right, pairing: examples.pairing(models.left, models.right),
      kernel: kernel.value, batchSizes: sizes, passes: own.passes ?? [1, 2, 5, 10],
      repeats: own.repeats ?? 10, seed: examples.seedValue)
    try convergence.check(batchSizes: sizes, path: models.left.name)
    return try devices.run(progress, context) { team, reasons in
      let plan = try convergence.exact.plan(on: team, isLimited: devices.isLimited)
      let outcome = try convergence.run(on: team, plan: plan)
      var document = ConvergeDocument(
        convergence, outcome, paths: models.paths, pooling: models.pooling,
        precision: try devices.precisionValue, alignment: try examples.alignment,
        limit: examples.examples)
      document.device.add(reasons: reasons)
      let result = ConvergeResult(document, exact: outcome.exact.cka)
      return Found(result, result.dataFiles(outcome), statuses: outcome.exact.statuses)
    }
  }
}

private struct ComponentsOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case components, remove, estimator, layer, controls
  }
  enum EstimatorName: String, CaseIterable { case unbiased, biased }

  var components: Int?
  var remove: [Int]?
  var estimator: String?
  var layer: String?
  var controls: Int?

  var estimatorValue: Estimator {
    get throws(Failure) {
      let name = try choice(estimator, "estimator", or: EstimatorName.unbiased)
      return name == .biased ? .biased : .unbiased
    }
  }
}

/// See `cka.h`.
@c @implementation
public func cka_components(
  _ left: cka_handle, _ right: cka_handle, _ json: UnsafePointer<CChar>?,
  _ progress: cka_progress?, _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let (own, examples, devices) = try options(
      json, ComponentsOptions.self, ExampleOptions.self, DeviceOptions.self)
    let models = try ModelPair(left, right)
    let place = try own.layer.map {
      try layerPlace($0, of: models.left, path: models.left.name)
    }
    let analysis = try ComponentAnalysis(
      models.left, models.right, pairing: examples.pairing(models.left, models.right),
      components: own.components ?? 10, removed: own.remove ?? [1],
      estimator: own.estimatorValue,
      removal: .init(controls: own.controls ?? 3, seed: examples.seedValue, layer: place))
    return try devices.run(progress, context) { team, reasons in
      _ = try analysis.memoryNotes(on: team, isLimited: devices.isLimited)
      let outcome = try analysis.run(on: team)
      let traits = try analysis.traits
      var document = try ComponentsDocument(
        analysis, outcome, traits, paths: models.paths, pooling: models.pooling,
        precision: try devices.precisionValue, alignment: try examples.alignment,
        limit: examples.examples)
      document.device.add(reasons: reasons)
      let result = try ComponentsResult(document, outcome)
      return Found(
        result, try result.dataFiles(analysis, outcome, traits),
        statuses: outcome.similarity.statuses)
    }
  }
}
