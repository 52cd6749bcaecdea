import Activations
import CKA
import Device
import Support

/// What a linear classifier can read from each layer of a model (Alain & Bengio 2016).
///
/// A layer's features are standardized by the training examples (`StandardizedFeatures`) and given to a
/// multinomial logistic regression (`LogisticRegression`), which is judged by the other examples. Layers of
/// more features than training examples go by their Gram matrix, which a device makes; the others are kept
/// in memory as they are. Either takes about 8·n² bytes of a layer and as much while it is made; as many
/// layers are fitted side by side as there are cores and as fit the memory.
public struct Probe: Sendable {
  /// The layers.
  public let model: any ActivationSource
  /// The examples of the model that take part; labels and the split count them from 0.
  public let examples: [Int]
  /// Their classes.
  public let labels: ClassLabels
  /// Which of them are fitted, and which test.
  public let split: ProbeSplit
  /// The weight of ½‖W‖² beside the summed logarithmic losses: 1/C of scikit-learn.
  public let penalty: Double
  /// Meters the work: the meter of the team which does it.
  var meter: WorkMeter?

  /// The penalties that are taken; 1/C of what anybody fits, and C·Σ losses stays a number.
  public static let penalties = 1e-12...1e12

  /// A probe of `examples`, of which `labels` has one each.
  ///
  /// - Throws: where labels, examples and split do not fit each other and the model, or `penalty` is not
  ///   among `penalties`.
  public init(
    _ model: any ActivationSource, examples: [Int], labels: ClassLabels, split: ProbeSplit,
    penalty: Double = 1
  ) throws(ProbeError) {
    do throws(ComparisonError) { try model.checkExamples() } catch {
      throw ProbeError(error.description)
    }
    guard examples.count == labels.indices.count else {
      throw ProbeError(
        "found \(labels.indices.count) labels for \(examples.count) examples, expected one each")
    }
    if let other = examples.first(where: { !(0..<model.exampleCount).contains($0) }) {
      throw ProbeError("\(model.name) has \(model.exampleCount) examples, and no example \(other)")
    }
    guard !split.train.isEmpty, !split.test.isEmpty,
      (split.train + split.test).allSatisfy({ examples.indices.contains($0) })
    else { throw ProbeError("the split is not of these \(examples.count) examples") }
    guard Self.penalties.contains(penalty) else {
      throw ProbeError(
        "the penalty is \(penalty), expected \(Self.penalties.lowerBound) to "
          + "\(Self.penalties.upperBound)")
    }
    self.model = model
    self.examples = examples
    self.labels = labels
    self.split = split
    self.penalty = penalty
  }

  /// What one layer gave.
  public struct LayerResult: Sendable, Hashable {
    /// `.ok`, `.constant` (over the training examples) or `.nonFinite`.
    public let status: Status
    /// The share of the test examples whose class was found; NaN without a value, as all below.
    public let testAccuracy: Double
    /// The same of the training examples.
    public let trainAccuracy: Double
    /// f at its minimum: see `LogisticRegression`.
    public let objective: Double
    /// Steps that the solver took.
    public let iterations: Int
    /// Whether f is within 1e-9 of its minimum, by the gradient.
    public let isConverged: Bool
    /// Whether the Gram matrix took the place of the features.
    public let isGram: Bool

    static func undefined(_ status: Status) -> LayerResult {
      LayerResult(
        status: status, testAccuracy: .nan, trainAccuracy: .nan, objective: .nan, iterations: 0,
        isConverged: false, isGram: false)
    }
  }

  /// The accuracy on the test examples of always naming the most frequent class of the training examples.
  public var majorityAccuracy: Double {
    var counts = labels.classes.map { _ in 0 }
    for example in split.train { counts[labels.indices[example]] += 1 }
    let most = counts.indices.max { (counts[$0], -$0) < (counts[$1], -$1) } ?? 0
    let hits = split.test.count { labels.indices[$0] == most }
    return Double(hits) / Double(split.test.count)
  }

