import CSystem
import Foundation
import Support

/// A process with pipes to its standard input and from its standard output. It ends with this.
final class RunningProgram {
  // Not Foundation's `Process`: its `waitUntilExit` was once seen to wait for ever for one that had
  // ended (swift-corelibs-foundation 6.3.1).
  private let path: String
  private let process: pid_t
  private let input: Int32
  private let output: Int32
  private let errors: String
  private var buffer = Data()
  /// As `waitpid` tells it, once it has ended.
  private var status: Int32?

  /// - Parameters:
  ///   - words: the program's path and its arguments.
  ///   - environment: what is set on top of this process's own, less what `isHandicap`.
  ///   - threads: how many processors it may run on; nil for all.
  init(
    _ words: [String], environment: [String: String], folder: TemporaryFolder, threads: Int? = nil
  ) throws {
    path = words[0]
    errors = "\(folder.path)/errors-\(UUID().uuidString)"
    var variables = ProcessInfo.processInfo.environment.filter { !Self.isHandicap($0.key) }
    for (name, value) in environment { variables[name] = value }
    let (errors, variable) = (errors, variables.map { "\($0.key)=\($0.value)" })
    (process, input, output) = try withProcessors(threads) {
      try spawn(words, environment: variable, errors: errors)
    }
  }

  deinit {
    close(input)
    // Whatever it does, nobody waits for the answer any more.
    if status == nil { kill(process, SIGKILL) }
    wait()
    close(output)
  }

  /// Variables that choose a library's kernels or threads: every program that is measured starts
  /// without them, whatever its user's shell sets, and takes the best that it finds.
  private static func isHandicap(_ name: String) -> Bool {
    name.hasPrefix("OPENBLAS_") || name.hasPrefix("MKL_")
      || ["OMP_NUM_THREADS", "GOTO_NUM_THREADS"].contains(name)
  }

  func tell(_ text: String) {
    // A program that has gone is noticed when its answer is missing.
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// The next line it prints, read as JSON.
  func next<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let line = try nextLine()
    do {
      return try JSONDecoder().decode(type, from: Data(line.utf8))
    } catch {
      throw Failure(.software, "\(name) printed '\(line.prefix(200))', not the expected JSON")
    }
  }

  private func nextLine() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        defer { buffer = Data(buffer[(end + 1)...]) }
        return String(decoding: buffer[..<end], as: UTF8.self)
      }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = read(output, &bytes, bytes.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw ended() }
      buffer.append(contentsOf: bytes[..<count])
    }
  }

  private var name: String { splitPath(path).name }

  /// Waits for the end; for one that has closed its output and lives on, some seconds.
  private func wait() {
    for _ in 0..<500 where !hasEnded() { usleep(10_000) }
    if status == nil { kill(process, SIGKILL) }
    while !hasEnded() { usleep(10_000) }
  }

  private func hasEnded() -> Bool {
    var found: Int32 = 0
    if status == nil {
      let ended = waitpid(process, &found, WNOHANG)
      // Where the caller's caller ignores SIGCHLD, the system forgets how it ended.
      if ended == process || ended < 0 && errno == ECHILD { status = found }
    }
    return status != nil
  }

  /// What to say of a process that has ended without an answer: its own last words.
  private func ended() -> Failure {
    wait()
    let text = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
    // The lower 7 bits are the signal that ended it, the next byte is its exit code.
    let signal = (status ?? 0) & 0x7f
    let exit = (status ?? 0) >> 8 & 0xff
    let reason = signal == 0 ? "ended with code \(exit)" : "was ended by signal \(signal)"
    guard let last = text.split(whereSeparator: \.isNewline).last else {
      return Failure(.software, "\(name) \(reason)")
    }
    let code = Failure.Code(rawValue: exit) ?? .software
    // This command's own messages need no second name and no second "error".
    let own = "\(splitPath(ownPath).name): error: "
    return Failure(
      signal == 0 ? code : .software,
      last.hasPrefix(own) ? String(last.dropFirst(own.count)) : "\(name) \(reason): \(last)")
  }
}

/// What a program prints, where it ends well.
func output(of words: [String]) -> String? {
  let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
  guard
    let (process, input, output) = try? spawn(words, environment: environment, errors: "/dev/null")
  else { return nil }
  close(input)
  let text = FileHandle(fileDescriptor: output, closeOnDealloc: true).readDataToEndOfFile()
  var status: Int32 = 0
  while waitpid(process, &status, 0) < 0, errno == EINTR {}
  return status == 0 ? String(decoding: text, as: UTF8.self) : nil
}

/// Starts a program with pipes for its standard input and output, and a file for its errors.
private func spawn(
  _ words: [String], environment: [String], errors: String
) throws -> (process: pid_t, input: Int32, output: Int32) {
  var input: [Int32] = [-1, -1]
  var output: [Int32] = [-1, -1]
  // Closed in the program but for the ends it is given: else one would keep another's input open.
  guard pipe(&input) == 0, pipe(&output) == 0 else {
    throw Failure(.software, "\(words[0]): cannot be run: \(String(cString: strerror(errno)))")
  }
  for descriptor in input + output { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  defer {
    close(input[0])
    close(output[1])
  }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO)
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO)
  posix_spawn_file_actions_addopen(
    &actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  // Signals that this process ignores or catches, it does not.
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var signals = sigset_t()
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ] { sigaddset(&signals, signal) }
  posix_spawnattr_setsigdefault(&attributes, &signals)
  posix_spawnattr_setflags(
    &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))

  var arguments = words.map { strdup($0) } + [nil]
  var variables = environment.map { strdup($0) } + [nil]
  defer { for text in arguments + variables { free(text) } }
  var process = pid_t()
  let code = posix_spawn(&process, words[0], &actions, &attributes, &arguments, &variables)
  guard code == 0 else {
    close(input[1])
    close(output[0])
    throw Failure(.noInput, "\(words[0]): cannot be run: \(String(cString: strerror(code)))")
  }
  return (process, input[1], output[0])
}

/// Runs `body` on the first `count` of the processors that this thread may run on; processes that
/// it starts inherit them. Nil changes nothing.
private func withProcessors<Result>(_ count: Int?, _ body: () throws -> Result) throws -> Result {
  guard let count else { return try body() }
  var all = cka_processors()
  guard cka_get_processors(&all) == 0 else {
    throw Failure(.software, "the processors of this process are unknown")
  }
  var fewer = all
  withUnsafeMutableBytes(of: &fewer) { bytes in
    var left = count
    for bit in 0..<(8 * bytes.count) where bytes[bit / 8] >> (bit % 8) & 1 == 1 {
      if left == 0 { bytes[bit / 8] &= ~(1 << (bit % 8)) } else { left -= 1 }
    }
  }
  guard cka_set_processors(&fewer) == 0 else {
    throw Failure(.software, "processors cannot be chosen")
  }
  defer { _ = cka_set_processors(&all) }
  return try body()
}
