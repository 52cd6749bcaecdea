import Activations
import CKA
import Device

/// What all numbers of a store depend on, beside the activations.
///
/// A store keeps to the settings it was made with.
public struct SweepSettings: Codable, Sendable, Hashable {
  /// The type of the numbers of Gram matrices in the store.
  public enum StorePrecision: String, Codable, Sendable, CaseIterable {
    /// As devices make them.
    case float32
    /// Rounded to 11 significant bits: half the size. Values move by 9.8e-4 at worst, whatever the data,
    /// and by some 1e-6 as a rule (`Documentation/Numerics.md`); which cells have values does not change.
    case float16

    /// Bytes of a number.
    var size: Int { self == .float32 ? 4 : 2 }
    /// The most that a number is off by when it is rounded to the type, as a part of itself; float32 is
    /// what devices give.
    var roundoff: Double { self == .float32 ? 0 : 0x1p-11 }
  }

  /// How CKA is estimated.
  public var estimator = Estimator.Name.minibatch
  /// b: examples a minibatch; nil for what the store has, or a new one `Estimator.Minibatches` chooses.
  /// For the full estimators 0, as are the passes.
  public var batchSize: Int?
  /// Passes over the examples.
  public var passes = 1
  /// Whether minibatches follow the stored order of the examples.
  public var isStoredOrder = false
  /// Random seed of the shuffled order and of `exampleLimit`.
  public var seed: UInt64 = 0
  /// What happens to examples that do not fill a minibatch.
  public var ragged = "drop"
  /// The function of two examples.
  public var kernel = GramKernel.Name.linear
  /// RBF's σ as a multiple of the root of the median squared distance.
  public var bandwidth: Double?
  /// RBF's σ itself.
  public var sigma: Double?
  /// Patterns of layers' names; none takes all layers.
  public var layers: [String] = []
  /// Patterns of layers' names that are left out; nil for none.
  public var exclude: [String]?
  /// What is done with the positions of a feature map: `flatten` or `mean`.
  public var pooling = "flatten"
  /// Which axis of a map holds its channels, where the models do not say it.
  public var layout: LayerShape.Layout?
  /// How devices may round products.
  public var precision = Precision.exact
  /// The type of the numbers in the store.
  public var storePrecision = StorePrecision.float32
  /// How the examples of the models find each other.
  public var alignment = "order"
  /// The most examples that are taken.
  public var exampleLimit: Int?
  /// `non-finite` where examples are left out that hold NaN or infinity in any layer of the models that a store
  /// is made with; nil for none.
  public var dropExamples: String?
  /// The one value of `dropExamples`.
  public static let nonFinite = "non-finite"

  /// The settings of `cka sweep` without options; see the properties.
  public init() {}

  /// The settings of an estimator and a kernel; the others are those of `cka sweep` without options.
  ///
  /// - Parameters:
  ///   - estimator: the estimator.
  ///   - kernel: the kernel of the Gram matrices.
  ///   - seed: of the shuffled order and of `exampleLimit`.
  public init(_ estimator: Estimator, _ kernel: GramKernel, seed: UInt64 = 0) {
    self.seed = seed
    switch estimator {
    case .minibatch(let minibatches):
      (batchSize, passes) = (minibatches.size, minibatches.passes)
      isStoredOrder = minibatches.order == .stored
      ragged = minibatches.ragged.rawValue
    case .unbiased, .biased:
      self.estimator = estimator == .biased ? .biased : .unbiased
      (batchSize, passes) = (0, 0)
    }
    switch kernel {
    case .linear: break
    case .rbf(.medianMultiple(let multiple)), .rbf(.sampledMedianMultiple(let multiple, _)):
      (self.kernel, bandwidth) = (.rbf, multiple)
    case .rbf(.sigma(let sigma)):
      (self.kernel, self.sigma) = (.rbf, sigma)
    }
  }