  /// Probes layer after layer; Gram matrices are made on the first device of the team, and where it fails, the
  /// next goes on with the layer. As many layers are fitted side by side as there are cores and as fit the team's
  /// memory, which changes no result.
  ///
  /// - Returns: a result a layer, and the device that made the last of them.
  /// - Throws: the last device's error, the first that says that activations are unreadable or the work was
  ///   cancelled, or one of the kind `.outOfMemory` where the team's memory is less than one layer takes.
  public func run(
    on team: DeviceTeam
  ) throws(DeviceError) -> (layers: [LayerResult], device: DeviceInfo) {
    do throws(DeviceTeam.MemoryShortage) { try team.checkMemory(least: leastMemory) } catch {
      throw DeviceError(error, call: "probe")
    }
    var probe = self
    probe.meter = team.meter
    return try probe.results(on: team)
  }

  private func results(
    on team: DeviceTeam
  ) throws(DeviceError) -> (layers: [LayerResult], device: DeviceInfo) {
    meter?.begin(model.layers.reduce(0) { $0 + flops($1) }, isEven: false)
    defer { meter?.end() }
    let sideBySide = sideBySide(on: team)
    var last = try team.first().info
    var results: [LayerResult] = []
    var designs: [Made] = []
    for layer in model.layers {
      designs.append(
        try team.withPackedDevice { (device) throws(DeviceError) in
          last = device.info
          return try design(of: layer, on: device)
        })
      if designs.count == sideBySide || results.count + designs.count == model.layers.count {
        results += fits(designs, layers: model.layers[results.count...])
        designs = []
      }
    }
    return (results, last)
  }

  private func isGram(_ layer: LayerActivations) -> Bool {
    layer.featureCount > split.train.count
  }

  /// What `meter` will hear of a layer: its Gram matrix, where it has one, and the fit.
  private func flops(_ layer: LayerActivations) -> Double {
    let n = Double(examples.count)
    return flopsOfFit(layer) + (isGram(layer) ? n * n * Double(layer.featureCount) : 0)
  }

  /// Of a usual fit: a hundred scores and gradients.
  private func flopsOfFit(_ layer: LayerActivations) -> Double {
    let width = min(layer.featureCount, split.train.count)
    return 400 * Double(split.train.count) * Double(width) * Double(labels.classes.count)
  }

  private func fits(_ designs: [Made], layers: ArraySlice<LayerActivations>) -> [LayerResult] {
    concurrentMap(0..<designs.count) { index in
      defer { meter?.add(flopsOfFit(layers[layers.startIndex + index])) }
      return switch designs[index] {
      case .failure(let status): .undefined(status.status)
      case .success(let design): fit(design)
      }
    }
  }

  private func design(
    of layer: LayerActivations, on device: some PackedDevice
  ) throws(DeviceError) -> Made {
    // What was read where it is mapped would stay in the process, layer after layer.
    defer { layer.evict() }
    let features = StandardizedFeatures(layer: layer, examples: examples, train: split.train)
    return isGram(layer)
      ? try gramDesign(of: features, on: device) : try featureDesign(of: features)
  }

  private func fit(_ design: ProbeDesign) -> LayerResult {
    let regression = LogisticRegression(
      design: design, labels: split.train.map { labels.indices[$0] }, classes: labels.classes.count,
      weightOfData: 1 / penalty)
    let fit = regression.fit()
    var test = design.testScores(fit.coefficients, classes: regression.classes)
    for index in test.indices { test[index] += fit.intercepts[index % regression.classes] }
    return LayerResult(
      status: .ok, testAccuracy: accuracy(test, split.test),
      trainAccuracy: accuracy(fit.scores, split.train), objective: fit.objective,
      iterations: fit.iterations, isConverged: fit.isConverged, isGram: design.isGram)
  }

