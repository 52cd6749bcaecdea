import Activations
import CKA
import Device

extension Convergence {
  /// Does the work on `devices`, of which the first `sharing` share it, as `Comparison.run` does; a
  /// device that has failed is not tried again.
  ///
  /// - Parameters:
  ///   - exactPlan: how the exact value is made; that of `Comparison.exactPlan` unless given.
  ///   - memory: bytes that the process may take, as of `Comparison.run`.
  ///   - observe: hears what happens, on the caller's thread; minibatches count over all runs.
  /// - Throws: as `Comparison.run`.
  public func run(
    on devices: [any Device], sharing: Int = 1, plan exactPlan: ExactPlan? = nil,
    memory: Int = Comparison.defaultMemory, observe: (Comparison.Event) -> Void = { _ in }
  ) throws(DeviceError) -> Outcome {
    let exactPlan =
      if let exactPlan { exactPlan } else {
        try self.exact.defaultPlan(on: devices, sharing: sharing)
      }
    meter?.begin(try flops(exactPlan))
    defer { meter?.end() }
    var run = ConvergenceRun(devices: devices, sharing: sharing, memory: memory)
    let exact = try run.similarities(self.exact, plan: exactPlan, points: [1], observe: observe)[0]
    var points: [Point] = []
    for batchSize in batchSizes {
      points += try self.points(batchSize: batchSize, exact: exact.cka, &run, observe: observe)
    }
    return Outcome(exact: exact, points: points, work: run.work, timings: run.timings)
  }

  /// What `meter` will hear of.
  private func flops(_ exactPlan: ExactPlan?) throws(DeviceError) -> Double {
    var flops = exact.flops(exactPlan)
    for batchSize in batchSizes {
      flops += Double(repeats) * (try comparison(batchSize, repeat: 0)).flops(nil)
    }
    return flops
  }

  private func comparison(
    _ batchSize: Int, repeat number: Int
  ) throws(DeviceError) -> Comparison {
    do throws(ComparisonError) {
      return try comparison(batchSize: batchSize, repeat: number)
    } catch {
      throw DeviceError(kind: .input, call: "converge", context: error.description)
    }
  }

  /// The points of one batch size: every repeat is one run, looked at after each number of passes.
  private func points(
    batchSize: Int, exact: Matrix<Double>, _ run: inout ConvergenceRun,
    observe: (Comparison.Event) -> Void
  ) throws(DeviceError) -> [Point] {
    let perPass = minibatches(batchSize: batchSize)
    var estimates = passes.map { _ in [Matrix<Double>]() }
    for number in 0..<repeats {
      let found = try run.similarities(
        comparison(batchSize, repeat: number), points: passes.map { $0 * perPass }, observe: observe
      )
      for (index, similarity) in found.enumerated() { estimates[index].append(similarity.cka) }
    }
    return passes.indices.map { index in
      Point(
        batchSize: batchSize, passes: passes[index], minibatches: passes[index] * perPass,
        estimates: estimates[index], exact: exact, isOneModel: self.exact.right == nil)
    }
  }
}

/// Comparisons one after another, on the devices that still work.
private struct ConvergenceRun {
  private var devices: [any Device]
  private var sharing: Int
  /// Minibatches of the comparisons before.
  private var done = 0
  private(set) var work: [Comparison.Work] = []
  private(set) var timings = Comparison.Timings()

  private let memory: Int

  init(devices: [any Device], sharing: Int, memory: Int) {
    self.devices = devices
    self.sharing = sharing
    self.memory = memory
  }

  /// What is known after each of `points`, numbers of minibatches.
  mutating func similarities(
    _ comparison: Comparison, plan: ExactPlan? = nil, points: [Int],
    observe: (Comparison.Event) -> Void
  ) throws(DeviceError) -> [Similarity] {
    var failed: [String] = []
    let before = done
    let outcomes = try comparison.run(
      on: devices, sharing: sharing, plan: plan, points: points, memory: memory
    ) { event in
      switch event {
      case .finished(let minibatches):
        // The exact value may be made in many steps, and counts as one.
        observe(.finished(minibatches: before + min(minibatches, comparison.plan.batches.count)))
      case .leftToOthers(let from, _, _), .fellBack(let from, _, _):
        failed.append(from.id)
        observe(event)
      }
    }
    done += comparison.plan.batches.count
    if let last = outcomes.last {
      timings += last.timings
      for share in last.work { add(share) }
    }
    for id in failed {
      guard let index = devices.firstIndex(where: { $0.info.id == id }) else { continue }
      devices.remove(at: index)
      if index < sharing { sharing = max(sharing - 1, 1) }
    }
    return outcomes.map(\.similarity)
  }

  private mutating func add(_ share: Comparison.Work) {
    guard let index = work.firstIndex(where: { $0.device == share.device }) else {
      work.append(share)
      return
    }
    work[index] = Comparison.Work(
      device: share.device, minibatches: work[index].minibatches + share.minibatches,
      hasFailed: work[index].hasFailed || share.hasFailed)
  }
}
