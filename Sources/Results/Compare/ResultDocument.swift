import Activations
import CKA
import Device
import Support

/// What `result.json` holds, format `cka-result/1` (`Documentation/FileFormats.md`).
public struct ResultDocument: StoredDocument {
  /// The name of the file in the folder of a result.
  public static let name = "result.json"
  /// What its format begins with; the rest is the number of the version.
  public static let formatFamily = "cka-result/"
  /// The command that writes it.
  public static let command = "compare"

  /// An estimator and its settings; what it does not have is left out.
  public struct Estimator: Codable, Sendable {
    /// `minibatch`, `unbiased` or `biased`.
    public package(set) var name: String
    /// Examples of a minibatch.
    public package(set) var batchSize: Int?
    /// Passes over the examples.
    public package(set) var passes: Int?
    /// `stored` or `shuffled`.
    public package(set) var order: String?
    /// Decides the shuffled order.
    public package(set) var seed: UInt64?
    /// What became of examples that do not fill a minibatch.
    public package(set) var ragged: String?
  }

  /// A kernel function and its bandwidth.
  public struct Kernel: Codable, Sendable {
    /// `linear` or `rbf`.
    public package(set) var name: String
    /// The rule that σ follows, in words; nil for the linear kernel.
    public package(set) var bandwidth: String?
    /// σ as a multiple of the root of the median squared distance.
    public package(set) var medianMultiple: Double?
    /// How many examples the median is of; nil for all.
    public package(set) var medianExamples: Int?
    /// σ in units of the activations, where it was given.
    public package(set) var sigma: Double?
  }

  /// A device and what it did.
  public struct Worker: Codable, Sendable {
    /// How the user names it, such as `cpu` or `opencl:0`.
    public package(set) var id: String
    /// What the device calls itself.
    public package(set) var name: String
    /// `BLAS` or `OpenCL`.
    public package(set) var backend: String
    /// The driver or library and its version.
    public package(set) var driver: String
    /// How products were made.
    public package(set) var precision: Precision?
    /// Minibatches, or parts of work over all examples, that it finished.
    public package(set) var minibatches: Int
    /// Why this device was chosen and others were skipped, one sentence each; omitted if the user
    /// chose.
    public package(set) var reasons: [String]?
  }

  /// A layer of a model.
  public struct Layer: Codable, Sendable {
    /// What the model calls the layer.
    public package(set) var name: String
    /// The stage of the network; nil where the model does not say.
    public package(set) var stage: String?
    /// Examples, then the axes of the features.
    public package(set) var shape: [Int]
    /// The type of the stored numbers.
    public package(set) var scalarType: String
    /// p after pooling.
    public package(set) var features: Int
    /// `ok`, or why there is no value.
    public package(set) var status: String
    /// RBF's σ, the smallest of all minibatches.
    public package(set) var sigma: Double?
    /// Of a pooled map: which axis held its channels.
    public package(set) var layout: LayerShape.Layout?
    /// What made the layer `non-finite`; left out where it is not, or a bandwidth made it so.
    public package(set) var nonFinite: NonFiniteExamples?

    package init(
      name: String, stage: String? = nil, shape: [Int], scalarType: String, features: Int,
      status: String, sigma: Double? = nil, layout: LayerShape.Layout? = nil,
      nonFinite: NonFiniteExamples? = nil
    ) {
      self.name = name
      self.stage = stage
      self.shape = shape
      self.scalarType = scalarType
      self.features = features
      self.status = status
      self.sigma = sigma
      self.layout = layout
      self.nonFinite = nonFinite
    }
  }

  /// A model and its layers.
  public struct Model: Codable, Sendable {
    /// What results call the model.
    public package(set) var name: String
    /// The file or folder, as it was given.
    public package(set) var path: String
    /// The layers, in the order of the model.
    public package(set) var layers: [Layer]

    package init(name: String, path: String, layers: [Layer]) {
      self.name = name
      self.path = path
      self.layers = layers
    }
  }

  /// A cell without a value.
  public struct Cell: Codable, Sendable {
    /// The place of the row, counted from 0.
    public package(set) var row: Int
    /// The place of the column, counted from 0.
    public package(set) var column: Int
    /// `ok`, or why there is no value.
    public package(set) var status: String
  }

  /// How many examples were compared.
  public struct Examples: Codable, Sendable {
    /// Examples of the first model.
    public package(set) var total: Int
    /// In the minibatches of one pass.
    public package(set) var used: Int
    /// Left out of each pass.
    public package(set) var dropped: Int
    /// Over all passes.
    public package(set) var minibatches: Int
    /// What `--examples` allowed, where it was given; `used` and `dropped` are then of those drawn.
    public package(set) var limit: Int?
    /// `ids` where examples found each other by their sample IDs, not by their order.
    public package(set) var alignment: String?
    /// Examples that were left out for NaN or infinity; left out itself unless that was asked for.
    public package(set) var nonFinite: [Int]?
  }

  /// What was computed anew in float64.
  public struct Recomputed: Codable, Sendable {
    /// The places of layers in each model.
    public package(set) var layers: [[Int]]
    /// How many cells with a value were made of them.
    public package(set) var cells: Int
  }

  /// Seconds by stage.
  public struct Timings: Codable, Sendable {
    /// Opening the models and choosing the device.
    public package(set) var open: Double
    /// Gathering, converting and, on the CPU, centering activations.
    public package(set) var read: Double
    /// Sending them to a device with memory of its own.
    public package(set) var transfer: Double
    /// Gram matrices and their centering.
    public package(set) var gram: Double
    /// Inner products of all pairs of layers.
    public package(set) var pairs: Double
    /// What was computed anew in float64; left out where nothing was.
    public package(set) var float64: Double?
    /// All of it by the wall clock, up to the drawing of the figures.
    public package(set) var total: Double
  }

