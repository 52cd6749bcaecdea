import Activations
import Dispatch
import Foundation
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
      let elapsed = (ContinuousClock.now - (stage?.start ?? start)) / .seconds(1)
      let text = WorkMeter.Stage.line(stage, elapsed: elapsed, columns: Console.size.columns)
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
}
