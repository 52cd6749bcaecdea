import CSystem
import Foundation
import Support

/// What a command sets up before it does anything else.
public enum ProcessSetup {
  /// Makes failures of reading and writing end in messages and exit codes, not in signals.
  public static func prepare() {
    keepStandardStreams()
    // A reader that has gone (`cka inspect … | head`) and a file over the limit of `ulimit -f` are
    // errors of write(2) from here on.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    cka_guard_mapped_files(Console.command, Failure.Code.io.rawValue)
    // Maps of a thousand layers come and go with every minibatch: clearing new pages for them would
    // take longer than filling them.
    cka_keep_freed_memory()
  }

  /// For a limit on memory that is kept: what was freed does not count. Where memory is plentiful, keeping it is
  /// 3 to 6 % faster.
  public static func returnFreedMemory() { cka_return_freed_memory() }

  /// Takes the numbers of standard streams that the caller has closed: the next file opened would
  /// get one of them, and messages would be written into it. Opened for reading only, so that
  /// writing a result there is still an error.
  private static func keepStandardStreams() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDONLY)
    }
  }
}
