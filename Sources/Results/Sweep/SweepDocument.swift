import Analyses
import CKA
import Device
import Inputs
import Support
import SweepStore

/// What `results/sweep.json` of a store holds, format `cka-sweep/1` (`Documentation/FileFormats.md`).
public struct SweepDocument: StoredDocument {
  /// The name of the file in the folder of a result.
  public static let name = "sweep.json"
  /// What its format begins with; the rest is the number of the version.
  public static let formatFamily = "cka-sweep/"
  /// The command that writes it.
  public static let command = "sweep"

  /// A model of the sweep.
  public struct Model: Codable, Sendable {
    /// What results call the model.
    public package(set) var name: String
    /// The file or folder, as it was given.
    public package(set) var path: String
    /// Its architecture.
    public package(set) var group: String
    /// The seed of its training, where it is known.
    public package(set) var seed: String?
    /// Its layers; none while the sweep goes on.
    public package(set) var layers: [ResultDocument.Layer]
  }

  /// Two models, or one with itself.
  public struct Pair: Codable, Sendable {
    /// Indices of models; `left` gives the rows.
    public package(set) var left: Int
    /// See `left`.
    public package(set) var right: Int
    /// From the folder of this document.
    public package(set) var folder: String
    /// Fingerprint of the inputs: unchanged while models and settings are.
    public package(set) var fingerprint: String
    /// Cells without a value.
    public package(set) var undefinedCells: Int
    /// The entry of `models.npy`; left out where it has none.
    public package(set) var similarityAtEqualDepth: Double?
    /// Depths that it leaves out, because they have no value.
    public package(set) var undefinedDepths: Int
    /// `ModelDistance.atEqualDepth`, in radians; left out where it has none.
    public package(set) var distanceAtEqualDepth: Double?
    /// `ModelDistance.ofBestMatches`, in radians; left out where it has none.
    public package(set) var distanceOfBestMatches: Double?

    package init(
      left: Int, right: Int, folder: String, fingerprint: String, undefinedCells: Int,
      similarityAtEqualDepth: Double? = nil, undefinedDepths: Int,
      distanceAtEqualDepth: Double? = nil, distanceOfBestMatches: Double? = nil
    ) {
      self.left = left
      self.right = right
      self.folder = folder
      self.fingerprint = fingerprint
      self.undefinedCells = undefinedCells
      self.similarityAtEqualDepth = similarityAtEqualDepth
      self.undefinedDepths = undefinedDepths
      self.distanceAtEqualDepth = distanceAtEqualDepth
      self.distanceOfBestMatches = distanceOfBestMatches
    }
  }

  /// The models of one architecture.
  public struct Group: Codable, Sendable {
    /// The architecture.
    public package(set) var name: String
    /// Indices of models.
    public package(set) var models: [Int]
    /// From the folder of this document; left out where there are no maps.
    public package(set) var folder: String?
    /// Pairs of different models.
    public package(set) var pairs: Int
    /// What maps there are: `mean`, `std`, `within-mean`, `within-std`.
    public package(set) var maps: [String]
    /// Why there are none.
    public package(set) var reason: String?

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

  /// The format of the file.
  public package(set) var format = SweepDocument.currentFormat
  /// The version of cka that wrote it.
  public package(set) var version = toolVersion
  /// When it was written, in UTC; nil where results must not differ by it.
  public package(set) var date: String? = RunRecord.date
  /// The program that wrote it and its arguments.
  public package(set) var commandLine: [String]? = RunRecord.commandLine
  /// How CKA was estimated.
  public package(set) var estimator: ResultDocument.Estimator
  /// The function of two examples.
  public package(set) var kernel: ResultDocument.Kernel
  /// What was done with the positions of feature maps: `flatten` or `mean`.
  public package(set) var pooling: String
  /// How devices were allowed to round products.
  public package(set) var precision: Precision
  /// The type of the numbers in the store.
  public package(set) var storePrecision: String
  /// What made matrices of the store.
  public package(set) var devices: [DeviceIdentity]
  /// How many examples were compared, and which were left out.
  public package(set) var examples: ResultDocument.Examples
  /// The models, in the order in which they came.
  public package(set) var models: [Model]
  /// Those whose files are there.
  public package(set) var pairs: [Pair]
  /// The architectures.
  public package(set) var groups: [Group]
  /// The models as points, by each kind of distance; none of fewer than three models. Left out while the sweep goes on.
  public package(set) var points: [Points]?
  /// The pictures and tables of all models, beside this document.
  public package(set) var files: [String]

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
