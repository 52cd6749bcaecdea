import ArgumentParser
import CommandSupport
import Support
import SweepStore

/// Runs `body` as one of the processes that `mpirun` started together, or alone. A failure is reported
/// with the number of the process, whose exit code ends all of them.
func withRanks(_ body: (any ProcessGroup) throws -> Void) throws {
  #if MPI
    guard MPIProcessGroup.isLaunched else {
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
    guard SingleProcess.launched.rank == 0 else {
      // All processes find the same error; one message is enough.
      throw ExitCode(Failure.Code.unavailable.rawValue)
    }
    try reportingFailures { try body(SingleProcess.alone()) }
  #endif
}
