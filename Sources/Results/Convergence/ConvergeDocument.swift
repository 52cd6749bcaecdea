import Activations
import Analyses
import CKA
import Device
import Support

/// What `converge.json` holds, format `cka-converge/1` (`Documentation/FileFormats.md`).
package struct ConvergeDocument: StoredDocument {
  package static let name = "converge.json"
  package static let formatFamily = "cka-converge/"
  package static let command = "converge"

  package struct Examples: Codable {
    var total: Int
    /// n of the exact value.
    package var compared: Int
    /// What `--examples` allowed, where it was given.
    var limit: Int?
    /// `ids` where examples found each other by their sample IDs, not by their order.
    var alignment: String?
    /// Examples that were left out for NaN or infinity; left out itself unless that was asked for.
    var nonFinite: [Int]?
  }

  /// Errors of one batch size and number of passes: `Convergence.Point`. What does not exist is
  /// left out.
  package struct Point: Codable {
    package var batchSize: Int
    package var passes: Int
    /// Of one repeat.
    var minibatches: Int
    /// In the minibatches of one pass.
    var examplesUsed: Int
    var pairs: Int
    var undefinedPairs: Int
    /// Pairs without an exact value.
    var pairsWithoutExact: Int
    package var meanError: Double?
    /// One a repeat.
    package var meanErrors: [Double]
    /// The standard deviation of `meanErrors`.
    var spread: Double?
    var percentile95: Double?
    var largest: Double?
    var bias: Double?
    /// The standard error of `bias`.
    var biasError: Double?
  }

  var format = ConvergeDocument.currentFormat
  var version = toolVersion
  var date: String? = RunRecord.date
  var commandLine: [String]? = RunRecord.commandLine
  package var kernel: ResultDocument.Kernel
  package var pooling: String
  var precision: Precision
  package var device: ResultDocument.Worker
  var sharingDevices: [ResultDocument.Worker]?
  var failedDevices: [ResultDocument.Worker]
  package var models: [ResultDocument.Model]
  /// Cells of `exact.npy` without a value.
  var undefinedCells: [ResultDocument.Cell]
  package var examples: Examples
  package var repeats: Int
  /// The seed of the first order.
  var seed: UInt64
  /// The axes of `errors.npy`, with the layers.
  package var batchSizes: [Int]
  package var passes: [Int]
  /// The passes fastest.
  package var points: [Point]
  package var timings: ResultDocument.Timings
}

extension ConvergeDocument {
  package init(
    _ convergence: Convergence, _ outcome: Convergence.Outcome, paths: [String], pooling: String,
    precision: Precision, alignment: ExamplePairing.Alignment, limit: Int?,
    timings: ResultDocument.Timings
  ) {
    let exact = outcome.exact
    let comparison = convergence.exact
    let workers = ResultDocument.Workers(outcome.work)
    var models = [
      ResultDocument.Model(comparison.left, paths[0], exact.leftStatuses, exact.leftSigmas)
    ]
    if let right = comparison.right {
      models.append(ResultDocument.Model(right, paths[1], exact.rightStatuses, exact.rightSigmas))
    }
    self.init(
      kernel: ResultDocument.Kernel(comparison.kernel), pooling: pooling, precision: precision,
      device: workers.first, sharingDevices: workers.sharing, failedDevices: workers.failed,
      models: models, undefinedCells: ResultDocument.Cell.undefined(in: exact.statuses),
      examples: Examples(
        total: comparison.left.exampleCount, compared: comparison.pairing.count, limit: limit,
        alignment: alignment == .ids ? alignment.rawValue : nil,
        nonFinite: comparison.pairing.dropped),
      repeats: convergence.repeats, seed: convergence.seed, batchSizes: convergence.batchSizes,
      passes: convergence.passes, points: outcome.points.map { Point($0) }, timings: timings)
  }

