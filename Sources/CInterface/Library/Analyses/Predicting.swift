import Activations
import Analyses
import CKA
import CKAHeader
import Inputs
import ResultFigures
import Results
import Support

// Analyses of what networks predict, or could.

private struct ProbeOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case penalty
    case testFraction = "test_fraction"
  }

  var penalty: Double?
  var testFraction: Double?
}

/// Whole numbers of the caller, one an example.
private func labels(_ array: UnsafePointer<cka_array>?) throws -> [Int32] {
  let layer = try LayerActivations("labels", array)
  do throws(PredictionError) { return try classLabels(layer) } catch {
    throw error.failure(of: "labels")
  }
}

/// See `cka.h`.
@c @implementation
public func cka_probe(
  _ model: cka_handle, _ classes: UnsafePointer<cka_array>?, _ json: UnsafePointer<CChar>?,
  _ progress: cka_progress?, _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let (own, examples, devices) = try options(
      json, ProbeOptions.self, ExampleOptions.self, DeviceOptions.self)
    let models = try ModelPair(model, 0)
    let all = try labels(classes)
    guard all.count == models.left.exampleCount else {
      throw Failure(
        .data,
        "found \(all.count) labels, expected \(models.left.exampleCount): one for each example")
    }
    let pairing = try examples.pairing(models.left, nil)
    let (fraction, seed) = (own.testFraction ?? 0.25, examples.seedValue)
    let probe = try Probe(
      models.left, examples: pairing.left, labels: all.map(Int.init), from: "labels",
      testFraction: fraction, seed: seed, penalty: own.penalty ?? 1)
    return try devices.run(progress, context) { team, reasons in
      try probe.checkMemory(on: team, isLimited: devices.isLimited)
      let (layers, device) = try probe.run(on: team)
      var document = ProbeDocument(
        probe, layers, path: models.left.name, labelsPath: "labels", testFraction: fraction,
        seed: seed, pooling: models.pooling, precision: try devices.precisionValue, device: device)
      document.device.add(reasons: reasons)
      document.examples.nonFinite = pairing.dropped
      let result = ProbeResult(document)
      return Found(result, result.dataFiles)
    }
  }
}

private struct ErrorsOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case logits
    case classNames = "class_names"
    case top, repeats, seed
  }

  var logits: Bool?
  var classNames: [String]?
  var top: Int?
  var repeats: Int?
  var seed: UInt64?

  /// The predictions of the networks of a group.
  func group(_ model: Model) throws -> ErrorStudy.Group {
    let model = try model.source
    let networks = try model.layers.map { layer in
      do throws(PredictionError) {
        return try Predictions(layer, name: layer.name, areLogits: logits ?? false)
      } catch {
        throw error.failure(of: layer.name)
      }
    }
    return ErrorStudy.Group(name: model.name, networks: networks)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_errors(
  _ first: cka_handle, _ second: cka_handle, _ classes: UnsafePointer<cka_array>?,
  _ json: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let own = try options(json, ErrorsOptions.self)
    let groups = try [(first, "first"), (second, "second")].map { handle, name in
      try own.group(Handles.all.object(handle, name))
    }
    let study = try ErrorStudy(groups[0], groups[1], labels: labels(classes))
    if let names = own.classNames, names.count != study.classCount {
      throw Failure(
        .usage, "options: class_names has \(names.count) names, expected \(study.classCount)")
    }
    let findings = try ErrorFindings(
      study, classNames: own.classNames,
      limit: number(own.top, within: 1...Int.max, "top", or: 20),
      repeats: number(own.repeats, within: 1...ErrorFindings.mostRepeats, "repeats", or: 1000),
      seed: own.seed ?? 0)
    let document = ErrorAgreementDocument(study, findings, labels: "labels")
    let result = ErrorAgreementResult(document, findings.similarity)
    return Handles.all.add(Found(result, result.dataFiles(study, findings)))
  }
}
