import Synchronization

/// Says true from the so-manieth time on that it is asked.
public final class Switch: Sendable {
  private let rest: Mutex<Int>

  /// The first `count` answers are false.
  public init(after count: Int) { rest = Mutex(count) }

  /// Asks.
  public var isOn: Bool {
    rest.withLock {
      $0 -= 1
      return $0 < 0
    }
  }
}
