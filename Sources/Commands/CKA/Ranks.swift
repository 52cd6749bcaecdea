import ArgumentParser
import CommandSupport
import Foundation
import Support
import SweepStore

/// Runs `body` as one of the processes that `mpirun` started together, or alone. A failure is reported
/// with the number of the process, whose exit code ends all of them.
func withRanks(_ body: (any ProcessGroup) throws -> Void) throws {
  let environment = ProcessInfo.processInfo.environment
  #if MPI
    guard ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK"].contains(where: { environment[$0] != nil }) else {
      return try reportingFailures { try body(SingleProcess()) }
    }
    var ranks: MPIProcessGroup?
    do {
      try reportingFailures {
        let started = try MPIProcessGroup()
        ranks = started
        do {
          try body(started)
          // MPI_Finalize would keep one core per rank busy while rank 0 writes results.
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
    guard size > 1 else { return try reportingFailures { try body(SingleProcess()) } }
    // All processes find the same error; one message is enough.
    guard environment["OMPI_COMM_WORLD_RANK"] == "0" else {
      throw ExitCode(Failure.Code.unavailable.rawValue)
    }
    try reportingFailures {
      throw Failure(
        .unavailable,
        "started by mpirun with \(size) processes, but this build has no MPI: build with "
          + "`swift build --traits MPI` (libopenmpi-dev must be there)")
    }
  #endif
}
