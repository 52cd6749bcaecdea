import Activations
import Analyses
import CKA
import Device
import Support

/// What `converge.json` holds, format `cka-converge/1` (`Documentation/FileFormats.md`).
public struct ConvergeDocument: StoredDocument {
  /// The name of the file in the folder of a result.
  public static let name = "converge.json"
  /// What its format begins with; the rest is the number of the version.
  public static let formatFamily = "cka-converge/"
  /// The command that writes it.
  public static let command = "converge"

  /// How many examples were compared.
  public struct Examples: Codable, Sendable {
    /// Examples of the first model.
    public package(set) var total: Int
    /// n of the exact value.
    public package(set) var compared: Int
    /// What `--examples` allowed, where it was given.
    public package(set) var limit: Int?
    /// `ids` where examples found each other by their sample IDs, not by their order.
    public package(set) var alignment: String?
    /// Examples that were left out for NaN or infinity; left out itself unless that was asked for.
    public package(set) var nonFinite: [Int]?
  }

  /// Errors of one batch size and number of passes: `Convergence.Point`. What does not exist is
  /// left out.
  public struct Point: Codable, Sendable {
    /// Examples of a minibatch.
    public package(set) var batchSize: Int
    /// Passes over the examples.
    public package(set) var passes: Int
    /// Of one repeat.
    public package(set) var minibatches: Int
    /// In the minibatches of one pass.
    public package(set) var examplesUsed: Int
    /// Pairs of layers with a value.
    public package(set) var pairs: Int
    /// Pairs of layers without an estimate.
    public package(set) var undefinedPairs: Int
    /// Pairs without an exact value.
    public package(set) var pairsWithoutExact: Int
    /// The mean of |estimate − exact| over pairs of layers and repeats.
    public package(set) var meanError: Double?
    /// One a repeat.
    public package(set) var meanErrors: [Double]
    /// The standard deviation of `meanErrors`.
    public package(set) var spread: Double?
    /// 95 of 100 errors are not larger.
    public package(set) var percentile95: Double?
    /// The largest error.
    public package(set) var largest: Double?
    /// The mean of estimate − exact.
    public package(set) var bias: Double?
    /// The standard error of `bias`.
    public package(set) var biasError: Double?
  }

  /// The format of the file.
  public package(set) var format = ConvergeDocument.currentFormat
  /// The version of cka that wrote it.
  public package(set) var version = toolVersion
  /// When it was written, in UTC; nil where results must not differ by it.
  public package(set) var date: String? = RunRecord.date
  /// The program that wrote it and its arguments.
  public package(set) var commandLine: [String]? = RunRecord.commandLine
  /// The function of two examples.
  public package(set) var kernel: ResultDocument.Kernel
  /// What was done with the positions of feature maps: `flatten` or `mean`.
  public package(set) var pooling: String
  /// How devices were allowed to round products.
  public package(set) var precision: Precision
  /// The device that did the work, or the first of those that shared it.
  public package(set) var device: ResultDocument.Worker
  /// The others that shared it with `device`; left out where there are none.
  public package(set) var sharingDevices: [ResultDocument.Worker]?
  /// Devices that failed, with what they had done.
  public package(set) var failedDevices: [ResultDocument.Worker]
  /// One model, or the two that were compared: rows, columns.
  public package(set) var models: [ResultDocument.Model]
  /// Cells of `exact.npy` without a value.
  public package(set) var undefinedCells: [ResultDocument.Cell]
  /// How many examples were compared, and which were left out.
  public package(set) var examples: Examples
  /// Independent orders of the examples.
  public package(set) var repeats: Int
  /// The seed of the first order.
  public package(set) var seed: UInt64
  /// The axes of `errors.npy`, with the layers.
  public package(set) var batchSizes: [Int]
  /// See `batchSizes`.
  public package(set) var passes: [Int]
  /// The passes fastest.
  public package(set) var points: [Point]
  /// Seconds by stage.
  public package(set) var timings: ResultDocument.Timings
}

extension ConvergeDocument {
  /// What was found of the errors of minibatches; see `ResultDocument.init` for the parameters.
  public init(
    _ convergence: Convergence, _ outcome: Convergence.Outcome, paths: [String],
    pooling: String = "flatten", precision: Precision = .exact,
    alignment: ExamplePairing.Alignment = .order, limit: Int? = nil,
    timings: ResultDocument.Timings? = nil
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
      passes: convergence.passes, points: outcome.points.map { Point($0) },
      timings: timings ?? .init(outcome.timings))
  }

  /// Throws the first value that no command writes.
  public func check() throws(DocumentFault) {
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
