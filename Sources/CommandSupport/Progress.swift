import Dispatch
import Foundation
import Synchronization

/// Progress on standard error, where that is a terminal; else nothing.
///
/// It draws itself twice a second, so that a long step is seen to go on. Of several that go on, the last that
/// began is drawn.
public final class Progress: Sendable {
  /// Those that go on, by their numbers, and whether any may.
  private struct Active {
    var numbers: [Int] = []
    var next = 0
    var hasEnded = false
  }

  private static let active = Mutex(Active())
  /// What a command does beside its bars.
  private static let whole = Mutex<Progress?>(nil)

  private let total: Int
  private let unit: String
  private let bytesPerUnit: Int?
  private let isEven: Bool
  private let start = ContinuousClock.now
  private let done = Mutex(0)
  private let number: Int
  // Sources may be cancelled on any thread.
  nonisolated(unsafe) private let timer: (any DispatchSourceTimer)?

  /// A bar over `total` units.
  ///
  /// - Parameters:
  ///   - bytesPerUnit: bytes of each, where it is these that take the time.
  ///   - isEven: whether units take about the same time each; what is left is told only then.
  public init(
    total: Int, unit: String, bytesPerUnit: Int? = nil, isEven: Bool = true, isQuiet: Bool
  ) {
    self.total = total
    self.unit = unit
    self.bytesPerUnit = bytesPerUnit
    self.isEven = isEven
    number = Self.active.withLock {
      $0.next += 1
      $0.numbers.append($0.next)
      return $0.next
    }
    guard !isQuiet, Console.showsProgress else {
      timer = nil
      return
    }
    // A queue of its own: those of the system are busy with the work.
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "cka.progress"))
    self.timer = timer
    timer.schedule(deadline: .now() + .milliseconds(500), repeating: .milliseconds(500))
    timer.setEventHandler { [weak self] in self?.draw() }
    timer.resume()
  }

  deinit {
    timer?.cancel()
    clear()
  }

  /// From here on, a command that takes seconds shows that it goes on, until it prints its result.
  static func begin(isQuiet: Bool) {
    let progress = Progress(total: 1, unit: "", isQuiet: isQuiet)
    whole.withLock { $0 = progress }
  }

  /// Nothing is drawn any more: results are printed.
  static func end() { active.withLock { $0.hasEnded = true } }

  /// Hears that `done` units are finished.
  public func update(done: Int) {
    self.done.withLock { $0 = done }
  }

  /// Takes the bar away: what it counted is done.
  public func clear() {
    let wasDrawn = Self.active.withLock { active in
      let isLast = active.numbers.last == number
      active.numbers.removeAll { $0 == number }
      return isLast && !active.hasEnded
    }
    if wasDrawn { Console.hideStatus() }
  }

  private func draw() {
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    let text = line(done: done.withLock { $0 }, elapsed: elapsed)
    Self.active.withLock {
      if $0.numbers.last == number, !$0.hasEnded { Console.showStatus(text) }
    }
  }

  private func line(done: Int, elapsed: Double) -> String {
    // What took a moment is no measure of what is left.
    let share = total > 0 ? Double(done) / Double(total) : 0
    let rest =
      isEven && elapsed >= 1 && share >= 0.05 && done < total
      ? "\(Format.seconds(elapsed * (1 - share) / share)) left"
      : "for \(Format.count(Int(elapsed))) s"
    guard total > 1 else { return "working for \(Format.count(Int(elapsed))) s" }
    let width = 24
    let filled = min(Int(Double(width) * share), width)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let rate = Double(done) / elapsed
    let speed =
      done > 0 ? bytesPerUnit.map { "  \(Format.bytes(Int(rate * Double($0))))/s" } ?? "" : ""
    let text = "\(bar) \(done)/\(total) \(unit)\(speed)  \(rest)"
    return String(text.prefix(Console.size.columns - 1))
  }
}