  /// The format of the file.
  public package(set) var format = ResultDocument.currentFormat
  /// The version of cka that wrote it.
  public package(set) var version = toolVersion
  /// When it was written, in UTC; nil where results must not differ by it.
  public package(set) var date: String? = RunRecord.date
  /// The program that wrote it and its arguments.
  public package(set) var commandLine: [String]? = RunRecord.commandLine
  /// How CKA was estimated.
  public package(set) var estimator: Estimator
  /// The function of two examples.
  public package(set) var kernel: Kernel
  /// What was done with the positions of feature maps: `flatten` or `mean`.
  public package(set) var pooling: String
  /// What was asked for; the devices say what they did. Missing in documents from before.
  public package(set) var precision: Precision?
  /// The device that finished the work, or the first of those that shared it.
  public package(set) var device: Worker
  /// The others that shared it with `device`; left out where there are none.
  public package(set) var sharingDevices: [Worker]?
  /// Devices that failed before it, with what they had done.
  public package(set) var failedDevices: [Worker]
  /// One model, or the two that were compared: rows, columns.
  public package(set) var models: [Model]
  /// Every other cell is "ok".
  public package(set) var undefinedCells: [Cell]
  /// Layers and cells recomputed in float64 on the CPU; omitted if there are none.
  public package(set) var float64: Recomputed?
  /// Of a network with itself, where they were asked for.
  public package(set) var blocks: [Block]?
  /// How many examples were compared, and which were left out.
  public package(set) var examples: Examples
  /// Of an estimate over all examples at once; missing in documents from before.
  public package(set) var plan: Plan?
  /// Whether `z.npy` is there: for the unbiased estimators.
  public package(set) var hasSignificance: Bool
  /// Seconds by stage; left out for the pairs of a sweep.
  public package(set) var timings: Timings?
}

extension ResultDocument {
  /// What a comparison found.
  ///
  /// - Parameters:
  ///   - comparison: what was compared.
  ///   - outcome: what `comparison` found.
  ///   - paths: the files or folders of its one or two models.
  ///   - pooling: what was done with the positions of feature maps: `flatten` or `mean`.
  ///   - precision: how devices were allowed to round products.
  ///   - alignment: how the examples of two models found each other.
  ///   - limit: the most examples that were to be taken; nil for all.
  ///   - timings: those of `outcome` unless given.
  public init(
    _ comparison: Comparison, _ outcome: Comparison.Outcome, paths: [String],
    pooling: String = "flatten", precision: Precision = .exact,
    alignment: ExamplePairing.Alignment = .order, limit: Int? = nil, timings: Timings? = nil
  ) {
    let similarity = outcome.similarity
    estimator = Estimator(comparison.estimator, comparison.plan)
    kernel = Kernel(comparison.kernel)
    self.pooling = pooling
    self.precision = precision
    let workers = Workers(outcome.work)
    (device, sharingDevices, failedDevices) = (workers.first, workers.sharing, workers.failed)
    models = [
      Model(comparison.left, paths[0], similarity.leftStatuses, similarity.leftSigmas)
    ]
    if let right = comparison.right {
      models.append(Model(right, paths[1], similarity.rightStatuses, similarity.rightSigmas))
    }
    undefinedCells = Cell.undefined(in: similarity.statuses)
    float64 = outcome.recomputed.map {
      Recomputed(
        layers: comparison.right == nil ? [$0.left] : [$0.left, $0.right], cells: $0.cells)
    }
    examples = Examples(
      total: comparison.left.exampleCount, used: comparison.plan.examplesUsed,
      dropped: comparison.plan.examplesDropped, minibatches: comparison.plan.batches.count,
      limit: limit, alignment: alignment == .ids ? alignment.rawValue : nil,
      nonFinite: comparison.pairing.dropped)
    hasSignificance = similarity.z != nil
    self.timings = timings ?? Timings(outcome.timings)
  }
}

extension ResultDocument {
  /// Throws the first value that no command writes.
  public func check() throws(DocumentFault) {
    try estimator.check("estimator")
    try kernel.check("kernel")
    try device.check("device")
    for worker in sharingDevices ?? [] { try worker.check("sharingDevices") }
    for worker in failedDevices { try worker.check("failedDevices") }
    try models.check("models")
    let (rows, columns) = shape
    try undefinedCells.check("undefinedCells", rows: rows, columns: columns)
    if let blocks {
      try expect(models.count == 1, "blocks", found: "those of two models", expected: "none")
      try blocks.check("blocks", layers: rows)
    }
    try float64?.check("float64", models: models)
    try examples.check("examples")
    try plan?.check("plan", models: models)
    try timings?.check("timings")
  }

  /// Layers on the rows and on the columns of the map.
  var shape: (rows: Int, columns: Int) { models.shape }
}

extension [ResultDocument.Model] {
  /// Layers of the first model, and of the second or of the first again.
  var shape: (rows: Int, columns: Int) {
    (self[0].layers.count, self[count - 1].layers.count)
  }

  /// Adds what the layers of each model hold that is not finite.
  package mutating func add(_ nonFinite: [[NonFiniteExamples?]]) {
    for (model, found) in nonFinite.enumerated() {
      for (layer, found) in found.enumerated() { self[model].layers[layer].nonFinite = found }
    }
  }
}
