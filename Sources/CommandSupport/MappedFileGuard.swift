import Foundation

/// What happens when a file shrinks while it is mapped: one line and an exit code, not a crash.
enum MappedFileGuard {
  /// From here on, reading past the end of a mapped file ends the process with `EX_IOERR`.
  static func install() {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
      // Only what is allowed in a signal handler.
      let message: StaticString = "cka: error: an input file was cut short while it was read\n"
      _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
      _exit(Failure.Code.io.rawValue)
    }
    sigaction(SIGBUS, &action, nil)
  }
}
