import Device

extension Convergence {
  /// Does the work on `devices`, of which the first `sharing` share it, as `Comparison.run` does; a
  /// device that has failed is not tried again.
  ///
  /// - Parameters:
  ///   - exactPlan: how the exact value is made; that of `Comparison.exactPlan` unless given.
  ///   - observe: hears what happens, on the caller's thread; minibatches count over all runs.
  /// - Throws: as `Comparison.run`.
  public func run(
    on devices: [any Device], sharing: Int = 1, plan exactPlan: ExactPlan? = nil,
    observe: (Comparison.Event) -> Void = { _ in }
  ) throws(DeviceError) -> Outcome {
    var run = ConvergenceRun(devices: devices, sharing: sharing)
    let exact = try run.similarity(self.exact, plan: exactPlan, observe: observe)
    var points: [Point] = []
    for batchSize in batchSizes {
      points += try self.points(batchSize: batchSize, exact: exact.cka, &run, observe: observe)
    }
    return Outcome(exact: exact, points: points, work: run.work, timings: run.timings)
  }

  /// The points of one batch size: every repeat is one run, looked at after each number of passes.
  private func points(
    batchSize: Int, exact: Matrix<Double>, _ run: inout ConvergenceRun,
    observe: (Comparison.Event) -> Void
  ) throws(DeviceError) -> [Point] {
    let perPass = minibatches(batchSize: batchSize)
    var estimates = passes.map { _ in [Matrix<Double>]() }
    for number in 0..<repeats {
      let comparison: Comparison
      do throws(ComparisonError) {
        comparison = try self.comparison(batchSize: batchSize, repeat: number)
      } catch {
        throw DeviceError(kind: .input, call: "converge", context: error.description)
      }
      _ = try run.similarity(comparison, observe: observe) { minibatches, sums in
        guard let index = passes.firstIndex(where: { $0 * perPass == minibatches }) else { return }
        let similarity = Similarity(sums, centering: .unbiased)
        estimates[index].append(similarity.cka)
      }
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

  init(devices: [any Device], sharing: Int) {
    self.devices = devices
    self.sharing = sharing
  }

  mutating func similarity(
    _ comparison: Comparison, plan: ExactPlan? = nil, observe: (Comparison.Event) -> Void,
    collect: (_ minibatches: Int, HSICSums) -> Void = { _, _ in }
  ) throws(DeviceError) -> Similarity {
    var failed: [String] = []
    let before = done
    let outcome = try comparison.run(on: devices, sharing: sharing, plan: plan, collect: collect) {
      event in
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
    timings += outcome.timings
    for share in outcome.work { add(share) }
    for id in failed {
      guard let index = devices.firstIndex(where: { $0.info.id == id }) else { continue }
      devices.remove(at: index)
      if index < sharing { sharing = max(sharing - 1, 1) }
    }
    return outcome.similarity
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