  /// The share of `examples` whose own class has the highest of `scores`, the first of equal ones.
  private func accuracy(_ scores: [Double], _ examples: [Int]) -> Double {
    let count = labels.classes.count
    var hits = 0
    for (row, example) in examples.enumerated() {
      var best = 0
      for k in 1..<count where scores[row * count + k] > scores[row * count + best] { best = k }
      if best == labels.indices[example] { hits += 1 }
    }
    return Double(hits) / Double(examples.count)
  }
}

extension Probe {
  /// A layer that cannot be probed.
  private struct Undefined: Error { let status: Status }
  private typealias Made = Result<ProbeDesign, Undefined>

  /// Z itself.
  private func featureDesign(
    of features: StandardizedFeatures
  ) throws(DeviceError) -> Made {
    let p = features.layer.featureCount
    var train = [Double](repeating: 0, count: split.train.count * p)
    var test = [Double](repeating: 0, count: split.test.count * p)
    var varies = false
    let isFinite = try features.forEachSlab(failure: { DeviceError($0) }) {
      (slab) throws(DeviceError) in
      varies = varies || slab.varies
      copy(split.train, of: slab, to: &train, width: p)
      copy(split.test, of: slab, to: &test, width: p)
    }
    if !isFinite { return .failure(Undefined(status: .nonFinite)) }
    if !varies { return .failure(Undefined(status: .constant)) }
    return .success(ProbeDesign(train: train, test: test, width: p))
  }

  private func copy(
    _ examples: [Int], of slab: StandardizedFeatures.Slab, to matrix: inout [Double], width: Int
  ) {
    let count = slab.features.count
    for (row, example) in examples.enumerated() {
      for k in 0..<count {
        matrix[row * width + slab.features.lowerBound + k] =
          Double(slab.values[example * count + k])
      }
    }
  }

  /// G, summed over slabs of features: linear Gram matrices add up over concatenated features.
  private func gramDesign(
    of features: StandardizedFeatures, on device: some PackedDevice
  ) throws(DeviceError) -> Made {
    let n = examples.count
    let packedCount = GramCentering.biased.packedCount(exampleCount: n)
    var sums = [Double](repeating: 0, count: packedCount)
    let packed = PackedTriangles<Float>(count: packedCount)
    defer { withExtendedLifetime(packed) {} }
    let numbers = packed[0]
    var varies = false
    let isFinite = try features.forEachSlab(failure: { DeviceError($0) }) {
      (slab) throws(DeviceError) in
      guard slab.varies else { return }
      varies = true
      let layer = LayerActivations(
        name: features.layer.name, values: slab.values, scalarType: .float32, exampleCount: n,
        featureAxes: [slab.features.count])
      let stack = try device.gramStack(
        of: Minibatch(layers: [layer], examples: Array(0..<n), meter: meter), kernel: .linear,
        centering: .biased)
      try device.copyNumbers(ofLayer: 0, of: stack, to: numbers)
      let scale = Double(sign: .plus, exponent: stack.layers[0].exponent, significand: 1)
      for index in 0..<packedCount { sums[index] += scale * Double(numbers[index]) }
    }
    if !isFinite { return .failure(Undefined(status: .nonFinite)) }
    if !varies { return .failure(Undefined(status: .constant)) }
    return .success(design(fromPacked: sums))
  }

  /// The device has centered features over all examples, not over those of the fit: a shift, which the
  /// intercepts take up.
  private func design(fromPacked sums: [Double]) -> ProbeDesign {
    let root = 0.5.squareRoot()
    let train = split.train
    func rows(_ chosen: [Int]) -> [Float] {
      var result: [Float] = []
      result.reserveCapacity(chosen.count * train.count)
      for i in chosen {
        for j in train {
          let (high, low) = (max(i, j), min(i, j))
          result.append(Float(sums[high * (high + 1) / 2 + low] * (i == j ? 1 : root)))
        }
      }
      return result
    }
    return ProbeDesign(trainGram: rows(train), testGram: rows(split.test))
  }
}
