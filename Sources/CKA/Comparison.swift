import Activations
import Device
import Dispatch

/// A comparison of all layers of one model with those of another, or of its own.
public struct Comparison: Sendable {
  /// The first model: the rows of the result.
  public let left: any ActivationSource
  /// The second model: the columns; nil to compare the first with itself.
  public let right: (any ActivationSource)?
  /// How CKA is estimated.
  public let estimator: Estimator
  /// What fills the Gram matrices.
  public let kernel: GramKernel
  /// Which examples form which minibatch.
  public let plan: MinibatchPlan

  /// Pairs the models' examples.
  ///
  /// - Throws: `ComparisonError` where the models do not hold the same examples.
  public init(
    _ left: any ActivationSource, _ right: (any ActivationSource)? = nil,
    estimator: Estimator = .minibatch(.init()), kernel: GramKernel = .linear
  ) throws(ComparisonError) {
    if let right { try Self.check(left, right) }
    self.left = left
    self.right = right
    self.estimator = estimator
    self.kernel = kernel
    plan = MinibatchPlan(estimator, exampleCount: left.exampleCount)
  }

  /// Bytes of activations that the plan reads, over all passes.
  public var bytesRead: Int {
    let layers = left.layers + (right?.layers ?? [])
    let perExample = layers.reduce(0) { $0 + $1.bytesPerExample }
    return perExample * plan.batches.reduce(0) { $0 + $1.count }
  }

  /// What happens while a comparison runs.
  public enum Event: Sendable {
    /// So many of the plan's minibatches are done.
    case finished(minibatches: Int)
    /// A device failed; the work goes on with the next from the sums so far.
    case fellBack(from: DeviceInfo, to: DeviceInfo, because: DeviceError)
  }

  /// Seconds spent, by stage.
  public struct Timings: Sendable, Hashable {
    /// Making Gram stacks, by the devices' own account.
    public var stages = StageTimings()
    /// Making Gram stacks, by the wall clock.
    public var gramStacks = 0.0
    /// Inner products of all pairs of layers.
    public var pairs = 0.0
  }

  /// What a comparison found.
  public struct Outcome: Sendable {
    /// The scores.
    public let similarity: Similarity
    /// The devices that worked, with the minibatches each of them finished.
    public let work: [(device: DeviceInfo, minibatches: Int)]
    /// Seconds spent, by stage.
    public let timings: Timings
  }

  /// Does the work on the first of `devices`; where one fails, the next goes on.
  ///
  /// - Throws: the last device's error.
  public func run(
    on devices: [any Device], observe: (Event) -> Void = { _ in }
  ) throws(DeviceError) -> Outcome {
    let rows = left.layers.count
    let columns = right?.layers.count ?? rows
    guard left.exampleCount >= estimator.centering.leastExamples else {
      return Outcome(
        similarity: .tooFewExamples(left: rows, right: columns), work: [], timings: Timings())
    }
    var state = RunState()
    var work: [(device: DeviceInfo, minibatches: Int)] = []
    for (index, device) in devices.enumerated() {
      let before = state.finished
      do throws(DeviceError) {
        try advance(&state, on: device, observe: observe)
      } catch {
        if state.finished > before { work.append((device.info, state.finished - before)) }
        guard error.kind != .input, index + 1 < devices.count else { throw error }
        observe(.fellBack(from: device.info, to: devices[index + 1].info, because: error))
        continue
      }
      work.append((device.info, state.finished - before))
      break
    }
    guard let sums = state.sums else {
      throw DeviceError(kind: .notFound, call: "compare", context: "no device was given")
    }
    let similarity = Similarity(sums, centering: estimator.centering, passes: plan.passes)
    return Outcome(similarity: similarity, work: work, timings: state.timings)
  }

  private struct RunState {
    var finished = 0
    var sums: HSICSums?
    var timings = Timings()
  }

  private func advance(
    _ state: inout RunState, on device: some Device, observe: (Event) -> Void
  ) throws(DeviceError) {
    while state.finished < plan.batches.count {
      let examples = plan.batches[state.finished]
      if state.finished + 1 < plan.batches.count {
        let next = plan.batches[state.finished + 1]
        let layers = left.layers + (right?.layers ?? [])
        DispatchQueue.global(qos: .utility).async {
          Minibatch(layers: layers, examples: next).prefetch()
        }
      }
      let batch = try sums(of: examples, on: device, timings: &state.timings)
      if state.sums?.merge(batch) == nil { state.sums = batch }
      state.finished += 1
      observe(.finished(minibatches: state.finished))
    }
  }

  private func sums(
    of examples: [Int], on device: some Device, timings: inout Timings
  ) throws(DeviceError) -> HSICSums {
    let clock = ContinuousClock()
    let centering = estimator.centering
    let start = clock.now
    let leftStack = try device.gramStack(
      of: Minibatch(layers: left.layers, examples: examples), kernel: kernel, centering: centering)
    let rightStack =
      if let right {
        try device.gramStack(
          of: Minibatch(layers: right.layers, examples: examples), kernel: kernel,
          centering: centering)
      } else { leftStack }
    let gramEnd = clock.now
    timings.gramStacks += (gramEnd - start) / .seconds(1)
    timings.stages += leftStack.timings
    if right != nil { timings.stages += rightStack.timings }
    defer { timings.pairs += (clock.now - gramEnd) / .seconds(1) }

    let products = try device.innerProducts(leftStack, rightStack)
    func squares(_ stack: some GramStack, _ own: Matrix<Double>) -> [Double] {
      stack.layers.indices.map { own[$0, $0] }
    }
    guard right != nil else {
      let own = squares(leftStack, products)
      return HSICSums(
        exampleCount: examples.count, centering: centering, left: leftStack.layers,
        right: leftStack.layers, products: products, leftSquares: own, rightSquares: own,
        precision: device.info.precision)
    }
    return HSICSums(
      exampleCount: examples.count, centering: centering, left: leftStack.layers,
      right: rightStack.layers, products: products,
      leftSquares: try device.squaredNorms(leftStack),
      rightSquares: try device.squaredNorms(rightStack), precision: device.info.precision)
  }

  private static func check(
    _ left: any ActivationSource, _ right: any ActivationSource
  ) throws(ComparisonError) {
    guard left.exampleCount == right.exampleCount else {
      throw ComparisonError(
        "\(right.name) has \(right.exampleCount) examples and \(left.name) \(left.exampleCount): "
          + "both must hold the same examples in the same order")
    }
    guard let ids = left.exampleIDs, let others = right.exampleIDs, ids != others else { return }
    let first = ids.indices.first { ids[$0] != others[$0] } ?? 0
    throw ComparisonError(
      "example \(first) is \"\(others[first])\" in \(right.name) and \"\(ids[first])\" in "
        + "\(left.name): both must hold the same examples in the same order")
  }
}

/// Two models that cannot be compared.
public struct ComparisonError: Error, Sendable, CustomStringConvertible {
  /// One sentence that names both models, what was found and what was expected.
  public let description: String

  init(_ description: String) { self.description = description }
}
