import ArgumentParser
import CKA
import Device
import Support

/// What is measured: which layers are compared, and how.
struct Workload: Codable, Hashable {
  /// What the table and `--workload` call it.
  var name: String
  /// Synthetic models: one is compared with itself.
  var models = 2
  /// Layers of each model.
  var layers: Int
  var examples: Int
  /// Features of the layers, which average to the middle where `meanFeatures` is nil.
  var features: FeatureRange
  var meanFeatures: Int?
  /// As `ScalarType` calls it; synthetic models are float32, float16 or bfloat16.
  var scalarType = "float32"
  var method: Method = .minibatch(size: 256)
  var kernel = Kernel.linear

  enum Kernel: String, Codable { case linear, rbf }
  /// The estimator, without what changes no time.
  enum Method: Codable, Hashable {
    case minibatch(size: Int)
    case unbiased
  }

  /// One line for people.
  var description: String {
    let width =
      features.least == features.most
      ? "\(Format.count(features.least)) features"
      : "\(Format.count(features.least)) to \(Format.count(features.most)) features "
        + "(mean \(Format.count(meanFeatures ?? (features.least + features.most) / 2)))"
    let method =
      switch method {
      case .minibatch(let size): "batch \(Format.count(size))"
      case .unbiased: "all at once"
      }
    return "\(layers)\(models > 1 ? " × \(layers)" : "") layers of \(width), "
      + "\(Format.count(examples)) examples, \(scalarType), \(method)"
      + (kernel == .rbf ? ", RBF" : "")
  }
}

extension Workload {
  /// The workloads that the targets are stated for.
  static let standard = [
    Workload(
      name: "minibatch", layers: 30, examples: 512, features: .init(least: 2048, most: 14_336)),
    Workload(
      name: "minibatch-float16", layers: 30, examples: 512,
      features: .init(least: 2048, most: 14_336), scalarType: "float16"),
    Workload(
      name: "minibatch-bfloat16", layers: 30, examples: 512,
      features: .init(least: 2048, most: 14_336), scalarType: "bfloat16"),
    Workload(
      name: "full-set", models: 1, layers: 20, examples: 4096,
      features: .init(least: 2048, most: 2048), method: .unbiased),
    Workload(
      name: "rbf", models: 1, layers: 10, examples: 2048, features: .init(least: 2048, most: 2048),
      method: .unbiased, kernel: .rbf),
    Workload(
      name: "pairs", models: 1, layers: 1000, examples: 256,
      features: .init(least: 256, most: 256)),
  ]

  /// The same kinds of work in shapes that take milliseconds.
  static let quick = [
    Workload(
      name: "minibatch", layers: 4, examples: 512, features: .init(least: 1024, most: 3072)),
    Workload(
      name: "minibatch-float16", layers: 4, examples: 512, features: .init(least: 1024, most: 3072),
      scalarType: "float16"),
    Workload(
      name: "minibatch-bfloat16", layers: 4, examples: 512,
      features: .init(least: 1024, most: 3072), scalarType: "bfloat16"),
    Workload(
      name: "full-set", models: 1, layers: 4, examples: 1024,
      features: .init(least: 512, most: 512), method: .unbiased),
    Workload(
      name: "rbf", models: 1, layers: 3, examples: 512, features: .init(least: 512, most: 512),
      method: .unbiased, kernel: .rbf),
    Workload(
      name: "pairs", models: 1, layers: 100, examples: 256, features: .init(least: 64, most: 64)),
  ]

  var estimator: Estimator {
    switch method {
    case .minibatch(let size): .minibatch(.init(size: size, order: .stored))
    case .unbiased: .unbiased
    }
  }

  var gramKernel: GramKernel { kernel == .rbf ? .rbf(.medianMultiple(1)) : .linear }

  /// How the programs that are measured are told of it; the scripts of `Benchmarks/Peers` and
  /// `cka-bench measure` take the same.
  func arguments(models: [String]) -> [String] {
    var arguments = ["--kernel", kernel.rawValue]
    if case .minibatch(let size) = method { arguments += ["--batch-size", String(size)] }
    return arguments + models
  }

  /// The features of layer `index`.
  func featureCount(layer index: Int) -> Int {
    let share = layers > 1 ? Double(index) / Double(layers - 1) : 0.5
    return features.least + Int((share * Double(features.most - features.least)).rounded())
  }

  /// Bytes of all models' files, headers aside.
  var byteCount: Int {
    let numbers = (0..<layers).reduce(0) { $0 + featureCount(layer: $1) } * examples * models
    return numbers * (scalarType == "float32" ? 4 : 2)
  }
}

/// A range of feature counts, as `2048-16384` or `8192`.
struct FeatureRange: ExpressibleByArgument, Codable, Hashable {
  let least: Int
  let most: Int

  init(least: Int, most: Int) {
    self.least = least
    self.most = most
  }

  init?(argument: String) {
    let numbers = argument.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(numbers.count), let least = numbers[0],
      let most = numbers[numbers.count - 1],
      least > 0, most >= least
    else { return nil }
    self.init(least: least, most: most)
  }
}
