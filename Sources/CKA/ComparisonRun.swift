import Activations
import Device
import Dispatch
import Support

extension Comparison {
  /// Does the work: minibatches, or the parts of an exact plan.
  ///
  /// The devices of the team that share take the next part as soon as they are free. Sums are merged in the order
  /// of the parts, so that devices which give the same bits give them together, too. A single minibatch is not
  /// shared. Layers of which float32 leaves too little are made anew in float64, on the CPU, within the team's
  /// memory.
  ///
  /// - Parameters:
  ///   - team: does the work.
  ///   - fullBatchPlan: how an estimator over all examples is made; that of `fullBatchPlan(on:…)` unless given.
  /// - Throws: the last device's error, or the first that says that activations are unreadable or the work was
  ///   cancelled.
  public func run(
    on team: DeviceTeam, plan fullBatchPlan: FullBatchPlan? = nil
  ) throws(DeviceError) -> Outcome {
    var comparison = self
    comparison.meter = team.meter
    let fullBatchPlan = if let fullBatchPlan { fullBatchPlan } else { try defaultPlan(on: team) }
    team.meter?.begin(flops(fullBatchPlan))
    defer { team.meter?.end() }
    let outcomes = try comparison.outcomes(
      on: team, plan: fullBatchPlan, points: [plan.batches.count])
    return outcomes[outcomes.count - 1]
  }

  /// What `meter` will hear of.
  package func flops(_ fullBatchPlan: FullBatchPlan?) -> Double {
    pairing.count < estimator.centering.leastExamples
      ? 0 : fullBatchPlan?.cost.flops ?? costOfMinibatches.flops
  }

  /// What is known after each of `points`, ascending numbers of minibatches of which the last is all of them.
  ///
  /// - Parameters:
  ///   - fullBatchPlan: nil for minibatches only.
  ///   - number: see `DeviceTeam.run(_:number:collect:)`.
  package func outcomes(
    on team: DeviceTeam, plan fullBatchPlan: FullBatchPlan?, points: [Int],
    number: (Int) -> Int = { $0 }
  ) throws(DeviceError) -> [Outcome] {
    let rows = left.layers.count
    let columns = right?.layers.count ?? rows
    guard pairing.count >= estimator.centering.leastExamples else {
      let none = Similarity.tooFewExamples(left: rows, right: columns)
      return points.map { _ in Outcome(similarity: none, work: [], timings: Timings()) }
    }
    let first = try team.first().info
    var timings = Timings()
    var found: [Point] = []
    let work: [DeviceShare]
    if let fullBatchPlan, !fullBatchPlan.isAtOnce {
      var parts = FullBatchSums(fullBatchPlan)
      work = try team.run(FullBatchRun(comparison: self, plan: fullBatchPlan), number: number) {
        part in
        parts.add(part)
        timings += part.timings
      }
      guard let total = parts.sums else { preconditionFailure("a plan without parts") }
      found = [Point(minibatches: plan.batches.count, sums: total)]
    } else {
      var total: HSICSums?
      var count = 0
      work = try team.run(MinibatchJob(comparison: self), number: number) { part in
        if total?.merge(part.sums) == nil { total = part.sums }
        timings += part.timings
        count += 1
        if points.contains(count), let total {
          found.append(Point(minibatches: count, sums: total))
        }
      }
    }
    let start = ContinuousClock.now
    let similarities = try similarities(found, on: first, memory: team.memory)
    if similarities.contains(where: { $0.recomputed != nil }) {
      timings.float64 = start.elapsed
    }
    return similarities.map {
      Outcome(
        similarity: $0.similarity, recomputed: $0.recomputed, work: work, timings: timings)
    }
  }

  /// The plan of an estimator over all examples where none was given: within the team's memory.
  package func defaultPlan(on team: DeviceTeam) throws(DeviceError) -> FullBatchPlan? {
    do throws(FullBatchPlanError) {
      return try fullBatchPlan(on: team)
    } catch {
      switch error {
      case .device(let error): throw error
      case .tooLittleMemory(let shortage): throw DeviceError(shortage, call: "compare")
      }
    }
  }

  /// The sums of one minibatch.
  func sums(
    of examples: [Int], on device: some Device, timings: inout Timings
  ) throws(DeviceError) -> HSICSums {
    let centering = estimator.centering
    let batch = minibatches(examples)
    let start = ContinuousClock.now
    let leftStack = try device.gramStack(of: batch.left, kernel: kernel, centering: centering)
    let rightStack =
      if let right = batch.right {
        try device.gramStack(of: right, kernel: kernel, centering: centering)
      } else { leftStack }
    let gramEnd = ContinuousClock.now
    timings.gramStacks += (gramEnd - start) / .seconds(1)
    timings.stages += leftStack.timings
    if right != nil { timings.stages += rightStack.timings }
    defer { timings.pairs += gramEnd.elapsed }

    return try sums(leftStack, right == nil ? nil : rightStack, of: examples.count, on: device)
  }

  /// The sums of the stacks of one minibatch; of one model, there is no second one.
  package func sums<D: Device>(
    _ left: D.Stack, _ right: D.Stack?, of exampleCount: Int, on device: D
  ) throws(DeviceError) -> HSICSums {
    try HSICSums(
      left, right, exampleCount: exampleCount, centering: estimator.centering, on: device)
  }
}

extension HSICSums {
  /// The sums of the stacks of one minibatch; of one model, there is no second one.
  init<D: Device>(
    _ left: D.Stack, _ right: D.Stack?, exampleCount: Int, centering: GramCentering, on device: D
  ) throws(DeviceError) {
    let products = try device.innerProducts(left, right ?? left)
    let own = { (products: Matrix<Double>) in (0..<products.rows).map { products[$0, $0] } }
    self.init(
      exampleCount: exampleCount, centering: centering, left: left.layers,
      right: (right ?? left).layers, products: products,
      leftSquares: right == nil ? own(products) : try device.squaredNorms(left),
      rightSquares: try right.map { (right) throws(DeviceError) in try device.squaredNorms(right) }
        ?? own(products), precision: device.info.precision)
  }
}

/// Minibatches as devices share them.
private struct MinibatchJob: DeviceJob {
  let comparison: Comparison

  /// The sums of a minibatch.
  struct Part: Sendable {
    let sums: HSICSums
    let timings: Comparison.Timings
  }

  var count: Int { comparison.plan.batches.count }

  func prefetch(_ index: Int) {
    let next = comparison.minibatches(comparison.plan.batches[index])
    next.left.prefetch()
    next.right?.prefetch()
  }

  func maker(
    on device: some Device, prepared: @escaping @Sendable () -> Void
  ) throws(DeviceError) -> (Int) throws(DeviceError) -> Part {
    { (index) throws(DeviceError) in
      var timings = Comparison.Timings()
      let sums = try comparison.sums(
        of: comparison.plan.batches[index], on: device, timings: &timings)
      return Part(sums: sums, timings: timings)
    }
  }
}
