import Activations
import Analyses
import CKA
import Device
import Statistics
import Support

/// What `probe.json` holds, format `cka-probe/1` (`Documentation/FileFormats.md`).
public struct ProbeDocument: StoredDocument {
  /// The name of the file in the folder of a result.
  public static let name = "probe.json"
  /// What its format begins with; the rest is the number of the version.
  public static let formatFamily = "cka-probe/"
  /// The command that writes it.
  public static let command = "probe"

  /// What one layer gave; what does not exist is left out.
  public struct Layer: Codable, Sendable {
    /// What the model calls the layer.
    public package(set) var name: String
    /// The stage of the network; nil where the model does not say.
    public package(set) var stage: String?
    /// p after pooling.
    public package(set) var features: Int
    /// `ok`, or why there is no value.
    public package(set) var status: String
    /// The share of test examples whose class was found.
    public package(set) var testAccuracy: Double?
    /// Wilson's 95 % interval of the test accuracy.
    public package(set) var low: Double?
    /// See `low`.
    public package(set) var high: Double?
    /// The same of the training examples.
    public package(set) var trainAccuracy: Double?
    /// C·Σ losses + ½‖W‖² at its minimum.
    public package(set) var objective: Double?
    /// Steps of the solver.
    public package(set) var iterations: Int?
    /// Whether the fit ended.
    public package(set) var isConverged: Bool?
    /// `features` or `gram`.
    public package(set) var form: String?
  }

  /// Which examples took part.
  public struct Examples: Codable, Sendable {
    /// Examples of the first model.
    public package(set) var total: Int
    /// Training examples.
    public package(set) var train: Int
    /// Test examples.
    public package(set) var test: Int
    /// The share of each class that was held out.
    public package(set) var testFraction: Double
    /// Decides the test examples.
    public package(set) var seed: UInt64
    /// Examples that were left out for NaN or infinity; left out itself unless that was asked for.
    public package(set) var nonFinite: [Int]?
  }

  /// A block that is shaded in the figure.
  public struct Block: Codable, Sendable {
    /// Places of layers, counted from 0.
    public package(set) var first: Int
    /// See `first`.
    public package(set) var last: Int
  }

  /// The format of the file.
  public package(set) var format = ProbeDocument.currentFormat
  /// The version of cka that wrote it.
  public package(set) var version = toolVersion
  /// When it was written, in UTC; nil where results must not differ by it.
  public package(set) var date: String? = RunRecord.date
  /// The program that wrote it and its arguments.
  public package(set) var commandLine: [String]? = RunRecord.commandLine
  /// What results call the model.
  public package(set) var model: String
  /// The file or folder, as it was given.
  public package(set) var path: String
  /// The file of the labels.
  public package(set) var labels: String
  /// The labels that occur, ascending.
  public package(set) var classes: [Int]
  /// Examples of each class.
  public package(set) var classCounts: [Int]
  /// The weight of ½‖W‖² beside the summed losses.
  public package(set) var penalty: Double
  /// What was done with the positions of feature maps: `flatten` or `mean`.
  public package(set) var pooling: String
  /// How devices were allowed to round products.
  public package(set) var precision: Precision
  /// The device that did the work, or the first of those that shared it.
  public package(set) var device: ResultDocument.Worker
  /// How many examples were compared, and which were left out.
  public package(set) var examples: Examples
  /// What always naming the most frequent class of the fitted examples gives.
  public package(set) var majorityAccuracy: Double
  /// The layers, in the order of the model.
  public package(set) var layers: [Layer]
  /// The shaded blocks, where they were given.
  public package(set) var blocks: [Block]?
  /// Seconds of the whole run by the wall clock; nil or 0 where nobody took the time.
  public package(set) var seconds: Double
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
  /// What a probe found.
  ///
  /// - Parameters:
  ///   - probe: the model, its labels and the split.
  ///   - results: one a layer, as `Probe.run(on:)` gives them.
  ///   - path: the model's file or folder.
  ///   - labelsPath: the file of the labels.
  ///   - testFraction: that of the split.
  ///   - seed: what decided the split.
  ///   - pooling: what was done with the positions of feature maps: `flatten` or `mean`.
  ///   - precision: how devices were allowed to round products.
  ///   - device: the one that `Probe.run(on:)` names.
  ///   - blocks: first and last layer of each block to shade, counted from 0.
  ///   - seconds: of the whole run; 0 where nobody took the time.
  public init(
    _ probe: Probe, _ results: [Probe.LayerResult], path: String, labelsPath: String,
    testFraction: Double = 0.25, seed: UInt64 = 0, pooling: String = "flatten",
    precision: Precision = .exact, device: DeviceInfo, blocks: [ClosedRange<Int>]? = nil,
    seconds: Double = 0
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

  /// Throws the first value that no command writes.
  public func check() throws(DocumentFault) {
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