  package func check() throws(DocumentFault) {
    try kernel.check("kernel")
    try device.check("device")
    try models.check("models")
    let (rows, columns) = models.shape
    try undefinedCells.check("undefinedCells", rows: rows, columns: columns)
    try examples.check("examples")
    try expect(repeats, within: 1...countable.upperBound, "repeats")
    for (key, axis) in [("batchSizes", batchSizes), ("passes", passes)] {
      try expect(!axis.isEmpty, key, found: "nothing", expected: "at least one")
      for value in axis { try expect(value, within: 1...countable.upperBound, key) }
    }
    let (count, overflow) = batchSizes.count.multipliedReportingOverflow(by: passes.count)
    try expect(count: overflow ? .max : count, of: points, "points")
    for (index, point) in points.enumerated() { try point.check("points[\(index)]") }
    try timings.check("timings")
  }

  /// The errors as a table for people.
  package var table: TextTable {
    var table = TextTable([
      ("batch size", .right), ("passes", .right), ("minibatches", .right), ("mean error", .right),
      ("over orders", .right), ("95th percentile", .right), ("largest", .right), ("bias", .right),
    ])
    func number(_ value: Double?) -> String { value.map(Format.scientific) ?? "" }
    for point in points {
      let bounds = [point.meanErrors.min(), point.meanErrors.max()].map(number)
      let bias = point.bias.map { ($0 < 0 ? "" : "+") + Format.scientific($0) } ?? ""
      table.add([
        Format.count(point.batchSize), Format.count(point.passes), Format.count(point.minibatches),
        number(point.meanError), bounds.joined(separator: " … "), number(point.percentile95),
        number(point.largest), bias,
      ])
    }
    return table
  }

  /// The errors as a table for programs: a row a point; what does not exist is empty.
  var csv: [UInt8] {
    func number(_ value: Double?) -> String { csvNumber(value ?? .nan) }
    return points.reduce(
      into: csvLine([
        "batch_size", "passes", "minibatches", "examples_used", "repeats", "pairs",
        "undefined_pairs", "pairs_without_exact", "mean_error", "mean_error_least",
        "mean_error_most", "mean_error_sd",
        "error_p95", "error_largest", "bias", "bias_se",
      ])
    ) { bytes, point in
      let counts = [
        point.batchSize, point.passes, point.minibatches, point.examplesUsed, repeats, point.pairs,
        point.undefinedPairs, point.pairsWithoutExact,
      ]
      let numbers = [
        point.meanError, point.meanErrors.min(), point.meanErrors.max(), point.spread,
        point.percentile95, point.largest, point.bias, point.biasError,
      ]
      bytes += csvLine(counts.map(String.init) + numbers.map(number))
    }
  }
}

extension ConvergeDocument.Point {
  fileprivate func check(_ key: String) throws(DocumentFault) {
    try expect(
      [
        "batchSize": batchSize, "passes": passes, "minibatches": minibatches,
        "examplesUsed": examplesUsed, "pairs": pairs, "undefinedPairs": undefinedPairs,
      ], within: countable, of: key)
    try expect(
      [
        "meanError": meanError, "spread": spread, "percentile95": percentile95, "largest": largest,
        "biasError": biasError,
      ], within: 0...plainNumbers.upperBound, of: key)
    try expect(bias, within: plainNumbers, "\(key).bias")
    for error in meanErrors {
      try expect(error, within: 0...plainNumbers.upperBound, "\(key).meanErrors")
    }
  }

  fileprivate init(_ point: Convergence.Point) {
    self.init(
      batchSize: point.batchSize, passes: point.passes, minibatches: point.minibatches,
      examplesUsed: point.minibatches / point.passes * point.batchSize, pairs: point.pairs,
      undefinedPairs: point.undefinedPairs, pairsWithoutExact: point.pairsWithoutExact,
      meanError: jsonNumber(point.meanError),
      meanErrors: point.meanErrors.filter { !$0.isNaN }, spread: jsonNumber(point.spread),
      percentile95: jsonNumber(point.percentile95), largest: jsonNumber(point.largest),
      bias: jsonNumber(point.bias), biasError: jsonNumber(point.biasError))
  }
}
