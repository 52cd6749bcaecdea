import CKA
import Device
import Foundation
import Support
import SweepStore

/// What `results/sweep.json` of a store holds, format `cka-sweep/1` (`Documentation/FileFormats.md`).
struct SweepDocument: StoredDocument {
  static let name = "sweep.json"
  static let formatFamily = "cka-sweep/"
  static let command = "sweep"

  struct Model: Codable {
    var name: String
    var path: String
    var group: String
    var seed: String?
    var layers: [ResultDocument.Layer]
  }

  struct Pair: Codable {
    /// Indices of models; `left` gives the rows.
    var left: Int
    var right: Int
    /// From the folder of this document.
    var folder: String
    /// What the files were made of: the same as long as neither model nor settings change.
    var fingerprint: String
    /// Cells without a value.
    var undefinedCells: Int
    /// The entry of `models.npy`; left out where it has none.
    var similarityAtEqualDepth: Double?
    /// Depths that it leaves out, because they have no value.
    var undefinedDepths: Int
  }

  struct Group: Codable {
    var name: String
    /// Indices of models.
    var models: [Int]
    /// From the folder of this document; left out where there are no maps.
    var folder: String?
    /// Pairs of different models.
    var pairs: Int
    /// What maps there are: `mean`, `std`, `within-mean`, `within-std`.
    var maps: [String]
    /// Why there are none.
    var reason: String?
  }

  var format = SweepDocument.currentFormat
  var version = toolVersion
  var date: String? = RunRecord.date
  var commandLine: [String]? = RunRecord.commandLine
  var estimator: ResultDocument.Estimator
  var kernel: ResultDocument.Kernel
  var pooling: String
  var precision: Precision
  /// The type of the numbers in the store.
  var storePrecision: String
  /// What made matrices of the store.
  var devices: [DeviceIdentity]
  var examples: ResultDocument.Examples
  var models: [Model]
  /// Those whose files are there.
  var pairs: [Pair]
  var groups: [Group]
  /// The pictures and tables of all models, beside this document.
  var files: [String]

  /// The document at `path`, where it is whole and of this version of the tool: nil for any other,
  /// because its files will be written again.
  static func previous(at path: String) -> SweepDocument? {
    guard let document = try? SweepDocument(at: path), document.version == toolVersion else {
      return nil
    }
    return document
  }
}

extension ResultDocument {
  /// The document of two models of a sweep, or of one with itself.
  init(_ results: SweepResults, _ left: Int, _ right: Int, _ similarity: Similarity) {
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
  init(_ model: SweepModel, _ statuses: [Status], _ sigmas: [Double?]) {
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
