import FoundationEssentials
import Support

/// Processes that make one sweep together, in one store that all of them see.
///
/// Each takes every `count`th minibatch; the first alone writes what is not a minibatch's. All take the
/// same steps in the same order, and at some of them tell each other what they found.
public protocol ProcessGroup {
  /// Which of the processes this is, from 0.
  var rank: Int { get }
  /// How many there are.
  var count: Int { get }
  /// Which of those on the same machine this is, from 0.
  var rankOnMachine: Int { get }
  /// How many are on the same machine: they share its memory.
  var countOnMachine: Int { get }
  /// Exchanges messages: returns those of all ranks, in rank order. Returns when all have called
  /// it.
  func exchange(_ message: [UInt8]) throws -> [[UInt8]]
}

/// A process that makes a sweep alone.
public struct SingleProcess: ProcessGroup {
  /// Nobody else is there.
  public init() {}
  /// 0.
  public var rank: Int { 0 }
  /// 1.
  public var count: Int { 1 }
  /// 0.
  public var rankOnMachine: Int { 0 }
  /// 1.
  public var countOnMachine: Int { 1 }
  /// The own message.
  public func exchange(_ message: [UInt8]) -> [[UInt8]] { [message] }

  /// Which of how many processes `mpirun` made of this one; 0 of 1 where it did not.
  package static var launched: (rank: Int, count: Int) {
    let environment = ProcessInfo.processInfo.environment
    return (
      environment["OMPI_COMM_WORLD_RANK"].flatMap { Int($0) } ?? 0,
      environment["OMPI_COMM_WORLD_SIZE"].flatMap { Int($0) } ?? 1
    )
  }

  /// A process of a build without MPI.
  ///
  /// - Throws: `Failure` where `mpirun` started several: each would do all the work.
  package static func alone() throws(Failure) -> Self {
    guard launched.count == 1 else {
      throw Failure(
        .unavailable,
        "started by mpirun with \(launched.count) processes, but this build has no MPI: build with "
          + "`swift build --traits MPI` (libopenmpi-dev must be there)")
    }
    return SingleProcess()
  }
}

/// What is exchanged: the step that it belongs to, and what was found there.
private struct TeamMessage<Content: Codable>: Codable {
  var step: String
  var content: Content
}

extension ProcessGroup {
  var isFirst: Bool { rank == 0 }

  /// The own share of `units`.
  func share<Unit>(of units: [Unit]) -> [Unit] {
    units.indices.filter { $0 % count == rank }.map { units[$0] }
  }

  /// Everybody's `content` at the same step.
  func exchange<Content: Codable>(_ content: Content, at step: String) throws -> [Content] {
    guard count > 1 else { return [content] }
    let own = TeamMessage(step: step, content: content)
    let messages = try exchange(Array(JSONEncoder().encode(own)))
    return try messages.enumerated().map { rank, bytes in
      let data = Data(bytes)
      let message = try? JSONDecoder().decode(TeamMessage<Content>.self, from: data)
      guard let message, message.step == step else {
        throw StoreError(
          .io, "rank \(rank)",
          "has not reached the step '\(step)' of rank \(self.rank): do all ranks see the same "
            + "files?")
      }
      return message.content
    }
  }

  /// Waits until all are at the same step.
  func meet(at step: String) throws { _ = try exchange(true, at: step) }

  /// Whether it is true for all of them.
  func agree(_ isTrue: Bool, at step: String) throws -> Bool {
    try exchange(isTrue, at: step).allSatisfy { $0 }
  }
}
