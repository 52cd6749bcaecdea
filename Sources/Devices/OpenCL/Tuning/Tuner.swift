import Activations
import Device
import FoundationEssentials

/// Finds the shapes of tiles that are fastest on a device.
///
/// Each candidate makes the same Gram matrices, or the same products of layer pairs. One that fails,
/// or whose CKA is off, is rejected; of the others the fastest over all workloads is the best. The
/// sums keep their order, so that a tuned device gives the bits it gave before.
public struct OpenCLTuner {
  /// Layers that a candidate is timed on: seeded numbers without meaning.
  public struct Workload: Sendable, Hashable {
    /// Examples of the minibatch.
    public var examples: Int
    /// Layers of the minibatch.
    public var layers: Int
    /// Features of each layer.
    public var features: Int

    /// See the properties.
    public init(examples: Int, layers: Int, features: Int) {
      self.examples = examples
      self.layers = layers
      self.features = features
    }
  }

  /// What is looked for.
  public enum Step: String, Sendable, Hashable, CaseIterable {
    /// The tiles of Gram matrices.
    case gram
    /// The tiles of layer pairs.
    case pairs
  }

  /// What was found of one candidate.
  public struct Measurement: Sendable, Hashable {
    /// Which tiles it is about.
    public let step: Step
    /// The candidate.
    public let shape: TileShape
    /// Whether it is what the device has used so far.
    public let isDefault: Bool
    /// Seconds on each of the step's workloads, medians; empty where it was rejected.
    public private(set) var seconds: [Double]
    /// The largest difference of CKA from float64, and from the default's; nil where it failed.
    public let error: Double?
    /// Why it is not considered; nil if it is.
    public let rejection: String?

    /// The same with the lower of both times: what else a machine does only adds to them.
    func faster(_ again: Measurement) -> Measurement {
      guard rejection == nil, again.rejection == nil else { return rejection == nil ? again : self }
      var result = self
      result.seconds = zip(seconds, again.seconds).map { min($0, $1) }
      return result
    }
  }

  /// What a search found.
  public struct Outcome: Sendable {
    /// The candidates in the order they were tried.
    public let measurements: [Measurement]
    /// The best tiles of Gram matrices.
    public let gram: TileShape
    /// The best tiles of layer pairs.
    public let pair: TileShape
  }

  /// The device that is tuned.
  public let device: OpenCLDeviceDescription
  /// What Gram matrices are timed on.
  public var gramWorkloads: [Workload]
  /// What products of layer pairs are timed on.
  public var pairWorkloads: [Workload]
  /// The shapes that are tried for Gram matrices, those that fit the device.
  public var gramCandidates: [TileShape]
  /// The shapes that are tried for layer pairs, those that fit the device.
  public var pairCandidates: [TileShape]
  /// Counted runs of each candidate on each workload, after one that is not.
  public var runs = 5
  let defaults: Tuning
  /// An error of CKA that is no rounding: what the library promises not to exceed.
  var tolerance = 1e-5

  /// A search with all candidates that fit the device, on workloads of its size.
  public init(_ device: OpenCLDeviceDescription) {
    self.init(device, defaults: Tuning(device))
  }

  init(_ device: OpenCLDeviceDescription, defaults: Tuning) {
    self.device = device
    self.defaults = defaults
    // A CPU behind OpenCL would take minutes for what a GPU does in milliseconds.
    let isLarge = !device.isCPU
    gramWorkloads = [
      Workload(examples: 256, layers: isLarge ? 16 : 4, features: isLarge ? 4096 : 256),
      Workload(examples: 2048, layers: isLarge ? 2 : 1, features: isLarge ? 4096 : 64),
    ]
    pairWorkloads = [Workload(examples: 256, layers: isLarge ? 512 : 48, features: 32)]
    gramCandidates = Self.shapes(tiles: [32, 64, 128], registers: [4, 8, 16]).filter {
      $0.fits(device) && $0.rows * $0.columns <= 128
    }
    // Each product has a wide sum beside the float32 one.
    pairCandidates = Self.shapes(tiles: [32, 64], registers: [4, 8]).filter {
      $0.fits(device) && $0.rows * $0.columns <= 32
    }
  }

  /// Every shape of these sizes that can be compiled.
  static func shapes(tiles: [Int], registers: [Int]) -> [TileShape] {
    tiles.flatMap { tile in
      registers.flatMap { rows in
        registers.flatMap { columns in
          [8, 16, 32].map { TileShape(tile: tile, rows: rows, columns: columns, depth: $0) }
        }
      }
    }.filter(\.isValid)
  }

  /// Tries all candidates, first those of Gram matrices. `observe` is called with each when it is done.
  ///
  /// - Throws: the device's error where not even its defaults work.
  public func run(observe: (Measurement) -> Void = { _ in }) throws(DeviceError) -> Outcome {
    // Programs that all candidates share are compiled once.
    let folder = FileManager.default.temporaryDirectory.path + "/cka-tune-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var trial = Trial(tuner: self, cache: CacheFolder(path: folder), tuning: defaults)
    var measurements: [Measurement] = []
    for step in Step.allCases {
      let usual = trial.tuning[step]
      let candidates = step == .gram ? gramCandidates : pairCandidates
      var found = [try trial.measureDefault(step)]
      observe(found[0])
      for shape in candidates where shape != usual {
        let measurement = trial.measure(shape, step)
        found.append(measurement)
        observe(measurement)
      }
      // The default, measured before all others, and the fastest: a lucky time decides nothing.
      for index in Self.ranking(found).prefix(4) where index > 0 {
        found[index] = found[index].faster(trial.measure(found[index].shape, step))
        found[0] = found[0].faster(try trial.measureDefault(step))
      }
      trial.tuning[step] = Self.best(found)
      measurements += found
    }
    return Outcome(
      measurements: measurements, gram: trial.tuning.gram, pair: trial.tuning.pair)
  }

  /// Keeps an outcome for the next time the device is opened, in the folder `cka` of the user's
  /// cache folder; whether that worked.
  public func store(_ outcome: Outcome) -> Bool { store(outcome, in: .user) }

  func store(_ outcome: Outcome, in folder: CacheFolder?) -> Bool {
    guard let folder else { return false }
    return TuningStore(folder: folder).store(
      gram: outcome.gram, pair: outcome.pair, for: device)
  }

  /// The fastest of one step's measurements, of which the first is the default's. What is not
  /// faster by a fiftieth is noise: the default stays.
  static func best(_ measurements: [Measurement]) -> TileShape {
    let usual = measurements[0]
    guard let first = ranking(measurements).first,
      ratio(measurements[first], to: usual) < 0.98
    else { return usual.shape }
    return measurements[first].shape
  }

  /// The numbers of the measurements that count, the fastest first.
  private static func ranking(_ measurements: [Measurement]) -> [Int] {
    measurements.indices.filter { measurements[$0].rejection == nil }.sorted {
      ratio(measurements[$0], to: measurements[0]) < ratio(measurements[$1], to: measurements[0])
    }
  }

  /// The mean of the times relative to the default's.
  private static func ratio(_ measurement: Measurement, to usual: Measurement) -> Double {
    let ratios = zip(measurement.seconds, usual.seconds).map { $0 / max($1, 1e-9) }
    return ratios.reduce(0, +) / Double(max(ratios.count, 1))
  }
}

extension Tuning {
  /// The shape that a step of the search is about.
  subscript(step: OpenCLTuner.Step) -> TileShape {
    get { step == .gram ? gram : pair }
    set { if step == .gram { gram = newValue } else { pair = newValue } }
  }
}
