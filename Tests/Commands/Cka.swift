import Foundation
import TestSupport
import Testing

/// How one run of the command ended.
struct Run {
  /// What the process ended with; 128 plus the signal's number where a signal ended it.
  var code: Int32
  var output: String
  var errors: String
  /// Which signal ended it.
  var signal: Int32?

  /// The lines on standard error.
  var errorLines: [String] { lines(errors) }
}

/// The lines of `text`, each of which must be ended.
func lines(_ text: String) -> [String] {
  var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  if lines.last?.isEmpty == true { lines.removeLast() }
  return lines
}

/// The command `cka` as its users run it: another process in a folder of its own.
struct Cka {
  /// Where the command runs and what is deleted with the test.
  let folder: TemporaryFolder
  /// PoCL's compiled kernels: processes that share them have crashed.
  let cache: TemporaryFolder
  /// Variables set on top of the tests' own; nil takes one away.
  var environment: [String: String?] = [:]
  /// The command itself, where it is another one of this package.
  var program = Cka.path
  /// The words before the command's own: what starts it.
  var prefix: [String] = []

  init() throws {
    folder = try TemporaryFolder()
    cache = try TemporaryFolder()
    // What the figures look like must not depend on who runs the tests.
    environment = [
      "NO_COLOR": nil, "COLORTERM": nil, "OPENBLAS_NUM_THREADS": "1",
      "POCL_CACHE_DIR": cache.path, "XDG_CACHE_HOME": cache.path,
    ]
  }

  /// The command that was built with these tests.
  static let path: String = {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("cka")
      .path
  }()

  /// Runs `cka` to its end.
  func callAsFunction(_ arguments: String...) throws -> Run { try run(arguments) }

  /// Runs `cka` to its end, and kills it where it takes minutes.
  func run(_ arguments: [String]) throws -> Run {
    var process = try start(arguments)
    return try process.wait()
  }

  /// Starts `cka`.
  func start(_ arguments: [String]) throws -> RunningProcess {
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in environment { variables[name] = value }
    return try RunningProcess(
      prefix + [program] + arguments, environment: variables, folder: folder.path)
  }

  /// The same command, started by a shell's `script` as `"$@"`.
  func shell(_ script: String) -> Cka {
    var other = self
    other.prefix = ["/bin/sh", "-c", script, "sh"]
    return other
  }

  /// Whatever lies in the folder, hidden files and standard streams included.
  func contents(of path: String = ".") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(path)").sorted()
  }

  /// The bytes of a file in the folder.
  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)")))
  }

  func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(folder.path)/\(name)")
  }
}

/// A process that was started, with its standard streams in files.
struct RunningProcess {
  let id: pid_t
  private let streams: TemporaryFolder
  private var endStatus: Int32?

  init(_ words: [String], environment: [String: String], folder: String) throws {
    streams = try TemporaryFolder()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (number, name) in [(Int32(1), "output"), (2, "errors")] {
      posix_spawn_file_actions_addopen(
        &actions, number, "\(streams.path)/\(name)", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The tests' runner blocks or ignores signals; a shell does neither.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    sigaddset(&signals, SIGXFSZ)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    // `env` changes the folder, then becomes the command.
    let words = ["/usr/bin/env", "-C", folder] + words
    let variables = environment.map { "\($0.key)=\($0.value)" }
    var id: pid_t = 0
    let code = withCStrings(words) { arguments in
      withCStrings(variables) { variables in
        posix_spawn(&id, words[0], &actions, &attributes, arguments, variables)
      }
    }
    guard code == 0 else { throw SpawnError(words: words, reason: String(cString: strerror(code))) }
    self.id = id
  }

  /// Whether it goes on.
  mutating func isRunning() -> Bool {
    guard endStatus == nil else { return false }
    var status: Int32 = 0
    guard waitpid(id, &status, WNOHANG) == id else { return true }
    endStatus = status
    return false
  }

  func kill() { _ = Foundation.kill(id, SIGKILL) }

  /// Waits for the end; a process that takes minutes is killed and fails the test.
  mutating func wait() throws -> Run {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(240)
    while isRunning() {
      if clock.now > deadline {
        Issue.record("a process hangs")
        kill()
      }
      usleep(1000)
    }
    let status = endStatus ?? 0
    let signal = status & 0x7F
    return Run(
      code: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: try text("output"),
      errors: try text("errors"), signal: signal == 0 ? nil : signal)
  }

  private func text(_ name: String) throws -> String {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(streams.path)/\(name)"))
    return try #require(String(data: data, encoding: .utf8), "\(name) is not UTF-8")
  }
}

private struct SpawnError: Error {
  var words: [String]
  var reason: String
}

private func withCStrings<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> Result
) rethrows -> Result {
  let copies = strings.map { strdup($0) }
  defer { copies.forEach { free($0) } }
  return try body(copies + [nil])
}
