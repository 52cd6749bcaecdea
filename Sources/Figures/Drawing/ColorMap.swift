/// A colour of 8 bits a channel, in sRGB.
public struct RGB: Sendable, Hashable {
  /// Red, 0 to 255.
  public var red: UInt8
  /// Green, 0 to 255.
  public var green: UInt8
  /// Blue, 0 to 255.
  public var blue: UInt8

  /// See the properties.
  public init(red: UInt8, green: UInt8, blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// The colour of `0xRRGGBB`.
  init(_ code: UInt32) {
    self.init(
      red: UInt8(truncatingIfNeeded: code >> 16), green: UInt8(truncatingIfNeeded: code >> 8),
      blue: UInt8(truncatingIfNeeded: code))
  }

  /// The inverse of `init(_:)`, which is also a pixel of Cairo's RGB24 format.
  var code: UInt32 { UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue) }
}

/// A scale of colours for scores, the same in pictures and on the terminal.
public struct ColorMap: Sendable {
  private let entries: [RGB]

  /// A map of the colours in `hexadecimal`, six digits each, from the lowest to the highest.
  init(hexadecimal: String) {
    let digits = hexadecimal.utf8.map { digit in
      UInt32(
        digit <= UInt8(ascii: "9") ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10)
    }
    precondition(!digits.isEmpty && digits.count.isMultiple(of: 6), "not a table of colours")
    entries = stride(from: 0, to: digits.count, by: 6).map { start in
      RGB(digits[start..<start + 6].reduce(0) { $0 << 4 | $1 })
    }
  }

  /// The number of distinct colours.
  public var count: Int { entries.count }

  /// The colour at `fraction` of the scale, clamped to 0…1.
  ///
  /// The scale is cut into `count` equal steps, as matplotlib does. NaN has the lowest colour.
  public func color(at fraction: Double) -> RGB {
    guard fraction > 0 else { return entries[0] }
    return entries[Int(min(fraction * Double(count), Double(count - 1)))]
  }

  /// The colour of `value` on a scale over `range`, or nil where `value` is NaN.
  public func color(of value: Double, in range: ClosedRange<Double>) -> RGB? {
    guard !value.isNaN else { return nil }
    let clamped = min(max(value, range.lowerBound), range.upperBound)
    return color(at: (clamped - range.lowerBound) / (range.upperBound - range.lowerBound))
  }
}
