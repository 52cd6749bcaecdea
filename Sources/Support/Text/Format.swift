/// Numbers as people read them.
public enum Format {
  /// A count of bytes with a binary unit: `3.2 GiB`.
  public static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if value < 1024 { return unit == "B" ? "\(count) B" : "\(fixed(value, 1)) \(unit)" }
      value /= 1024
    }
    return "\(fixed(value, 1)) TiB"
  }

  /// A time with its unit: `41 ms`, `3.20 s`, `2 min 05 s`.
  public static func seconds(_ seconds: Double) -> String {
    if seconds < 1e-3 { return "\(fixed(seconds * 1e6, 0)) µs" }
    if seconds < 1 { return "\(fixed(seconds * 1e3, 1)) ms" }
    if seconds < 60 { return "\(fixed(seconds, 2)) s" }
    guard seconds < 1e15 else { return "\(scientific(seconds)) s" }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
    return "\(whole / 3600) h \(twoDigits(whole % 3600 / 60)) min"
  }

  /// A count with a separator between thousands: `12,345`.
  public static func count(_ count: Int) -> String {
    var digits = String(count.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (count < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  /// An error or tolerance: `3.1e-08`.
  public static func scientific(_ value: Double) -> String {
    NumberFormat.scientific(decimals: 1).text(value)
  }

  /// A number with `digits` decimals.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    NumberFormat.fixed(decimals: digits).text(value)
  }

  private static func twoDigits(_ number: Int) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
