import Foundation
import Logging
import Support
import Synchronization

/// Standard output is for results, standard error for messages and progress.
public enum Console {
  /// Sends log messages to standard error; `isQuiet` leaves only errors.
  public static func bootstrapLogging(isQuiet: Bool) -> Logger {
    var logger = Logger(label: command) { _ in StandardErrorLog() }
    logger.logLevel = isQuiet ? .error : .info
    Progress.begin(isQuiet: isQuiet)
    return logger
  }

  /// Prints the error that ends a command.
  public static func failure(_ message: String) {
    Progress.end()
    writeError("\(command): error: \(message)\n")
  }

  /// Prints a warning even with --quiet.
  public static func warning(_ message: String) {
    writeError("\(command): warning: \(message)\n")
  }

  /// Prints a result.
  ///
  /// If the reader is gone (`cka inspect … | head`), output is dropped without an error; files are
  /// written before anything is printed.
  public static func print(_ text: String, terminator: String = "\n") throws {
    Progress.end()
    hideStatus()
    let code = write(text + terminator, to: STDOUT_FILENO)
    guard code == 0 || code == EPIPE else { throw Failure(errno: code, writing: "standard output") }
  }

  /// Whether standard output shows colors: a terminal, and `NO_COLOR` not set (no-color.org).
  public static var showsColor: Bool {
    isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR")?.isEmpty ?? true
      && environment("TERM") != "dumb"
  }

  /// Whether the terminal has said that it knows 24-bit colors.
  public static var showsTrueColor: Bool {
    ["truecolor", "24bit"].contains(environment("COLORTERM") ?? "")
  }

  /// Whether standard error is a terminal, on which progress may be drawn.
  public static var showsProgress: Bool {
    isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb"
  }

  /// Columns and rows of the terminal; where there is none, what reads well in a file.
  public static var size: (columns: Int, rows: Int) {
    var size = winsize()
    for descriptor in [STDOUT_FILENO, STDERR_FILENO]
    where ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
      return (Int(size.ws_col), max(Int(size.ws_row), 8))
    }
    return (100, 60)
  }

  /// Writes to standard error, replacing the status line; failures are ignored.
  static func writeError(_ text: String) {
    hasStatus.withLock {
      _ = write(($0 ? eraseLine : "") + text, to: STDERR_FILENO)
      $0 = false
    }
  }

  /// Writes a line on the terminal that gives way to whatever is written next.
  static func showStatus(_ text: String) {
    hasStatus.withLock {
      _ = write(eraseLine + text, to: STDERR_FILENO)
      $0 = true
    }
  }

  /// Takes that line away.
  static func hideStatus() { writeError("") }

  private static let hasStatus = Mutex(false)
  private static let eraseLine = "\r\u{1B}[K"

  static let command = CommandLine.arguments.first.map { splitPath($0).name } ?? "cka"

  private static func write(_ text: String, to descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
  }

  private static func environment(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name]
  }
}

extension Logger {
  /// Says what the user should know.
  package func tell(_ notes: [Note]) {
    for note in notes { log(level: note.isWarning ? .warning : .info, "\(note.text)") }
  }
}

/// One line a message: `cka: warning: …`.
private struct StandardErrorLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let level = event.level == .info ? "" : "\(event.level): "
    Console.writeError("\(Console.command): \(level)\(event.message)\n")
  }
}
