import Activations
import CKA
import Device

extension Convergence {
  /// Does the work, comparison after comparison, as `Comparison.run` does each. `DeviceTeam.Event.finished` counts
  /// minibatches over all of them.
  ///
  /// - Parameters:
  ///   - team: the devices that share the work.
  ///   - fullBatchPlan: how the exact value is made; that of `Comparison.fullBatchPlan` unless given.
  /// - Throws: as `Comparison.run`.
  public func run(
    on team: DeviceTeam, plan fullBatchPlan: FullBatchPlan? = nil
  ) throws(DeviceError) -> Outcome {
    var convergence = self
    convergence.exact.meter = team.meter
    return try convergence.outcome(on: team, plan: fullBatchPlan)
  }

  private func outcome(
    on team: DeviceTeam, plan fullBatchPlan: FullBatchPlan?
  ) throws(DeviceError) -> Outcome {
    let fullBatchPlan =
      if let fullBatchPlan { fullBatchPlan } else { try self.exact.defaultPlan(on: team) }
    team.meter?.begin(try flops(fullBatchPlan))
    defer { team.meter?.end() }
    var run = ConvergenceRun(team: team)
    let exact = try run.similarities(self.exact, plan: fullBatchPlan, points: [1])[0]
    var points: [Point] = []
    for batchSize in batchSizes {
      points += try self.points(batchSize: batchSize, exact: exact.cka, &run)
    }
    return Outcome(exact: exact, points: points, work: run.work, timings: run.timings)
  }

  /// What the team's meter will hear of.
  private func flops(_ fullBatchPlan: FullBatchPlan?) throws(DeviceError) -> Double {
    var flops = exact.flops(fullBatchPlan)
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
    batchSize: Int, exact: Matrix<Double>, _ run: inout ConvergenceRun
  ) throws(DeviceError) -> [Point] {
    let perPass = minibatches(batchSize: batchSize)
    var estimates = passes.map { _ in [Matrix<Double>]() }
    for number in 0..<repeats {
      let found = try run.similarities(
        comparison(batchSize, repeat: number), points: passes.map { $0 * perPass })
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
  let team: DeviceTeam
  /// Minibatches of the comparisons before.
  private var done = 0
  private(set) var work: [DeviceShare] = []
  private(set) var timings = Comparison.Timings()

  init(team: DeviceTeam) { self.team = team }

  /// What is known after each of `points`, numbers of minibatches.
  mutating func similarities(
    _ comparison: Comparison, plan: FullBatchPlan? = nil, points: [Int]
  ) throws(DeviceError) -> [Similarity] {
    let (before, count) = (done, comparison.plan.batches.count)
    // The exact value may be made in many steps, and counts as one.
    let outcomes = try comparison.outcomes(on: team, plan: plan, points: points) {
      before + min($0, count)
    }
    done += count
    if let last = outcomes.last {
      timings += last.timings
      for share in last.work { add(share) }
    }
    return outcomes.map(\.similarity)
  }

  private mutating func add(_ share: DeviceShare) {
    guard let index = work.firstIndex(where: { $0.device == share.device }) else {
      work.append(share)
      return
    }
    work[index] = DeviceShare(
      device: share.device, minibatches: work[index].minibatches + share.minibatches,
      hasFailed: work[index].hasFailed || share.hasFailed)
  }
}
