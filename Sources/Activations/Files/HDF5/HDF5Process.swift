#if HDF5
  import CHDF5Process
  import Glibc
  import Support

  /// libhdf5 in a process of its own, so that no file can take this one along: see `hdf5_process.h`.
  struct HDF5Process: ~Copyable {
    /// What the process may use up.
    struct Limits {
      /// Seconds of processor time.
      var processorSeconds: Int
      /// Seconds from its start to its end.
      var seconds: Int
      /// Bytes of addresses, beyond those of the program itself.
      var memory = 1 << 30
      /// Bytes of its answer; a chunk takes 16.
      var answer = 1 << 28

      /// Far more than undamaged files of `fileSize` bytes need: a million chunks take some seconds,
      /// and file systems may be slow.
      init(fileSize: Int) {
        processorSeconds = 20 + fileSize >> 30
        seconds = 6 * processorSeconds
      }
    }

    private let process: pid_t
    private let output: FileDescriptor
    private let program: String
    private let limits: Limits
    private let place: Place

    /// What libhdf5, run by `program`, says of `file`, in the form of `hdf5_process.h`.
    static func answer(
      about file: MappedFile, by program: String, within limits: Limits, place: Place
    ) throws(ActivationFileError) -> [UInt8] {
      var (process, output) = (pid_t(0), Int32(-1))
      let code = cka_hdf5_start(
        program, file.descriptor,
        cka_hdf5_limits(
          processor_seconds: Int64(limits.processorSeconds), memory: Int64(limits.memory)),
        &process, &output)
      guard code == 0 else {
        throw place.error(
          .io, "\(quoted(program)), which reads HDF5, cannot be started: \(systemMessage(code))")
      }
      return try HDF5Process(
        process: process, output: FileDescriptor(output), program: program, limits: limits,
        place: place
      ).answer()
    }

    /// How reading the answer ended.
    private enum Ending { case whole, late, tooLong }

    private func answer() throws(ActivationFileError) -> [UInt8] {
      var bytes: [UInt8] = []
      let ending = read(into: &bytes)
      // A process that has closed its output is ending by itself.
      if ending != .whole { kill(process, SIGKILL) }
      var status: Int32 = 0
      var ended: pid_t
      repeat { ended = waitpid(process, &status, 0) } while ended < 0 && errno == EINTR
      switch ending {
      case .late: throw place.data("libhdf5 did not finish within \(limits.seconds) s")
      case .tooLong:
        throw place.data("libhdf5 lists more than \(limits.answer) bytes of arrays and chunks")
      case .whole: break
      }
      let greeting = Array(CKA_HDF5_GREETING.utf8)
      let start = withUnsafeBytes(of: Int64(greeting.count)) { Array($0) } + greeting
      guard bytes.starts(with: start) else {
        throw place.error(.io, "\(quoted(program)), which reads HDF5, does not answer")
      }
      // A caller that ignores its children, or waits for all of them, leaves no status; whether the
      // answer is whole is seen when it is decoded.
      if ended == process, status != 0 { throw failure(status, bytes) }
      return Array(bytes.dropFirst(start.count))
    }

    /// Reads until the process closes its output.
    private func read(into bytes: inout [UInt8]) -> Ending {
      let end = Self.milliseconds() + Int64(limits.seconds) * 1000
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
      defer { buffer.deallocate() }
      while true {
        let rest = end - Self.milliseconds()
        guard rest > 0 else { return .late }
        var request = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
        let ready = poll(&request, 1, Int32(clamping: rest))
        guard ready > 0 || errno == EINTR else { return ready == 0 ? .late : .whole }
        guard ready > 0 else { continue }
        let count = Glibc.read(output.number, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return .whole }
        guard bytes.count + count <= limits.answer else { return .tooLong }
        bytes.append(contentsOf: buffer[..<count])
      }
    }

    private static func milliseconds() -> Int64 {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// What a status of `waitpid` other than 0 says about the file.
    private func failure(_ status: Int32, _ answer: [UInt8]) -> ActivationFileError {
      let signal = status & 0x7F
      guard signal != 0 else { return failure(exitStatus: status >> 8 & 0xFF, answer) }
      guard signal != SIGXCPU else {
        return place.data(
          "libhdf5 did not finish within \(limits.processorSeconds) s of processor time")
      }
      let name = strsignal(signal).map { ", " + String(cString: $0) } ?? ""
      guard Self.crashes.contains(signal) else {
        return place.error(
          .io, "the process that reads HDF5 was ended from outside (signal \(signal)\(name))")
      }
      return place.data("damaged: libhdf5 crashed on it (signal \(signal)\(name))")
    }

    /// Signals by which a process ends itself.
    private static let crashes = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS]

    private func failure(exitStatus: Int32, _ answer: [UInt8]) -> ActivationFileError {
      let size = MemoryLayout<Int64>.size
      guard exitStatus == CKA_HDF5_UNREADABLE, answer.count >= size else {
        return place.data("libhdf5 gave up on it (exit status \(exitStatus))")
      }
      let code = answer.suffix(size).withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
      return .system(Int32(truncatingIfNeeded: code), opening: place.path)
    }
  }
#endif
