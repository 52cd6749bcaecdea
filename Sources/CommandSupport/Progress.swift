import Foundation

/// A progress bar on standard error, where that is a terminal; else nothing.
public struct Progress {
  private let total: Int
  private let unit: String
  private let bytesPerUnit: Int?
  private let isShown: Bool
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var lastDrawn: ContinuousClock.Instant?

  /// A bar over `total` units, of `bytesPerUnit` bytes each where it is these that take the time.
  public init(total: Int, unit: String, bytesPerUnit: Int? = nil, isQuiet: Bool) {
    self.total = total
    self.unit = unit
    self.bytesPerUnit = bytesPerUnit
    isShown = !isQuiet && Console.showsProgress
    start = clock.now
  }

  /// Draws that `done` units are finished, at most ten times a second.
  public mutating func update(done: Int) {
    guard isShown else { return }
    let now = clock.now
    if let lastDrawn, now - lastDrawn < .milliseconds(100), done < total { return }
    lastDrawn = now
    let elapsed = (now - start) / .seconds(1)
    Console.writeError("\r\u{1B}[K" + line(done: done, elapsed: elapsed))
  }

  /// Takes the bar away.
  public func clear() {
    if isShown { Console.writeError("\r\u{1B}[K") }
  }

  private func line(done: Int, elapsed: Double) -> String {
    let width = 24
    let filled = total > 0 ? width * done / total : width
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let rate = elapsed > 0 ? Double(done) / elapsed : 0
    let speed = bytesPerUnit.map { "  \(Format.bytes(Int(rate * Double($0))))/s" } ?? ""
    let left = rate > 0 ? Format.seconds(Double(total - done) / rate) + " left" : ""
    let text = "\(bar) \(done)/\(total) \(unit)\(speed)  \(left)"
    return String(text.prefix(Console.size.columns - 1))
  }
}