  /// The estimator of these settings.
  public var estimatorValue: Estimator {
    Estimator(
      estimator,
      .init(
        size: batchSize, passes: passes, order: isStoredOrder ? .stored : .shuffled(seed: seed),
        ragged: Estimator.Ragged(rawValue: ragged) ?? .drop))
  }

  /// The kernel of these settings.
  public var gramKernel: GramKernel { GramKernel(kernel, bandwidth: bandwidth, sigma: sigma) }

  /// How examples are paired with those of the first model.
  public var alignmentValue: ExamplePairing.Alignment {
    ExamplePairing.Alignment(rawValue: alignment) ?? .order
  }

  /// What of the settings decides a Gram matrix of given rows.
  var gramDigest: Digest {
    Digest(
      of: """
        \(estimator == .biased ? "biased" : "unbiased") \(kernel.rawValue) \
        \(bandwidth?.description ?? "-") \(sigma?.description ?? "-") \(precision.rawValue) \
        \(storePrecision.rawValue)
        """)
  }

  /// All settings with the options that set them, for messages.
  private var described: [(option: String, value: String)] {
    [
      ("--estimator", estimator.rawValue), ("--batch-size", batchSize.map(String.init) ?? ""),
      ("--passes", "\(passes)"), ("--order", isStoredOrder ? "stored" : "shuffled"),
      ("--seed", "\(seed)"), ("--ragged", ragged), ("--kernel", kernel.rawValue),
      ("--bandwidth", bandwidth?.description ?? "none"),
      ("--sigma", sigma?.description ?? "none"),
      ("--layers", layers.isEmpty ? "all" : layers.joined(separator: " ")),
      ("--exclude", exclude?.joined(separator: " ") ?? "none"), ("--pool", pooling),
      ("--layout", layout?.rawValue ?? "none"),
      ("--precision", precision.rawValue), ("--store-precision", storePrecision.rawValue),
      ("--align", alignment), ("--examples", exampleLimit.map(String.init) ?? "all"),
      ("--drop-examples", dropExamples ?? "none"),
    ]
  }

  /// Chooses the size of minibatches where so many examples are compared, if nobody has.
  mutating func chooseBatchSize(compared count: Int) {
    guard estimator == .minibatch, batchSize == nil else { return }
    batchSize = Estimator.Minibatches.size(forExamples: count)
  }

  /// The first setting in which `other` differs, with both values; a size of minibatches that was left
  /// open does not.
  func difference(from other: SweepSettings) -> (option: String, own: String, other: String)? {
    var other = other
    if estimator == other.estimator { other.batchSize = other.batchSize ?? batchSize }
    for (own, others) in zip(described, other.described) where own.value != others.value {
      return (own.option, own.value, others.value)
    }
    return nil
  }
}

/// One of several shares of a plan's minibatches, for work that is divided among machines.
public struct Shard: Codable, Sendable, Hashable, CustomStringConvertible {
  /// Which share, counted from 1.
  public let index: Int
  /// How many shares there are.
  public let count: Int

  /// Share `index` of `count`; nil where there is none of that number.
  public init?(index: Int, count: Int) {
    guard index >= 1, index <= count else { return nil }
    self.index = index
    self.count = count
  }

  /// Reads what a document holds, where there is such a share.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let index = try values.decode(Int.self, forKey: .index)
    let count = try values.decode(Int.self, forKey: .count)
    guard let shard = Shard(index: index, count: count) else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "found the share \(index) of \(count), expected 1 to the count"))
    }
    self = shard
  }

  /// Reads `3/16`.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1] else { return nil }
    self.init(index: index, count: count)
  }

  /// The minibatches of the share, counted from 0: `index` − 1, `index` − 1 + `count`, …
  public func minibatches(of total: Int) -> [Int] {
    (0..<max(total, 0)).filter { $0 % count == index - 1 }
  }

  /// `3/16`.
  public var description: String { "\(index)/\(count)" }
}
