/// `svg`, as Cairo wrote it, with two corrections.
///
/// - Surfaces, images, patterns and masks are numbered from 0. Cairo numbers them through the whole
///   process, so that a second picture would differ from the first.
/// - Images are shown with sharp pixels. Cairo 1.16 drops the filter of an image.
///
/// Only `id="surface12"`, references `#surface12` and `<image ` are touched; text is drawn as
/// outlines, hence no word of the user's can look like one.
func corrected(svg: [UInt8]) -> [UInt8] {
  let (quote, hash, less) = (UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "<"))
  let opening = Array("id=\"".utf8)
  let image = Array("image ".utf8)
  // The attribute is for readers of SVG 1.1, the style for browsers.
  let sharp = Array("image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\" ".utf8)
  var numbers: [ArraySlice<UInt8>: Int] = [:]
  var result: [UInt8] = []
  result.reserveCapacity(svg.count + sharp.count)
  var rest = svg[...]
  while let mark = rest.firstIndex(where: { $0 == quote || $0 == hash || $0 == less }) {
    let upToMark = rest[...mark]
    result += upToMark
    rest = rest[(mark + 1)...]
    if svg[mark] == less {
      if rest.starts(with: image) {
        result += image + sharp
        rest = rest.dropFirst(image.count)
      }
      continue
    }
    guard svg[mark] == hash || upToMark.suffix(opening.count) == opening[...],
      let (word, identifier) = numbered(rest)
    else { continue }
    let number = numbers[identifier, default: numbers.count]
    numbers[identifier] = number
    result += word
    result += Array(String(number).utf8)
    rest = rest[identifier.endIndex...]
  }
  return result + rest
}

/// The letters and the whole of an identifier such as `surface12` at the start of `text`.
private func numbered(
  _ text: ArraySlice<UInt8>
) -> (word: ArraySlice<UInt8>, identifier: ArraySlice<UInt8>)? {
  let word = text.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
  let digits = text[word.endIndex...].prefix {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
  }
  let end = text[digits.endIndex...].first
  guard !word.isEmpty, !digits.isEmpty, end == UInt8(ascii: "\"") || end == UInt8(ascii: ")")
  else { return nil }
  return (word, text[..<digits.endIndex])
}
