import Foundation
import Testing

@testable import Support

struct SafeFileNameTests {
  /// Against Foundation's normalization, for every letter and digit that names of files keep.
  @Test func lettersThatNormalizationChangesAreKnown() {
    for number in 0...UInt32(0x10FFFF) {
      guard let scalar = Unicode.Scalar(number) else { continue }
      let properties = scalar.properties
      guard properties.isAlphabetic || properties.numericType == .decimal else { continue }
      let text = String(scalar)
      let changes =
        Array(text.decomposedStringWithCanonicalMapping.unicodeScalars) != [scalar]
        || Array(text.precomposedStringWithCanonicalMapping.unicodeScalars) != [scalar]
        || properties.canonicalCombiningClass != .notReordered
      #expect(scalar.changesWithNormalization == changes, "U+\(String(number, radix: 16))")
    }
  }

  @Test(arguments: [
    ("résumé", "r%C3%A9sum%C3%A9"), ("모델", "%EB%AA%A8%EB%8D%B8"), ("模型", "模型"),
    ("", "~cbf29ce484222325"),
    ("a/b", "a%2Fb"), ("a\u{1}", "a%01"), (".x", "%2Ex"),
  ])
  func namesOfEarlierVersionsStay(name: String, file: String) {
    #expect(Array(safeFileName(name).utf8) == Array(file.utf8))
  }

  @Test func longNamesEndInAHash() {
    #expect(
      safeFileName(String(repeating: "x", count: 300))
        == String(repeating: "x", count: 83) + "~e78ddf9f1ba85555")
  }

  @Test func safeNamesAreUnlike() {
    let long = String(repeating: "x", count: 300)
    let names = [
      "a", "a-", "-a", "a--", "a-b", "a--b", "a%2Db", "", ".", "..", "a/b", "a%2Fb", "A", "é",
      "e\u{301}", long, long + "y", "a b", "a\u{0}b", "~", "模型", "a.b", "😀",
    ]
    let safe = names.map(safeFileName)
    // By their bytes: Swift takes canonically equal strings for equal.
    #expect(Set(safe.map { Array($0.utf8) }).count == names.count)
    var pairs: Set<[UInt8]> = []
    for one in safe { for other in safe { pairs.insert(Array("\(one)--\(other)".utf8)) } }
    #expect(pairs.count == names.count * names.count)
    for name in safe {
      #expect(!name.isEmpty && name.utf8.count <= 120 && !name.hasPrefix("."))
      #expect(!name.contains("/") && !name.contains("--") && !name.contains("\u{0}"))
      #expect(!name.hasPrefix("-") && !name.hasSuffix("-"))
    }
  }
}

struct HexadecimalTests {
  @Test func everyDigitIsThere() {
    #expect(hexadecimal(UInt8(10)) == "0a")
    #expect(hexadecimal(UInt64(0)) == "0000000000000000")
    #expect(hexadecimal(UInt64.max) == "ffffffffffffffff")
  }
}
