#if MPI
  import CMPI
  import FoundationEssentials
  import Support

  /// The processes that `mpirun` started together.
  package final class MPIProcessGroup: ProcessGroup {
    package let rank: Int
    package let count: Int
    package let rankOnMachine: Int
    package let countOnMachine: Int

    /// Whether `mpirun` started this process.
    package static var isLaunched: Bool {
      let environment = ProcessInfo.processInfo.environment
      return ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK"].contains { environment[$0] != nil }
    }

    /// Joins them.
    package init() throws {
      try Self.check(cka_mpi_start(), "cannot start")
      var rank: Int32 = 0
      var count: Int32 = 0
      var rankOnMachine: Int32 = 0
      var countOnMachine: Int32 = 0
      try Self.check(cka_mpi_rank(&rank), "has no rank")
      try Self.check(cka_mpi_size(&count), "has no size")
      try Self.check(
        cka_mpi_place_on_machine(&rankOnMachine, &countOnMachine), "has no rank on its machine")
      self.rank = Int(rank)
      self.count = Int(count)
      self.rankOnMachine = Int(rankOnMachine)
      self.countOnMachine = Int(countOnMachine)
    }

    package func exchange(_ message: [UInt8]) throws -> [[UInt8]] {
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
    package func abort(_ code: Int32) { cka_mpi_abort(code) }

    /// Leaves the others, when all is done.
    package func finish() { MPI_Finalize() }

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
