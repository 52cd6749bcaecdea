import COpenBLAS
import CProcessSetup
import Glibc
import Support

/// What a command sets up before it does anything else: all that changes its process. No library does.
public enum ProcessSetup {
  /// Turns I/O failures into messages and exit codes instead of signals, and raises the limits of the
  /// process.
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
    raiseFileLimit()
    // Our own threads keep all cores busy. OpenBLAS starts workers when it is loaded, and they spin for
    // a while before they sleep: a core lost to the work of a short run.
    openblas_set_num_threads(1)
    openblas_join_workers()
    BundledFonts.use()
  }

  /// Returns freed memory to the system so that the process stays below `--memory`. If memory is
  /// plentiful, keeping it is 3 to 6 % faster.
  public static func returnFreedMemory() { cka_return_freed_memory() }

  /// A model may have more layers, each a file, than a process may usually have open files.
  private static func raiseFileLimit() {
    let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(files, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(files, &limit)
  }

  /// Takes the numbers of standard streams that the caller has closed: the next file opened would
  /// get one of them, and messages would be written into it. Opened for reading only, so that
  /// writing a result there is still an error.
  private static func keepStandardStreams() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDONLY)
    }
  }
}
