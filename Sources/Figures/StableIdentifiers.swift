/// `svg` with the numbers of its surfaces, images, patterns and masks counted from 0.
///
/// Cairo numbers them through the whole process, so that a second picture differs from the first.
/// Only `id="surface12"` and references `#surface12` are touched; text is drawn as outlines, hence
/// no word of the user's can look like one.
func withStableIdentifiers(_ svg: [UInt8]) -> [UInt8] {
  let (quote, hash, parenthesis) = (UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: ")"))
  let opening = Array("id=\"".utf8)
  var numbers: [ArraySlice<UInt8>: Int] = [:]
  var result: [UInt8] = []
  result.reserveCapacity(svg.count)
  var rest = svg[...]
  while let mark = rest.firstIndex(where: { $0 == quote || $0 == hash }) {
    let upToMark = rest[...mark]
    result += upToMark
    rest = rest[(mark + 1)...]
    guard svg[mark] == hash || upToMark.suffix(opening.count) == opening[...] else { continue }
    let word = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    let digits = rest[word.endIndex...].prefix {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
    let end = rest[digits.endIndex...].first
    guard !word.isEmpty, !digits.isEmpty, end == quote || end == parenthesis else { continue }
    let identifier = rest[..<digits.endIndex]
    let number = numbers[identifier, default: numbers.count]
    numbers[identifier] = number
    result += word
    result += Array(String(number).utf8)
    rest = rest[digits.endIndex...]
  }
  return result + rest
}
