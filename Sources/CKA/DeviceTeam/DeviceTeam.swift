import Activations
import Device

/// The devices that do a piece of work, and what it is done within: memory, progress, cancellation.
///
/// There is one rule for failures: a device that fails leaves the team for good, and the next takes over.
/// What it takes over is up to the kind of work:
/// - `run(_:)` does a job in parts. Finished parts count, and only those of the failed device are done again.
/// - `withDevice(_:)` does what is in its closure, which begins anew on the next device. An analysis that is one
///   closure begins anew as a whole; one that calls it for each layer goes on with the layer.
///
/// The last device stays: its error is the caller's. So does one that finds activations unreadable, which is no
/// fault of its own.
public final class DeviceTeam {
  /// What happens while a team works.
  public enum Event: Sendable {
    /// So many parts of the job are done: minibatches, or steps of an exact plan (`FullBatchPlan.stepCount`).
    case finished(minibatches: Int)
    /// A device failed; its part goes to the others that share the work, so many of them.
    case leftToOthers(from: DeviceInfo, others: Int, because: DeviceError)
    /// A device failed, and with it all that shared the work; the next goes on from the sums so far.
    case fellBack(from: DeviceInfo, to: DeviceInfo, because: DeviceError)
    /// A device failed, and the next begins anew what it was doing.
    case tookOver(DeviceInfo, from: DeviceInfo, because: DeviceError)
  }

  /// Bytes that the process, and each device, may take.
  public let memory: Int
  /// Hears of the work while it is done.
  public let meter: WorkMeter?

  /// All devices, as they were given.
  let members: [any Device]
  private var hasFailed: [Bool]
  private let sharers: Int
  private let observe: (Event) -> Void
  private let isCancelled: @Sendable () -> Bool

  /// - Parameters:
  ///   - devices: in the order in which they take over.
  ///   - sharing: how many of them, from the first, share jobs.
  ///   - memory: bytes that the process, and each device, may take: half of what the process may have unless
  ///     given.
  ///   - meter: hears of the work while it is done, on any thread.
  ///   - observe: hears what happens, on the caller's thread.
  ///   - isCancelled: asked before every part of the work, on any thread. Once it says true, the work ends with a
  ///     `DeviceError` of the kind `.cancelled`.
  public init(
    _ devices: [any Device], sharing: Int = 1, memory: Int = Comparison.defaultMemory,
    meter: WorkMeter? = nil, observe: @escaping (Event) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    members = devices
    hasFailed = devices.map { _ in false }
    sharers = min(max(sharing, 1), devices.count)
    self.memory = memory
    self.meter = meter
    self.isCancelled = isCancelled
    self.observe = observe
  }

  /// The devices that have not failed.
  public var devices: [any Device] { working.map { members[$0] } }

  /// How many of `devices`, from the first, share jobs; at least 1.
  public var sharing: Int { max(working.prefix { $0 < sharers }.count, 1) }

  /// The places of `devices` among the members.
  var working: [Int] { members.indices.filter { !hasFailed[$0] } }

  /// Does `body` on the first device; where that fails, `body` begins anew on the next.
  ///
  /// - Throws: the last device's error, or the first that says that activations are unreadable or the work was
  ///   cancelled.
  public func withDevice<Result>(
    _ body: (any Device) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result {
    while true {
      try checkCancellation()
      let device = try first()
      do throws(DeviceError) {
        return try body(device)
      } catch {
        let working = working
        guard error.mayNotBefallOthers, working.count > 1 else { throw error }
        leave(working[0])
        tell(.tookOver(members[working[1]].info, from: device.info, because: error))
      }
    }
  }

  /// The same on a device that hands its matrices out and takes them back. One that does not leaves the team as if
  /// it had failed.
  public func withPackedDevice<Result>(
    _ body: (any PackedDevice) throws(DeviceError) -> Result
  ) throws(DeviceError) -> Result {
    try withDevice { (device) throws(DeviceError) in
      guard let device = device as? any PackedDevice else {
        throw DeviceError(
          kind: .unsupported, call: "taking Gram matrices out of \(device.info.id)",
          context: "the device does not hand them out")
      }
      return try body(device)
    }
  }

  /// Does all parts of `job`: the devices that share together, then one after another those that remain.
  ///
  /// Each device takes the next part as soon as it is free. One that fails leaves its part to the others; where
  /// all that share have failed, the next goes on with what is left. A job of one part is not shared.
  ///
  /// - Parameters:
  ///   - number: what the count of finished parts is told as: of a job that is a piece of more work, its place
  ///     in that.
  ///   - collect: gets the parts in their order, on the caller's thread.
  /// - Returns: the share of each device that finished a part, in the order of the team.
  /// - Throws: as `withDevice(_:)`.
  func run<Job: DeviceJob>(
    _ job: Job, number: (Int) -> Int = { $0 }, collect: (Job.Part) -> Void
  ) throws(DeviceError) -> [DeviceShare] {
    var run = JobRun(job, on: self)
    return try run.finish(number: number, collect: collect)
  }

  /// One device of a team, for work inside of `withDevice(_:)`: its errors are the team's to deal with, and nobody
  /// hears of its parts.
  package func only(_ device: any Device, memory: Int? = nil) -> DeviceTeam {
    DeviceTeam([device], memory: memory ?? self.memory, isCancelled: isCancelled)
  }

  /// Ends the work where the caller wants it to end.
  package func checkCancellation() throws(DeviceError) {
    if isCancelled() { throw .cancelled }
  }

  /// What device threads ask before they begin a part.
  var cancellation: @Sendable () -> Bool { isCancelled }

  /// The first device that has not failed.
  package func first() throws(DeviceError) -> any Device {
    guard let device = devices.first else {
      throw DeviceError(kind: .notFound, call: "choosing a device", context: "no device was given")
    }
    return device
  }

  func tell(_ event: Event) { observe(event) }

  func leave(_ member: Int) { hasFailed[member] = true }
}

extension DeviceTeam: ExpressibleByArrayLiteral {
  /// Devices of which the first does the work, within `Comparison.defaultMemory`.
  public convenience init(arrayLiteral elements: any Device...) { self.init(elements) }
}

extension DeviceTeam {
  /// The limit on memory is lower than what the work needs.
  public struct MemoryShortage: Error, Sendable, Hashable, CustomStringConvertible {
    /// Bytes that may be taken.
    public let limit: Int
    /// The fewest bytes that would do.
    public let least: Int

    package init(limit: Int, least: Int) { (self.limit, self.least) = (limit, least) }

    /// One sentence.
    public var description: String {
      "\(limit) bytes of memory are too few; at least \(least) are needed"
    }
  }

  /// Refuses work that needs more than the limit on any of the devices that may come to do it.
  ///
  /// - Parameter least: the bytes that the work takes at the most on a device.
  public func checkMemory(least: (DeviceInfo) -> Int) throws(MemoryShortage) {
    let least = devices.map { least($0.info) }.max() ?? 0
    guard least <= memory else { throw MemoryShortage(limit: memory, least: least) }
  }
}

extension DeviceError {
  /// The caller wanted the work to end.
  static let cancelled = DeviceError(
    kind: .cancelled, call: "the work", context: "it was cancelled")

  /// Whether another device may succeed.
  var mayNotBefallOthers: Bool { kind != .input && kind != .cancelled }

  /// Work that the limit on memory does not allow.
  package init(_ shortage: DeviceTeam.MemoryShortage, call: String) {
    self.init(kind: .outOfMemory, call: call, context: shortage.description)
  }
}
