import FoundationEssentials

/// What documents say of the run that wrote them.
package enum RunRecord {
  /// When it began to write, in UTC by ISO 8601. `SOURCE_DATE_EPOCH`, seconds since 1970, takes the place of
  /// the clock, so that a run may be repeated to the bit (reproducible-builds.org).
  static let date: String = {
    let given = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"].flatMap(Int.init)
    // Up to the end of the year 9999.
    let seconds = given.flatMap { (0...253_402_300_799).contains($0) ? Double($0) : nil }
    return (seconds.map { Date(timeIntervalSince1970: $0) } ?? Date()).formatted(.iso8601)
  }()

  /// The program and its arguments.
  static let commandLine = CommandLine.arguments
}
