import Activations
import Device
import Dispatch

extension Comparison {
  /// Does the work on `devices`.
  ///
  /// The first `sharing` of them share the minibatches: each takes the next as soon as it is free.
  /// Sums are merged in the order of the minibatches, so that devices which give the same bits give
  /// them together, too. A device that fails leaves its minibatch to the others; where all of them
  /// have failed, the remaining devices go on one after another. A single minibatch is not shared.
  ///
  /// - Parameter observe: hears what happens, on the caller's thread.
  /// - Throws: the last device's error, or the first that says that activations are unreadable.
  public func run(
    on devices: [any Device], sharing: Int = 1, observe: (Event) -> Void = { _ in }
  ) throws(DeviceError) -> Outcome {
    try run(on: devices, sharing: sharing, collect: { _, _ in }, observe: observe)
  }

  /// The same; `collect` hears the sums of the first so many minibatches as each of them is added.
  func run(
    on devices: [any Device], sharing: Int, collect: (_ minibatches: Int, HSICSums) -> Void,
    observe: (Event) -> Void
  ) throws(DeviceError) -> Outcome {
    let rows = left.layers.count
    let columns = right?.layers.count ?? rows
    guard pairing.count >= estimator.centering.leastExamples else {
      return Outcome(
        similarity: .tooFewExamples(left: rows, right: columns), work: [], timings: Timings())
    }
    var run = ComparisonRun(self, devices: devices)
    var first = 0
    while first < devices.count, !run.isDone {
      let size = first == 0 ? min(max(sharing, 1), plan.batches.count, devices.count) : 1
      try run.work(first..<(first + size), collect: collect, observe: observe)
      first += size
    }
    guard let sums = run.sums, run.isDone else {
      throw DeviceError(kind: .notFound, call: "compare", context: "no device was given")
    }
    let similarity = Similarity(sums, centering: estimator.centering, passes: plan.passes)
    return Outcome(similarity: similarity, work: run.shares, timings: run.timings)
  }

  /// The sums of one minibatch.
  fileprivate func sums(
    of examples: [Int], on device: some Device, timings: inout Timings
  ) throws(DeviceError) -> HSICSums {
    let clock = ContinuousClock()
    let centering = estimator.centering
    let batch = minibatches(examples)
    let start = clock.now
    let leftStack = try device.gramStack(of: batch.left, kernel: kernel, centering: centering)
    let rightStack =
      if let right = batch.right {
        try device.gramStack(of: right, kernel: kernel, centering: centering)
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
}

/// A comparison under way.
private struct ComparisonRun {
  private let comparison: Comparison
  private let devices: [any Device]
  private let queue: MinibatchQueue<Batch>
  private(set) var sums: HSICSums?
  private(set) var timings = Comparison.Timings()
  private var finished: [Int]
  private var hasFailed: [Bool]

  /// What a minibatch comes to.
  private struct Batch: Sendable {
    let sums: HSICSums
    let timings: Comparison.Timings
  }

  init(_ comparison: Comparison, devices: [any Device]) {
    self.comparison = comparison
    self.devices = devices
    queue = MinibatchQueue(count: comparison.plan.batches.count)
    finished = devices.map { _ in 0 }
    hasFailed = devices.map { _ in false }
  }

  var isDone: Bool { finished.reduce(0, +) == comparison.plan.batches.count }

  var shares: [Comparison.Work] {
    devices.indices.filter { finished[$0] > 0 }.map {
      Comparison.Work(
        device: devices[$0].info, minibatches: finished[$0], hasFailed: hasFailed[$0])
    }
  }

  /// Lets the devices `team` share what is left to do, until it is done or all of them have failed.
  ///
  /// - Throws: where no other device could go on.
  mutating func work(
    _ team: Range<Int>, collect: (_ minibatches: Int, HSICSums) -> Void,
    observe: (Comparison.Event) -> Void
  ) throws(DeviceError) {
    let group = DispatchGroup()
    queue.admit(team.count)
    for index in team {
      let (comparison, device, queue) = (comparison, devices[index], queue)
      // A thread each: they wait for their devices most of the time.
      DispatchQueue(label: "cka.device.\(index)").async(group: group) {
        Self.work(comparison, on: device, number: index, of: team.count, queue)
      }
    }
    defer {
      queue.close()
      group.wait()
    }
    var others = team.count
    while let report = queue.next() {
      switch report {
      case .finished(let batch, let index):
        if sums?.merge(batch.sums) == nil { sums = batch.sums }
        timings += batch.timings
        finished[index] += 1
        let minibatches = finished.reduce(0, +)
        if let sums { collect(minibatches, sums) }
        observe(.finished(minibatches: minibatches))
      case .failed(let error, let index):
        hasFailed[index] = true
        others -= 1
        let next = others == 0 && team.upperBound < devices.count ? devices[team.upperBound] : nil
        guard error.kind != .input, others > 0 || next != nil else { throw error }
        let info = devices[index].info
        if let next {
          observe(.fellBack(from: info, to: next.info, because: error))
        } else {
          observe(.leftToOthers(from: info, others: others, because: error))
        }
      }
    }
  }

  /// What one device's thread does.
  private static func work(
    _ comparison: Comparison, on device: any Device, number: Int, of teamSize: Int,
    _ queue: MinibatchQueue<Batch>
  ) {
    let batches = comparison.plan.batches
    while let index = queue.take() {
      if index + teamSize < batches.count {
        let next = comparison.minibatches(batches[index + teamSize])
        DispatchQueue.global(qos: .utility).async {
          next.left.prefetch()
          next.right?.prefetch()
        }
      }
      do throws(DeviceError) {
        var timings = Comparison.Timings()
        let sums = try comparison.sums(of: batches[index], on: device, timings: &timings)
        queue.finish(index, with: Batch(sums: sums, timings: timings), by: number)
      } catch {
        queue.fail(index, because: error, by: number)
        return
      }
    }
  }
}
