import Analyses
import CKA
import Device
import Inputs
import Support
import SweepStore

/// What `results/sweep.json` of a store holds, format `cka-sweep/1` (`Documentation/FileFormats.md`).
package struct SweepDocument: StoredDocument {
  package static let name = "sweep.json"
  package static let formatFamily = "cka-sweep/"
  package static let command = "sweep"

  package struct Model: Codable {
    package var name: String
    package var path: String
    package var group: String
    package var seed: String?
    package var layers: [ResultDocument.Layer]
  }

  package struct Pair: Codable {
    /// Indices of models; `left` gives the rows.
    package var left: Int
    package var right: Int
    /// From the folder of this document.
    package var folder: String
    /// Fingerprint of the inputs: unchanged while models and settings are.
    package var fingerprint: String
    /// Cells without a value.
    package var undefinedCells: Int
    /// The entry of `models.npy`; left out where it has none.
    package var similarityAtEqualDepth: Double?
    /// Depths that it leaves out, because they have no value.
    package var undefinedDepths: Int

    package init(
      left: Int, right: Int, folder: String, fingerprint: String, undefinedCells: Int,
      similarityAtEqualDepth: Double? = nil, undefinedDepths: Int
    ) {
      self.left = left
      self.right = right
      self.folder = folder
      self.fingerprint = fingerprint
      self.undefinedCells = undefinedCells
      self.similarityAtEqualDepth = similarityAtEqualDepth
      self.undefinedDepths = undefinedDepths
    }
  }

  package struct Group: Codable {
    package var name: String
    /// Indices of models.
    package var models: [Int]
    /// From the folder of this document; left out where there are no maps.
    package var folder: String?
    /// Pairs of different models.
    package var pairs: Int
    /// What maps there are: `mean`, `std`, `within-mean`, `within-std`.
    package var maps: [String]
    /// Why there are none.
    package var reason: String?

    package init(
      name: String, models: [Int], folder: String? = nil, pairs: Int, maps: [String],
      reason: String? = nil
    ) {
      self.name = name
      self.models = models
      self.folder = folder
      self.pairs = pairs
      self.maps = maps
      self.reason = reason
    }
  }

  var format = SweepDocument.currentFormat
  var version = toolVersion
  var date: String? = RunRecord.date
  var commandLine: [String]? = RunRecord.commandLine
  package var estimator: ResultDocument.Estimator
  package var kernel: ResultDocument.Kernel
  package var pooling: String
  var precision: Precision
  /// The type of the numbers in the store.
  var storePrecision: String
  /// What made matrices of the store.
  package var devices: [DeviceIdentity]
  package var examples: ResultDocument.Examples
  package var models: [Model]
  /// Those whose files are there.
  package var pairs: [Pair]
  package var groups: [Group]
  /// The pictures and tables of all models, beside this document.
  package var files: [String]

  /// The document at `path`, where it is whole and of this version of the tool: nil for any other,
  /// because its files will be written again.
  package static func previous(at path: String) -> SweepDocument? {
    guard let document = try? SweepDocument(at: path), document.version == toolVersion else {
      return nil
    }
    return document
  }
}

extension SweepDocument {
  /// What the scores are.
  package var scoreName: String { ResultDocument.scoreName(kernel: kernel, estimator: estimator) }

  /// What is there before any pair is written.
  package init(_ results: SweepResults, groups: [ModelGroup]) {
    let settings = results.settings
    self.init(
      estimator: ResultDocument.Estimator(settings.estimatorValue, results.plan),
      kernel: ResultDocument.Kernel(settings.gramKernel), pooling: settings.pooling,
      precision: settings.precision, storePrecision: settings.storePrecision.rawValue,
      devices: results.devices, examples: .init(results),
      models: zip(results.models, groups).map { model, group in
        Model(name: model.name, path: model.path, group: group.name, seed: group.seed, layers: [])
      },
      pairs: [], groups: [], files: [])
  }
}

extension ResultDocument {
  /// The document of two models of a sweep, or of one with itself.
  package init(_ results: SweepResults, _ left: Int, _ right: Int, _ similarity: Similarity) {
    let settings = results.settings
    var models = [
      Model(results.models[left], similarity.leftStatuses, similarity.leftSigmas)
    ]
    if left != right {
      models.append(Model(results.models[right], similarity.rightStatuses, similarity.rightSigmas))
    }
    let examples = Examples(results)
    self.init(
      estimator: Estimator(settings.estimatorValue, results.plan),
      kernel: Kernel(settings.gramKernel),
      pooling: settings.pooling, precision: settings.precision,
      device: results.devices.first.map { Worker($0, minibatches: examples.minibatches) }
        ?? Worker.none,
      failedDevices: [], models: models, undefinedCells: Cell.undefined(in: similarity.statuses),
      examples: examples,
      hasSignificance: similarity.z != nil)
    float64 = results.recomputed(left, right, in: similarity).map {
      Recomputed(layers: left == right ? [$0.left] : [$0.left, $0.right], cells: $0.cells)
    }
    // The files of a pair stay as they are while other runs write others.
    (date, commandLine) = (nil, nil)
  }
}

extension ResultDocument.Model {
  package init(_ model: SweepModel, _ statuses: [Status], _ sigmas: [Double?]) {
    self.init(
      name: model.name, path: model.path,
      layers: zip(model.layers, zip(statuses, sigmas)).map { layer, known in
        ResultDocument.Layer(
          name: layer.name, stage: layer.stage, shape: layer.shape, scalarType: layer.scalarType,
          features: layer.features, status: known.0.rawValue,
          sigma: known.1.flatMap(jsonNumber))
      })
  }
}

extension ResultDocument.Examples {
  init(_ results: SweepResults) {
    let settings = results.settings
    self.init(
      total: results.exampleCount, used: results.plan.examplesUsed,
      dropped: results.plan.examplesDropped, minibatches: results.plan.batches.count,
      limit: settings.exampleLimit, alignment: settings.alignment == "ids" ? "ids" : nil,
      nonFinite: results.dropped)
  }
}
