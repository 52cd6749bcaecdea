import ArgumentParser
import CommandSupport
import Foundation
import Support
import SweepStore

/// Runs `body` as one of the processes that `mpirun` started together, or alone. A failure is reported
/// with the number of the process, whose exit code ends all of them.
func withRanks(_ body: (any SweepTeam) throws -> Void) throws {
  let environment = ProcessInfo.processInfo.environment
  #if MPI
    guard ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK"].contains(where: { environment[$0] != nil }) else {
      return try reportingFailures { try body(Alone()) }
    }
    var ranks: MPIRanks?
    do {
      try reportingFailures {
        let started = try MPIRanks()
        ranks = started
        do {
          try body(started)
          // MPI's own end would keep a core of each rank busy while the first writes results.
          _ = try started.exchange([])
        } catch let error as any FailureConvertible where started.count > 1 {
          let failure = error.failure
          throw Failure(failure.code, "rank \(started.rank): \(failure.description)")
        }
      }
    } catch let code as ExitCode {
      ranks?.abort(code.rawValue)
      throw code
    }
    ranks?.finish()
  #else
    let size = environment["OMPI_COMM_WORLD_SIZE"].flatMap { Int($0) } ?? 1
    guard size > 1 else { return try reportingFailures { try body(Alone()) } }
    // All processes find the same; one line is enough.
    guard environment["OMPI_COMM_WORLD_RANK"] == "0" else {
      throw ExitCode(Failure.Code.unavailable.rawValue)
    }
    try reportingFailures {
      throw Failure(
        .unavailable,
        "started as one of \(size) processes by mpirun, and this build has no MPI: build with "
          + "`swift build --traits MPI` (libopenmpi-dev must be there)")
    }
  #endif
}

#if MPI
  import CMPI

  /// The processes that `mpirun` started together.
  final class MPIRanks: SweepTeam {
    let rank: Int
    let count: Int

    /// Joins them.
    init() throws {
      try Self.check(cka_mpi_start(), "cannot start")
      var rank: Int32 = 0
      var count: Int32 = 0
      try Self.check(cka_mpi_rank(&rank), "has no rank")
      try Self.check(cka_mpi_size(&count), "has no size")
      self.rank = Int(rank)
      self.count = Int(count)
    }

    func exchange(_ message: [UInt8]) throws -> [[UInt8]] {
      // Messages are names and keys of minibatches; a gigabyte of them would be a defect.
      guard let size = Int32(exactly: message.count) else {
        throw Failure(.software, "MPI: a message of \(message.count) bytes is too long")
      }
      var sizes = [Int32](repeating: 0, count: count)
      try Self.check(cka_mpi_exchange_counts(size, &sizes), "cannot reach the other ranks")
      var offsets: [Int32] = []
      var total: Int32 = 0
      for size in sizes {
        offsets.append(total)
        let sum = total.addingReportingOverflow(size)
        guard !sum.overflow else {
          throw Failure(.software, "MPI: messages of \(sizes) bytes are too long")
        }
        total = sum.partialValue
      }
      var all = [UInt8](repeating: 0, count: Int(total))
      try Self.check(
        cka_mpi_exchange_bytes(message, size, &all, sizes, offsets), "cannot reach the other ranks")
      return zip(offsets, sizes).map { Array(all[Int($0)..<Int($0 + $1)]) }
    }

    /// Ends all processes; `mpirun` ends with `code`.
    func abort(_ code: Int32) { cka_mpi_abort(code) }

    /// Leaves the others, when all is done.
    func finish() { MPI_Finalize() }

    private static func check(_ status: Int32, _ what: String) throws {
      guard status != MPI_SUCCESS else { return }
      var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING))
      var length: Int32 = 0
      MPI_Error_string(status, &text, &length)
      let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      throw Failure(.software, "MPI: \(what): \(String(decoding: bytes, as: UTF8.self))")
    }
  }
#endif
