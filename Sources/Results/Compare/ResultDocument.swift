import Activations
import CKA
import Device
import Support

/// What `result.json` holds, format `cka-result/1` (`Documentation/FileFormats.md`).
package struct ResultDocument: StoredDocument {
  package static let name = "result.json"
  package static let formatFamily = "cka-result/"
  package static let command = "compare"

  package struct Estimator: Codable {
    package var name: String
    package var batchSize: Int?
    package var passes: Int?
    var order: String?
    package var seed: UInt64?
    var ragged: String?
  }

  package struct Kernel: Codable {
    package var name: String
    /// The rule that σ follows, in words; nil for the linear kernel.
    var bandwidth: String?
    package var medianMultiple: Double?
    /// How many examples the median is of; nil for all.
    var medianExamples: Int?
    package var sigma: Double?
  }

  package struct Worker: Codable {
    package var id: String
    var name: String
    var backend: String
    var driver: String
    /// How products were made.
    var precision: Precision?
    var minibatches: Int
    /// Why this device was chosen and others were skipped, one sentence each; omitted if the user
    /// chose.
    var reasons: [String]?
  }

  package struct Layer: Codable {
    package var name: String
    package var stage: String?
    package var shape: [Int]
    package var scalarType: String
    /// p after pooling.
    package var features: Int
    package var status: String
    /// RBF's σ, the smallest of all minibatches.
    package var sigma: Double?
    /// Of a pooled map: which axis held its channels.
    var layout: LayerShape.Layout?
    /// What made the layer `non-finite`; left out where it is not, or a bandwidth made it so.
    var nonFinite: NonFiniteExamples?

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

  package struct Model: Codable {
    package var name: String
    package var path: String
    package var layers: [Layer]

    package init(name: String, path: String, layers: [Layer]) {
      self.name = name
      self.path = path
      self.layers = layers
    }
  }

  package struct Cell: Codable {
    package var row: Int
    package var column: Int
    package var status: String
  }

  package struct Examples: Codable {
    var total: Int
    /// In the minibatches of one pass.
    package var used: Int
    /// Left out of each pass.
    package var dropped: Int
    /// Over all passes.
    var minibatches: Int
    /// What `--examples` allowed, where it was given; `used` and `dropped` are then of those drawn.
    var limit: Int?
    /// `ids` where examples found each other by their sample IDs, not by their order.
    var alignment: String?
    /// Examples that were left out for NaN or infinity; left out itself unless that was asked for.
    var nonFinite: [Int]?
  }

  struct Recomputed: Codable {
    /// The places of layers in each model.
    var layers: [[Int]]
    var cells: Int
  }

  package struct Timings: Codable {
    /// Opening the models and choosing the device.
    var open: Double
    /// Gathering, converting and, on the CPU, centering activations.
    var read: Double
    /// Sending them to a device with memory of its own.
    var transfer: Double
    /// Gram matrices and their centering.
    var gram: Double
    /// Inner products of all pairs of layers.
    var pairs: Double
    /// What was computed anew in float64; left out where nothing was.
    var float64: Double?
    /// All of it by the wall clock, up to the drawing of the figures.
    package var total: Double
  }

  var format = ResultDocument.currentFormat
  var version = toolVersion
  var date: String? = RunRecord.date
  var commandLine: [String]? = RunRecord.commandLine
  package var estimator: Estimator
  package var kernel: Kernel
  package var pooling: String
  /// What was asked for; the devices say what they did. Missing in documents from before.
  var precision: Precision?
  /// The device that finished the work, or the first of those that shared it.
  package var device: Worker
  /// The others that shared it with `device`; left out where there are none.
  package var sharingDevices: [Worker]?
  /// Devices that failed before it, with what they had done.
  var failedDevices: [Worker]
  /// One model, or the two that were compared: rows, columns.
  package var models: [Model]
  /// Every other cell is "ok".
  package var undefinedCells: [Cell]
  /// Layers and cells recomputed in float64 on the CPU; omitted if there are none.
  var float64: Recomputed?
  /// Of a network with itself, where they were asked for.
  package var blocks: [Block]?
  package var examples: Examples
  /// Of an estimate over all examples at once; missing in documents from before.
  package var plan: Plan?
  /// Whether `z.npy` is there: for the unbiased estimators.
  package var hasSignificance: Bool
  /// Seconds by stage; left out for the pairs of a sweep.
  package var timings: Timings?
}

extension ResultDocument {
  package init(
    _ comparison: Comparison, _ outcome: Comparison.Outcome, paths: [String], pooling: String,
    precision: Precision, alignment: ExamplePairing.Alignment, limit: Int?, timings: Timings
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
    self.timings = timings
  }
}

extension ResultDocument {
  package func check() throws(DocumentFault) {
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

extension ResultDocument.Worker {
  init(_ work: DeviceShare) {
    self.init(work.device.identity, minibatches: work.minibatches)
  }

  init(_ device: DeviceIdentity, minibatches: Int) {
    self.init(
      id: device.id, name: device.name, backend: device.backend, driver: device.driver,
      precision: device.precision, minibatches: minibatches)
  }

  /// Adds why the device was chosen.
  package mutating func add(reasons: [String]) {
    if !reasons.isEmpty { self.reasons = reasons }
  }

  /// No device: there was nothing to do.
  static let none = Self(id: "", name: "", backend: "", driver: "", minibatches: 0)
}

extension ResultDocument {
  /// The devices that did the work, as written to documents.
  struct Workers {
    var first: Worker
    var sharing: [Worker]?
    var failed: [Worker]

    init(_ work: [DeviceShare]) {
      let finishers = work.filter { !$0.hasFailed }.map { Worker($0) }
      first = finishers.first ?? Worker.none
      sharing = finishers.count > 1 ? Array(finishers.dropFirst()) : nil
      failed = work.filter(\.hasFailed).map { Worker($0) }
    }
  }
}

extension ResultDocument.Timings {
  package init(_ timings: Comparison.Timings, open: Double, total: Double) {
    self.init(
      open: open, read: timings.stages.read, transfer: timings.stages.transfer,
      gram: timings.stages.gram, pairs: timings.pairs,
      float64: timings.float64 > 0 ? timings.float64 : nil, total: total)
  }
}

extension ResultDocument.Cell {
  /// Every cell that has no value.
  static func undefined(in statuses: Matrix<Status>) -> [Self] {
    statuses.elements.indices.filter { statuses.elements[$0] != .ok }.map { index in
      Self(
        row: index / statuses.columns, column: index % statuses.columns,
        status: statuses.elements[index].rawValue)
    }
  }
}

extension ResultDocument.Estimator {
  init(_ estimator: CKA.Estimator, _ plan: MinibatchPlan? = nil) {
    name = estimator.name
    guard case .minibatch(let settings) = estimator else { return }
    batchSize = settings.size ?? plan?.batchSize
    passes = settings.passes
    ragged = settings.ragged.rawValue
    switch settings.order {
    case .stored: order = "stored"
    case .shuffled(let seed):
      order = "shuffled"
      self.seed = seed
    }
  }
}

extension ResultDocument.Kernel {
  init(_ kernel: GramKernel) {
    switch kernel {
    case .linear: name = "linear"
    case .rbf(.medianMultiple(let multiple)):
      name = "rbf"
      bandwidth = "sigma² = t² · median of all n² squared distances, the zero diagonal included"
      medianMultiple = multiple
    case .rbf(.sampledMedianMultiple(let multiple, let examples)):
      name = "rbf"
      bandwidth =
        "sigma² = t² · median of the squared distances of medianExamples examples spread evenly, "
        + "the zero diagonal included"
      medianMultiple = multiple
      medianExamples = examples
    case .rbf(.sigma(let sigma)):
      name = "rbf"
      bandwidth = "sigma as given"
      self.sigma = sigma
    }
  }
}

extension LayerActivations {
  /// Which axis of a pooled map holds its channels.
  var pooledLayout: LayerShape.Layout? {
    guard case .mean(let layout) = pooling else { return nil }
    return layout
  }
}

extension ResultDocument.Model {
  init(
    _ model: any ActivationSource, _ path: String, _ statuses: [Status], _ sigmas: [Double?]
  ) {
    name = model.name
    self.path = path
    layers = model.layers.indices.map { index in
      let layer = model.layers[index]
      return ResultDocument.Layer(
        name: layer.name, stage: layer.stage,
        shape: [layer.shape.exampleCount] + layer.shape.featureAxes,
        scalarType: layer.scalarType.rawValue, features: layer.featureCount,
        status: statuses[index].rawValue,
        // A layer that has no σ either says so in its status.
        sigma: sigmas[index].flatMap(jsonNumber), layout: layer.pooledLayout)
    }
  }
}
