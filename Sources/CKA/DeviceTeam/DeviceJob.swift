import Device
import Dispatch

/// Work in parts that the devices of a team share.
protocol DeviceJob: Sendable {
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

/// One device's share of a job.
public struct DeviceShare: Sendable, Hashable {
  /// Who did it.
  public let device: DeviceInfo
  /// How many minibatches it finished, or parts of an exact plan; at least one.
  public let minibatches: Int
  /// Whether it failed after that.
  public let hasFailed: Bool

  package init(device: DeviceInfo, minibatches: Int, hasFailed: Bool) {
    self.device = device
    self.minibatches = minibatches
    self.hasFailed = hasFailed
  }
}

/// A job under way.
struct JobRun<Job: DeviceJob> {
  private let job: Job
  private let team: DeviceTeam
  /// The members that may take part, in their order.
  private let members: [Int]
  private let queue: MinibatchQueue<Job.Part>
  private var steps = 0
  /// Parts that each member finished, and whether it failed in this job.
  private var finished: [Int: Int] = [:]
  private var failed: Set<Int> = []

  init(_ job: Job, on team: DeviceTeam) {
    self.job = job
    self.team = team
    members = team.working
    queue = MinibatchQueue(count: job.count)
  }

  private var isDone: Bool { finished.values.reduce(0, +) == job.count }

  /// Does the job; see `DeviceTeam.run(_:number:collect:)`.
  mutating func finish(
    number: (Int) -> Int, collect: (Job.Part) -> Void
  ) throws(DeviceError) -> [DeviceShare] {
    _ = try team.first()
    var rest = members[...]
    var size = min(team.sharing, job.count)
    while !rest.isEmpty, !isDone {
      try work(rest.prefix(size), next: rest.dropFirst(size).first, number, collect)
      rest = rest.dropFirst(size)
      size = 1
    }
    return members.compactMap { member in
      finished[member].map {
        DeviceShare(
          device: team.members[member].info, minibatches: $0, hasFailed: failed.contains(member))
      }
    }
  }

  /// Lets `sharers` do what is left, until it is done or all of them have failed.
  ///
  /// - Parameter next: who goes on then.
  /// - Throws: where nobody could go on.
  private mutating func work(
    _ sharers: ArraySlice<Int>, next: Int?, _ number: (Int) -> Int, _ collect: (Job.Part) -> Void
  ) throws(DeviceError) {
    let group = DispatchGroup()
    queue.admit(sharers.count)
    for member in sharers {
      let thread = DeviceThread(
        job: job, member: member, sharing: sharers.count, queue: queue,
        isCancelled: team.cancellation)
      let device = team.members[member]
      // A thread each: they wait for their devices most of the time.
      DispatchQueue(label: "cka.device.\(member)").async(group: group) { thread.work(on: device) }
    }
    defer {
      queue.close()
      group.wait()
    }
    var others = sharers.count
    while let report = queue.next() {
      switch report {
      case .prepared: step(number)
      case .finished(let part, let member):
        collect(part)
        finished[member, default: 0] += 1
        step(number)
      case .failed(let error, let member):
        others -= 1
        guard error.mayNotBefallOthers, others > 0 || next != nil else { throw error }
        failed.insert(member)
        team.leave(member)
        let info = team.members[member].info
        if others > 0 {
          team.tell(.leftToOthers(from: info, others: others, because: error))
        } else if let next {
          team.tell(.fellBack(from: info, to: team.members[next].info, because: error))
        }
      }
    }
  }

  private mutating func step(_ number: (Int) -> Int) {
    steps += 1
    team.tell(.finished(minibatches: number(steps)))
  }
}

/// What the thread of one device does.
private struct DeviceThread<Job: DeviceJob>: Sendable {
  let job: Job
  let member: Int
  /// How many devices share.
  let sharing: Int
  let queue: MinibatchQueue<Job.Part>
  let isCancelled: @Sendable () -> Bool

  func work(on device: some Device) {
    var maker: ((Int) throws(DeviceError) -> Job.Part)?
    while let index = queue.take() {
      if index + sharing < job.count {
        DispatchQueue.global(qos: .utility).async { job.prefetch(index + sharing) }
      }
      do throws(DeviceError) {
        if isCancelled() { throw .cancelled }
        let make = if let maker { maker } else { try job.maker(on: device) { queue.prepared() } }
        maker = make
        queue.finish(index, with: try make(index), by: member)
      } catch {
        queue.fail(index, because: error, by: member)
        return
      }
    }
  }
}
