import Glibc

/// How a number is written: as C's `printf` does, with a point whatever the process's locale.
package enum NumberFormat: Sendable {
  /// `%.Nf`: `0.50`.
  case fixed(decimals: Int)
  /// `%.Ne`: `3.1e-08`.
  case scientific(decimals: Int)
  /// `%.Ng`, the shorter of both without zeros at the end: `0.002`, `1.2e+08`.
  case significant(digits: Int)

  /// The digits of `value`; `nan`, `inf` and `-inf` where it has none.
  package func text(_ value: Double) -> String {
    let (format, precision) =
      switch self {
      case .fixed(let decimals): ("%.*f", decimals)
      case .scientific(let decimals): ("%.*e", decimals)
      case .significant(let digits): ("%.*g", digits)
      }
    let previous = uselocale(Self.locale)
    defer { _ = uselocale(previous) }
    return withVaList([Int32(clamping: precision), value]) { arguments in
      // The longest are 310 digits before the point and those behind it.
      let room = 320 + max(Int(Int32(clamping: precision)), 0)
      return String(unsafeUninitializedCapacity: room) { bytes in
        bytes.withMemoryRebound(to: CChar.self) { text in
          min(max(Int(vsnprintf(text.baseAddress, text.count, format, arguments)), 0), room - 1)
        }
      }
    }
  }

  // A thread's own locale comes before the process's; nobody frees or changes this one.
  private nonisolated(unsafe) static let locale = newlocale(1 << LC_NUMERIC, "C", nil)
}
