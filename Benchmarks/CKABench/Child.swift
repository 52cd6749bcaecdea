import CSystem
import CommandSupport
import Foundation

/// A program that is measured, in a process of its own: its peak memory is that of its work alone.
///
/// It greets with a line of JSON, and then does its work once for each line it reads, with a line
/// of JSON in answer. Programs that wait beside each other can so be measured in turn.
final class Child {
  /// What the program says of itself.
  struct Greeting: Codable {
    /// Its name, with versions.
    var program: String
    /// What else there is to say: the device, the threads.
    var detail: String
  }

  /// One run.
  struct Run: Codable {
    /// From opening the files to the whole map, what was done once at start aside.
    var seconds: Double
    /// By stage, where the program tells. Stages may overlap.
    var stages: Stages?
    /// The largest resident memory of the process so far, in bytes; mapped files count.
    var peakMemory: Int
    /// What was resident before its first run.
    var memoryBefore: Int
  }

  /// Seconds by stage.
  struct Stages: Codable {
    var read: Double
    var transfer: Double
    var gram: Double
    var pairs: Double
  }

  let greeting: Greeting
  private let process: RunningProgram

  /// Starts a program and waits for its greeting.
  init(
    _ words: [String], environment: [String: String] = [:], folder: TemporaryFolder,
    threads: Int? = nil
  ) throws {
    process = try RunningProgram(
      words, environment: environment, folder: folder, threads: threads)
    greeting = try process.next(Greeting.self)
  }

  /// Lets it do its work once.
  func run() throws -> Run {
    try process.tell("run\n")
    return try process.next(Run.self)
  }
}

/// A process with pipes to its standard input and from its standard output. It ends with this.
final class RunningProgram {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let errors: String
  private var buffer = Data()

  /// - Parameters:
  ///   - words: the program's path and its arguments.
  ///   - environment: what is set on top of this process's own, less what `isHandicap`.
  ///   - threads: how many processors it may run on; nil for all.
  init(
    _ words: [String], environment: [String: String], folder: TemporaryFolder, threads: Int? = nil
  ) throws {
    errors = "\(folder.path)/errors-\(UUID().uuidString)"
    _ = FileManager.default.createFile(atPath: errors, contents: nil)
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    var variables = ProcessInfo.processInfo.environment.filter { !Self.isHandicap($0.key) }
    for (name, value) in environment { variables[name] = value }
    process.environment = variables
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: errors) ?? FileHandle.nullDevice
    do {
      try withProcessors(threads) { try process.run() }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(
        .noInput, "\(words[0]): cannot be run: \((error as NSError).localizedDescription)")
    }
  }

  deinit {
    try? input.fileHandleForWriting.close()
    // Whatever it does, nobody waits for the answer any more.
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
  }

  /// Variables that choose a library's kernels or threads: every program that is measured starts
  /// without them, whatever its user's shell sets, and takes the best that it finds.
  private static func isHandicap(_ name: String) -> Bool {
    name.hasPrefix("OPENBLAS_") || name.hasPrefix("MKL_")
      || ["OMP_NUM_THREADS", "GOTO_NUM_THREADS"].contains(name)
  }

  func tell(_ text: String) throws {
    // A program that has gone is noticed when its answer is missing.
    try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
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
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw ended() }
      buffer.append(more)
    }
  }

  private var name: String { splitPath(process.executableURL?.path ?? "").name }

  /// What to say of a process that has ended without an answer: its own last words.
  private func ended() -> Failure {
    process.waitUntilExit()
    let text = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
    let reason =
      process.terminationReason == .exit
      ? "ended with code \(process.terminationStatus)"
      : "was ended by signal \(process.terminationStatus)"
    guard let last = text.split(whereSeparator: \.isNewline).last else {
      return Failure(.software, "\(name) \(reason)")
    }
    let code = Failure.Code(rawValue: process.terminationStatus) ?? .software
    // This command's own messages need no second name and no second "error".
    let own = "\(splitPath(ownPath).name): error: "
    return Failure(
      process.terminationReason == .exit ? code : .software,
      last.hasPrefix(own) ? String(last.dropFirst(own.count)) : "\(name) \(reason): \(last)")
  }
}

/// This command's own file: what it starts for work that must be measured apart.
let ownPath: String =
  (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
  ?? CommandLine.arguments[0]

/// Runs `body` on the first `count` of the processors that this thread may run on; processes that
/// it starts inherit them. Nil changes nothing.
private func withProcessors(_ count: Int?, _ body: () throws -> Void) throws {
  guard let count else { return try body() }
  var all = cka_processors()
  guard cka_get_processors(&all) == 0 else {
    throw Failure(.software, "the processors of this process are not told")
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
  try body()
}
