import Foundation
import Testing

@testable import Support

/// Numbers as text, against Foundation's `String(format:)`.
struct NumberFormatTests {
  /// Every size of number, those without digits, and halves, which are rounded to even.
  static let numbers: [Double] = {
    let powers = (-324...308).flatMap { exponent in
      [1, -3.14159265, 9.9999999].map { $0 * pow(10, Double(exponent)) }
    }
    return powers + [
      0, -0.0, 0.5, 1.5, 2.5, 0.125, 0.375, 1e22, .infinity, -.infinity, .nan, .pi,
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude,
    ]
  }()

  @Test(arguments: [0, 1, 2, 6, 17, 400])
  func writesWhatFoundationWrites(precision: Int) {
    for number in Self.numbers {
      #expect(
        NumberFormat.fixed(decimals: precision).text(number)
          == String(format: "%.\(precision)f", number))
      #expect(
        NumberFormat.scientific(decimals: precision).text(number)
          == String(format: "%.\(precision)e", number))
      #expect(
        NumberFormat.significant(digits: precision).text(number)
          == String(format: "%.\(precision)g", number))
    }
  }

  @Test func aThreadKeepsItsLocale() {
    let before = uselocale(nil)
    _ = NumberFormat.fixed(decimals: 1).text(0.5)
    #expect(uselocale(nil) == before)
  }

  @Test func aNegativePrecisionIsPrintfsOwn() {
    #expect(NumberFormat.fixed(decimals: -1).text(0.5) == "0.500000")
    #expect(NumberFormat.fixed(decimals: .min).text(0.5) == "0.500000")
  }
}

struct TrimmingTests {
  @Test(arguments: [
    ("", ""), (" \n\t", ""), ("a", "a"), (" a b\r\n", "a b"), ("\u{A0}\u{2028}é\u{85}", "é"),
  ])
  func whiteSpaceAtTheEndsGoes(text: String, trimmed: String) {
    #expect(text.trimmed == trimmed)
    #expect(text[...].trimmed == trimmed)
  }

  @Test func itIsFoundationsButForTheZeroWidthSpace() {
    for number in 0...UInt32(0x10FFFF) where number != 0x200B {
      guard let scalar = Unicode.Scalar(number) else { continue }
      #expect(
        scalar.properties.isWhitespace
          == CharacterSet.whitespacesAndNewlines.contains(scalar), "\(scalar)")
    }
  }
}
