import Synchronization

/// Counts the finished work of a run, from any thread, to report progress.
///
/// Work is counted in multiplications and additions, useful ones only: of a symmetric matrix, one half. A run
/// says before each of its stages how many that will be; what does the work adds them as it goes.
public final class WorkMeter: Sendable {
  /// Work of one kind.
  public struct Stage: Sendable {
    /// What people call it; nil where it is all that was asked for.
    public let name: String?
    /// All that is to be done.
    public let total: Double
    /// What is.
    public fileprivate(set) var done = 0.0
    /// Whether equal shares take about the same time.
    public let isEven: Bool
    /// When it began.
    public let start = ContinuousClock.now
    /// Whether it goes on.
    public fileprivate(set) var isOpen = true
    /// What counts as 1 of `done` and `total`.
    fileprivate var unit = 1.0
    /// What `done` may come to by adding.
    fileprivate var most = Double.infinity

    /// The share that is done, 0 to 1.
    public var share: Double { total > 0 ? min(done / total, 1) : 0 }

    fileprivate init(_ total: Double, name: String?, isEven: Bool) {
      (self.name, self.total, self.isEven) = (name, total, isEven)
    }
  }

  private let all = Mutex<[Stage]>([])
  private let observe: (@Sendable (Stage) -> Void)?

  /// Nothing is to be done yet.
  ///
  /// - Parameter observe: is called with the innermost open stage after each of its changes, one call at a time, on
  ///   the thread that made it.
  public init(observe: (@Sendable (Stage) -> Void)? = nil) { self.observe = observe }

  /// All stages so far, in the order in which they began.
  public var stages: [Stage] { all.withLock { $0 } }

  /// From here to its `end` a stage is counted; one that was going on goes on after it.
  public func begin(_ total: Double, as name: String? = nil, isEven: Bool = true) {
    all.withLock { $0.append(Stage(total, name: name, isEven: isEven)) }
  }

  /// So many multiplications and additions more are done.
  public func add(_ count: Double) {
    change { $0.done = min($0.done + count / $0.unit, $0.most) }
  }

  /// For stages that count other units than multiplications and additions: `done` of them are done, and `next`
  /// multiplications and additions are the next one.
  public func reach(_ done: Int, next: Double = 1) {
    change {
      $0.done = Double(done)
      $0.unit = max(next, 1)
      $0.most = $0.done + 1
    }
  }

  /// The stage that goes on is done.
  public func end() {
    change { $0.isOpen = false }
  }

  /// Changes the innermost stage that goes on.
  private func change(_ body: (inout Stage) -> Void) {
    all.withLock { stages in
      guard let index = stages.lastIndex(where: \.isOpen) else { return }
      body(&stages[index])
      observe?(stages[index])
    }
  }
}
