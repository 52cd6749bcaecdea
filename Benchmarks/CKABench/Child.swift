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
    process.tell("run\n")
    return try process.next(Run.self)
  }
}

/// This command's own file: what it starts for work that must be measured apart.
let ownPath: String =
  (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
  ?? CommandLine.arguments[0]
