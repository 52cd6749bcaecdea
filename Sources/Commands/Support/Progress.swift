import Activations
import Dispatch
import Foundation
import Support
import Synchronization

/// Progress on standard error, where that is a terminal; else nothing.
///
/// A line is drawn twice a second, so that a long step is seen to go on: of the work that `meter` counts, the
/// share that is done.
public enum Progress {
  /// Counts the work of the command.
  public static let meter = WorkMeter()

  /// Whether anything is drawn.
  private static let isDrawn = Mutex(false)

  // A queue of its own: those of the system are busy with the work.
  nonisolated(unsafe) private static let timer = {
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "cka.progress"))
    let start = ContinuousClock.now
    timer.schedule(deadline: .now() + .milliseconds(500), repeating: .milliseconds(500))
    timer.setEventHandler {
      let stage = meter.stages.last(where: \.isOpen)
      let text = line(
        stage, elapsed: (ContinuousClock.now - (stage?.start ?? start)) / .seconds(1),
        columns: Console.size.columns)
      isDrawn.withLock { if $0 { Console.showStatus(text) } }
    }
    timer.resume()
    return timer
  }()

  /// From here on, a command that takes seconds shows that it goes on, until it prints its result.
  public static func begin(isQuiet: Bool) {
    guard !isQuiet, Console.showsProgress else { return }
    isDrawn.withLock { $0 = true }
    _ = timer
  }

  /// Nothing is drawn any more: results are printed.
  static func end() { isDrawn.withLock { $0 = false } }

  /// What is drawn of a stage that began so many seconds ago; of none, that the command goes on.
  static func line(_ stage: WorkMeter.Stage?, elapsed: Double, columns: Int) -> String {
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
