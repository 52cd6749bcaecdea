import Activations
import Device
import Support

/// Why there is no plan.
public enum FullBatchPlanError: Error, Sendable, CustomStringConvertible {
  /// The device could not be measured.
  case device(DeviceError)
  /// Nothing fits the memory.
  case tooLittleMemory(DeviceTeam.MemoryShortage)

  /// One sentence.
  public var description: String {
    switch self {
    case .device(let error): error.description
    case .tooLittleMemory(let shortage): shortage.description
    }
  }
}

extension Comparison {
  /// The memory that is used where nobody says how much: half of what this process may have, in bytes.
  public static var defaultMemory: Int { MachineLimits.current.memory / 2 }

  /// How the estimators over all examples are made by `team`; nil for minibatches.
  ///
  /// The plan depends on the shapes of the layers, on the team's memory, and on the kind and the memory of its
  /// first device; never on a clock or on what the process has taken so far, so that two runs give the same
  /// bits. Rates are measured for the time that large work will take, and only for that.
  ///
  /// - Parameters:
  ///   - team: what will do the work.
  ///   - isMeasured: whether to measure rates in any case, so that the plan's cost has its seconds.
  public func fullBatchPlan(
    on team: DeviceTeam, isMeasured: Bool = false
  ) throws(FullBatchPlanError) -> FullBatchPlan? {
    guard let first = team.devices.first else { return nil }
    let device = first.info
    let (sharing, memory) = (team.sharing, team.memory)
    // A process that has taken more than is usual, such as a large program with this library in it, runs
    // the same plan or none.
    let excess = Self.excess(over: MemoryModel.base(of: device))
    var plan: FullBatchPlan
    do throws(FullBatchPlanError) {
      guard
        let pure = try fullBatchPlan(
          for: device, algorithms: .of(first), sharing: sharing, memory: memory)
      else {
        return nil
      }
      plan = pure
    } catch {
      guard case .tooLittleMemory(let shortage) = error else { throw error }
      throw .tooLittleMemory(.init(limit: shortage.limit, least: shortage.least + excess))
    }
    let peak = plan.cost.peakMemory + excess
    guard peak <= memory else { throw .tooLittleMemory(.init(limit: memory, least: peak)) }
    // It takes a fifth of a second, which work that is done at once does not spend on a forecast.
    if isMeasured || !plan.isAtOnce && plan.cost.flops > FullBatchPlanner.smallWork {
      // Of several devices alike, each takes its share.
      let work = FullBatchWork(self)
      plan.cost.seconds = try rates(of: team, work)?.shared(by: sharing).seconds(plan.cost)
    }
    return plan
  }

  /// The plan for `sharing` devices like `device` with these algorithms, whatever the process has taken so far; nil for
  /// minibatches, and where examples are too few.
  package func fullBatchPlan(
    for device: DeviceInfo, algorithms: Set<FullBatchPlan.Algorithm>, sharing: Int = 1, memory: Int
  ) throws(FullBatchPlanError) -> FullBatchPlan? {
    if case .minibatch = estimator { return nil }
    guard pairing.count >= estimator.centering.leastExamples else { return nil }
    let base = MemoryModel.base(of: device)
    let model = MemoryModel(
      work: FullBatchWork(self), base: base, sharing: sharing, cores: device.computeUnits)
    guard algorithms.contains(.tiles) || model.work.fitsOneMatrix else {
      throw .device(
        DeviceError(
          kind: .unsupported, call: "a full-batch estimate",
          context: "\(pairing.count) examples are too many at once, and \(device.id) makes no tiles"
        ))
    }
    let planner = FullBatchPlanner(
      model, limit: min(memory, base + device.memory / 10 * 9), algorithms: algorithms)
    do throws(FullBatchPlanner.TooLittle) {
      if let small = planner.small { return small }
      return try planner.plan(rates: .nominal(for: device))
    } catch {
      throw .tooLittleMemory(.init(limit: memory, least: error.least))
    }
  }

  /// Bytes that the process has taken beyond `base`.
  private static func excess(over base: Int) -> Int { max(ProcessMemory.now - base, 0) }

  /// The rates of the first device that can be measured: where one fails, the next does its work. Nil where none
  /// has all algorithms.
  private func rates(
    of team: DeviceTeam, _ work: FullBatchWork
  ) throws(FullBatchPlanError) -> DeviceRates? {
    var failure: DeviceError?
    for device in team.devices.compactMap({ $0 as? any CrossCovarianceDevice }) {
      do throws(DeviceError) {
        return try DeviceRates(
          measuring: device, work, layers: left.layers + (right?.layers ?? []),
          examples: pairing.left)
      } catch {
        guard error.kind != .input else { throw .device(error) }
        failure = failure ?? error
      }
    }
    if let failure { throw .device(failure) }
    return nil
  }

  /// Bytes of memory that minibatches take at the most.
  public func memoryOfMinibatches(on team: DeviceTeam) -> Int {
    var work = FullBatchWork(self)
    work.exampleCount = plan.batches.largest
    let device = team.devices.first?.info
    let model = MemoryModel(
      work: work, base: device.map { MemoryModel.base(of: $0) } ?? 0, sharing: team.sharing,
      cores: device?.computeUnits ?? 1)
    return model.atOnce + Self.excess(over: model.base)
  }

  /// What all minibatches cost, without their memory and time.
  var costOfMinibatches: FullBatchCost {
    var cost = FullBatchCost()
    var work = FullBatchWork(self)
    // All passes are alike.
    let passes = Double(plan.passes)
    for index in 0..<plan.batches.perPass {
      work.exampleCount = plan.batches.size(of: index)
      let part = FullBatchCost(atOnce: work)
      cost.gramFlops += passes * part.gramFlops
      cost.pairFlops += passes * part.pairFlops
      cost.bytesRead += passes * part.bytesRead
    }
    return cost
  }

  /// What all minibatches cost, without their memory; with the time of one as it is measured on
  /// `device`.
  public func costOfMinibatches(on device: some Device) throws(DeviceError) -> FullBatchCost {
    var cost = costOfMinibatches
    guard let first = plan.batches.first else { return cost }
    var timings = Timings()
    var seconds = Double.infinity
    for _ in 0..<2 {
      let start = ContinuousClock.now
      _ = try sums(of: first, on: device, timings: &timings)
      seconds = min(seconds, start.elapsed)
    }
    cost.seconds = seconds * Double(plan.batches.count)
    return cost
  }
}
