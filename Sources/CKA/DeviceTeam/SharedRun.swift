import Device
import Dispatch

/// Work in parts that devices share: each takes the next part as soon as it is free.
protocol SharedWork: Sendable {
  associatedtype Part: Sendable
  /// How many parts there are.
  var count: Int { get }
  /// Starts to read what part `index` needs, without waiting for it.
  func prefetch(_ index: Int)
  /// What makes parts on `device`, in any order.
  ///
  /// - Parameter prepared: is called for every step that had to be taken before the first part.
  func maker(
    on device: some Device, prepared: @escaping @Sendable () -> Void
  ) throws(DeviceError) -> (Int) throws(DeviceError) -> Part
}

/// Shared work under way.
struct SharedRun<Work: SharedWork> {
  private let work: Work
  private let devices: [any Device]
  private let queue: MinibatchQueue<Work.Part>
  private var steps = 0
  private var finished: [Int]
  private var hasFailed: [Bool]

  init(_ work: Work, devices: [any Device]) {
    self.work = work
    self.devices = devices
    queue = MinibatchQueue(count: work.count)
    finished = devices.map { _ in 0 }
    hasFailed = devices.map { _ in false }
  }

  private var isDone: Bool { finished.reduce(0, +) == work.count }

  /// What each device finished.
  var shares: [Comparison.Work] {
    devices.indices.filter { finished[$0] > 0 }.map {
      Comparison.Work(
        device: devices[$0].info, minibatches: finished[$0], hasFailed: hasFailed[$0])
    }
  }

  /// Does the work: the first `sharing` devices together, then one after another those that remain.
  ///
  /// - Parameter collect: gets the parts in their order.
  /// - Throws: the last device's error, or the first that says that activations are unreadable.
  mutating func finish(
    sharing: Int, observe: (Comparison.Event) -> Void, collect: (Work.Part) -> Void
  ) throws(DeviceError) {
    var first = 0
    while first < devices.count, !isDone {
      let size = first == 0 ? min(max(sharing, 1), work.count, devices.count) : 1
      try work(first..<(first + size), observe: observe, collect: collect)
      first += size
    }
    guard isDone else {
      throw DeviceError(kind: .notFound, call: "compare", context: "no device was given")
    }
  }

  /// Lets the devices `team` share what is left to do, until it is done or all of them have failed.
  ///
  /// - Throws: where no other device could go on.
  private mutating func work(
    _ team: Range<Int>, observe: (Comparison.Event) -> Void, collect: (Work.Part) -> Void
  ) throws(DeviceError) {
    let group = DispatchGroup()
    queue.admit(team.count)
    for index in team {
      let (work, device, queue) = (work, devices[index], queue)
      // A thread each: they wait for their devices most of the time.
      DispatchQueue(label: "cka.device.\(index)").async(group: group) {
        Self.work(work, on: device, number: index, of: team.count, queue)
      }
    }
    defer {
      queue.close()
      group.wait()
    }
    var others = team.count
    while let report = queue.next() {
      switch report {
      case .prepared:
        steps += 1
        observe(.finished(minibatches: steps))
      case .finished(let part, let index):
        collect(part)
        finished[index] += 1
        steps += 1
        observe(.finished(minibatches: steps))
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
    _ work: Work, on device: some Device, number: Int, of teamSize: Int,
    _ queue: MinibatchQueue<Work.Part>
  ) {
    var maker: ((Int) throws(DeviceError) -> Work.Part)?
    while let index = queue.take() {
      if index + teamSize < work.count {
        DispatchQueue.global(qos: .utility).async { work.prefetch(index + teamSize) }
      }
      do throws(DeviceError) {
        let make =
          if let maker { maker } else { try work.maker(on: device) { queue.prepared() } }
        maker = make
        queue.finish(index, with: try make(index), by: number)
      } catch {
        queue.fail(index, because: error, by: number)
        return
      }
    }
  }
}
