import Foundation

/// Numbers as people read them.
public enum Format {
  /// A count of bytes with a binary unit: `3.2 GiB`.
  public static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if value < 1024 { return unit == "B" ? "\(count) B" : String(format: "%.1f %@", value, unit) }
      value /= 1024
    }
    return String(format: "%.1f TiB", value)
  }

  /// A time with its unit: `41 ms`, `3.20 s`, `2 min 05 s`.
  public static func seconds(_ seconds: Double) -> String {
    if seconds < 1e-3 { return String(format: "%.0f µs", seconds * 1e6) }
    if seconds < 1 { return String(format: "%.1f ms", seconds * 1e3) }
    if seconds < 60 { return String(format: "%.2f s", seconds) }
    guard seconds < 1e15 else { return "\(scientific(seconds)) s" }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
    return String(format: "%d h %02d min", whole / 3600, whole % 3600 / 60)
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
  public static func scientific(_ value: Double) -> String { String(format: "%.1e", value) }

  /// A number with `digits` decimals.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}
