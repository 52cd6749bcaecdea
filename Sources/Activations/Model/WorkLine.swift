import Support

extension WorkMeter.Stage {
  /// The state of a stage that began so many seconds ago, as a line of fewer than `columns` characters: a bar, its
  /// name, and how long it takes yet where that can be estimated. Of no stage, that the work goes on.
  package static func line(_ stage: Self?, elapsed: Double, columns: Int) -> String {
    let time = "for \(Format.count(Int(elapsed))) s"
    guard let stage else { return String("working \(time)".prefix(columns - 1)) }
    let share = stage.share
    // Too little time has passed to estimate the rest.
    let rest =
      stage.isEven && elapsed >= 1 && share >= 0.05 && share < 1
      ? "\(wholeSeconds(elapsed * (1 - share) / share)) left" : time
    let width = 24
    let filled = Int(Double(width) * share)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let words = ["\(bar) \(Int(100 * share)) %", stage.name, rest].compactMap { $0 }
    return String(words.joined(separator: "  ").prefix(columns - 1))
  }

  /// No more digits than are known.
  private static func wholeSeconds(_ seconds: Double) -> String {
    let whole = max(seconds.rounded(), 1)
    return whole < 60 ? "\(Int(whole)) s" : Format.seconds(whole)
  }
}
