/// Bytes as people write them: a number with K, M, G or T for powers of 1,024; nil for anything else.
package func byteCount(_ text: String) -> Int? {
  var digits = text[...]
  var unit = 1.0
  if let last = digits.last, let power = "KMGT".firstIndex(of: Character(last.uppercased())) {
    digits.removeLast()
    for _ in 0...("KMGT".distance(from: "KMGT".startIndex, to: power)) { unit *= 1024 }
  }
  // Neither signs nor exponents nor "nan", which Double would read.
  guard digits.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }),
    let number = Double(digits), number * unit >= 1, number * unit < 0x1p62
  else { return nil }
  return Int(number * unit)
}
