import Activations
import Analyses
import CKA
import Device
import Statistics
import Support

/// What `probe.json` holds, format `cka-probe/1` (`Documentation/FileFormats.md`).
package struct ProbeDocument: StoredDocument {
  package static let name = "probe.json"
  package static let formatFamily = "cka-probe/"
  package static let command = "probe"

  package struct Layer: Codable {
    package var name: String
    var stage: String?
    var features: Int
    var status: String
    package var testAccuracy: Double?
    /// Wilson's 95 % interval of the test accuracy.
    package var low: Double?
    package var high: Double?
    package var trainAccuracy: Double?
    /// C·Σ losses + ½‖W‖² at its minimum.
    var objective: Double?
    var iterations: Int?
    var isConverged: Bool?
    /// `features` or `gram`.
    var form: String?
  }

  package struct Examples: Codable {
    var total: Int
    package var train: Int
    package var test: Int
    var testFraction: Double
    var seed: UInt64
    /// Examples that were left out for NaN or infinity; left out itself unless that was asked for.
    package var nonFinite: [Int]?
  }

  package struct Block: Codable {
    /// Places of layers, counted from 0.
    package var first: Int
    package var last: Int
  }

  var format = ProbeDocument.currentFormat
  var version = toolVersion
  var date: String? = RunRecord.date
  var commandLine: [String]? = RunRecord.commandLine
  package var model: String
  package var path: String
  package var labels: String
  package var classes: [Int]
  /// Examples of each class.
  var classCounts: [Int]
  package var penalty: Double
  package var pooling: String
  var precision: Precision
  package var device: ResultDocument.Worker
  package var examples: Examples
  /// What always naming the most frequent class of the fitted examples gives.
  package var majorityAccuracy: Double
  package var layers: [Layer]
  /// The shaded blocks, where they were given.
  package var blocks: [Block]?
  package var seconds: Double
}

extension ProbeDocument.Layer {
  fileprivate func check(_ key: String) throws(DocumentFault) {
    try expect(features, within: countable, "\(key).features")
    try expect(iterations, within: countable, "\(key).iterations")
    try expect(
      [
        "testAccuracy": testAccuracy, "trainAccuracy": trainAccuracy, "low": low, "high": high,
      ], within: fractions, of: key)
    if let low, let high {
      try expect(
        low <= high, "\(key).high", found: String(high), expected: "\(low), its low, or more")
    }
  }
}

extension ProbeDocument {
  package init(
    _ probe: Probe, _ results: [Probe.LayerResult], path: String, labelsPath: String,
    testFraction: Double, seed: UInt64, pooling: String, precision: Precision, device: DeviceInfo,
    blocks: [ClosedRange<Int>]?, seconds: Double
  ) {
    let layers = zip(probe.model.layers, results).map { layer, result in
      guard result.status == .ok else {
        return Layer(
          name: layer.name, stage: layer.stage, features: layer.featureCount,
          status: result.status.rawValue)
      }
      let interval = wilsonInterval(result.testAccuracy, of: probe.split.test.count)
      return Layer(
        name: layer.name, stage: layer.stage, features: layer.featureCount,
        status: result.status.rawValue, testAccuracy: result.testAccuracy,
        low: interval.lowerBound, high: interval.upperBound, trainAccuracy: result.trainAccuracy,
        objective: result.objective, iterations: result.iterations,
        isConverged: result.isConverged, form: result.isGram ? "gram" : "features")
    }
    self.init(
      model: probe.model.name, path: path, labels: labelsPath, classes: probe.labels.classes,
      classCounts: probe.labels.counts, penalty: probe.penalty, pooling: pooling,
      precision: precision, device: ResultDocument.Worker(device.identity, minibatches: 0),
      examples: Examples(
        total: probe.model.exampleCount, train: probe.split.train.count,
        test: probe.split.test.count, testFraction: testFraction, seed: seed),
      majorityAccuracy: probe.majorityAccuracy, layers: layers,
      blocks: blocks?.map { Block(first: $0.lowerBound, last: $0.upperBound) }, seconds: seconds)
  }

  package func check() throws(DocumentFault) {
    try device.check("device")
    try expect(
      [
        "total": examples.total, "train": examples.train, "test": examples.test,
      ], within: countable, of: "examples")
    for count in classCounts { try expect(count, within: countable, "classCounts") }
    try expect(penalty, within: 0...Double.greatestFiniteMagnitude, "penalty")
    try expect(examples.testFraction, within: fractions, "examples.testFraction")
    try expect(majorityAccuracy, within: fractions, "majorityAccuracy")
    try expect(seconds, within: durations, "seconds")
    try expect(!layers.isEmpty, "layers", found: "no layer", expected: "at least one")
    for (index, layer) in layers.enumerated() { try layer.check("layers[\(index)]") }
    for (index, block) in (blocks ?? []).enumerated() {
      try expect(block.first, within: 0...layers.count - 1, "blocks[\(index)].first")
      try expect(block.last, within: 0...layers.count - 1, "blocks[\(index)].last")
      try expect(block.last, within: block.first...layers.count - 1, "blocks[\(index)].last")
    }
  }

  /// The accuracies as a table for people.
  package var table: TextTable {
    var table = TextTable([
      ("layer", .left), ("features", .right), ("test", .right), ("95 % interval", .right),
      ("train", .right), ("form", .left), ("steps", .right),
    ])
    func percent(_ value: Double?) -> String { value.map { Format.fixed(100 * $0, 1) } ?? "" }
    for layer in layers {
      let interval = layer.low.map { "\(percent($0)) … \(percent(layer.high))" } ?? layer.status
      table.add([
        oneLine(layer.name), Format.count(layer.features), percent(layer.testAccuracy), interval,
        percent(layer.trainAccuracy), layer.form ?? "",
        layer.iterations.map { Format.count($0) } ?? "",
      ])
    }
    return table
  }

  /// What stands below the table.
  package var summary: String {
    let majority = Format.fixed(100 * majorityAccuracy, 1)
    return
      "accuracy in %: \(classes.count) classes, \(Format.count(examples.train)) training and "
      + "\(Format.count(examples.test)) test examples; always predicting the most frequent class: \(majority); in "
      + Format.seconds(seconds)
  }

  /// The accuracies as a table for programs: a row a layer; what does not exist is empty.
  var csv: [UInt8] {
    layers.reduce(
      into: csvLine([
        "layer", "features", "status", "test_accuracy", "low", "high", "train_accuracy",
        "objective",
        "iterations", "form",
      ])
    ) { bytes, layer in
      func number(_ value: Double?) -> String { csvNumber(value ?? .nan) }
      bytes += csvLine([
        layer.name, String(layer.features), layer.status, number(layer.testAccuracy),
        number(layer.low), number(layer.high), number(layer.trainAccuracy),
        number(layer.objective), layer.iterations.map(String.init) ?? "", layer.form ?? "",
      ])
    }
  }
}
