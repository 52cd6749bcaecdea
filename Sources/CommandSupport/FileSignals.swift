import Foundation

/// Signals that stand for trouble with files: one line and an exit code, not a crash.
public enum FileSignals {
  /// From here on, reading past the end of a mapped file ends the process with `EX_IOERR`, and
  /// writing past the size a file may have is an error like any other.
  public static func handle() {
    signal(SIGXFSZ, SIG_IGN)
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
