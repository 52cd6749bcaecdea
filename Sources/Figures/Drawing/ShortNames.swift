/// Shortens the names of an axis to fit, keeping different names different.
///
/// What all names begin or end with goes first, up to a separator or a number; then words lose their last
/// letters, as long as different words stay different: those that say where a layer is before the last one,
/// which says what it is, and long ones before short ones. Numbers are never cut. What is still too long is
/// cut in the middle, and where that makes two names alike they are numbered.
package struct ShortNames {
  /// What is written, one a name.
  package let texts: [String]
  /// What all names have in common where that was cut, with `*` for what differs; else nil.
  package let pattern: String?

  /// `names` in a form of which every text `fits`, as far as there is one.
  package init(_ names: [String], fits: (String) -> Bool) {
    var first: [String: Int] = [:]
    for (index, name) in names.enumerated() where first[name] == nil { first[name] = index }
    let distinct = first.sorted { $0.value < $1.value }
    let short = Self.short(distinct.map(\.key), numbers: distinct.map(\.value), fits: fits)
    let textOf = Dictionary(uniqueKeysWithValues: zip(distinct.map(\.key), short.texts))
    texts = names.map { textOf[$0] ?? "" }
    pattern = short.pattern
  }

  /// The same of names that all differ, and what each is called where nothing else tells it from others.
  private static func short(
    _ names: [String], numbers: [Int], fits: (String) -> Bool
  ) -> (texts: [String], pattern: String?) {
    let whole = names.map(displayText)
    if whole.allSatisfy(fits) { return (whole, nil) }
    // Must come after `whole`, which cuts the middle of very long names and may remove what
    // differs.
    let visible = names.map(visibleText)
    guard names.count > 1 else { return (visible.map { shortened($0, until: fits) }, nil) }
    let (prefix, rests, suffix) = withoutCommonEnds(visible)
    let pattern = prefix.isEmpty && suffix.isEmpty ? nil : displayText("\(prefix)*\(suffix)")
    if rests.allSatisfy(fits) { return (rests, pattern) }
    for leading in [6, 4, 3, 2] {
      let texts = abbreviated(rests, Abbreviation(leading: leading, last: .max, whole: 4))
      if texts.allSatisfy(fits) { return (texts, pattern) }
    }
    // Of names in different abbreviations, too, no two are alike: a word is known by each.
    var texts = abbreviated(rests, Abbreviation(leading: 1, last: .max, whole: 4))
    for last in [6, 4, 3, 2, 1] where !texts.allSatisfy(fits) {
      let shorter = abbreviated(
        rests, Abbreviation(leading: 1, last: last, whole: last < 4 ? 0 : 4))
      texts = zip(texts, shorter).map { fits($0) ? $0 : $1 }
    }
    return (texts.allSatisfy(fits) ? texts : cut(texts, numbers: numbers, fits: fits), pattern)
  }

  /// What all names begin and end with, and what stands between; nothing becomes empty.
  private static func withoutCommonEnds(
    _ names: [String]
  ) -> (prefix: String, rests: [String], suffix: String) {
    let letters = names.map(Array.init)
    let first = letters[0]
    let shortest = letters.map(\.count).min() ?? 0
    var start = 0
    while start < shortest, letters.allSatisfy({ $0[start] == first[start] }) { start += 1 }
    while start > 0,
      !letters.allSatisfy({ start < $0.count && isBorder($0[start - 1], $0[start]) })
    { start -= 1 }
    let left = shortest - start
    var end = 0
    while end < left, letters.allSatisfy({ $0[$0.count - 1 - end] == first[first.count - 1 - end] })
    {
      end += 1
    }
    while end > 0,
      !letters.allSatisfy({
        $0.count - end > start && isBorder($0[$0.count - end], $0[$0.count - end - 1])
      })
    { end -= 1 }
    return (
      String(first.prefix(start)), names.map { String($0.dropFirst(start).dropLast(end)) },
      String(first.suffix(end))
    )
  }

  /// Whether a name may be parted between a character that is cut and its neighbor that stays: words and
  /// numbers stay whole.
  private static func isBorder(_ cut: Character, _ kept: Character) -> Bool {
    !(cut.isLetter || cut.isNumber) || cut.isLetter && kept.isNumber
  }

  /// The fewest letters of words that stay.
  private struct Abbreviation {
    /// Of all words of a name but the last.
    let leading: Int
    let last: Int
    /// The longest words that stay whole.
    let whole: Int
  }

  /// `names` with words cut to so many letters, or as many as tell each from all other words.
  private static func abbreviated(_ names: [String], _ abbreviation: Abbreviation) -> [String] {
    let parts = names.map(words)
    let words = Set(parts.joined().filter { $0.first?.isLetter ?? false })
    var owners: [Substring: Int] = [:]
    for word in words {
      for length in 1...max(min(word.count, 64), 1) { owners[word.prefix(length), default: 0] += 1 }
    }
    func short(_ word: Substring, _ count: Int) -> Substring {
      guard words.contains(word), word.count > max(count, abbreviation.whole) else { return word }
      let length = (count..<word.count).first { owners[word.prefix($0)] == 1 }
      return length.map { word.prefix($0) } ?? word
    }
    return parts.map { parts in
      let last = parts.lastIndex { words.contains($0) }
      return parts.indices.map { index in
        short(parts[index], index == last ? abbreviation.last : abbreviation.leading)
      }.joined()
    }
  }

  /// Runs of letters, and what stands between them.
  private static func words(_ name: String) -> [Substring] {
    var words: [Substring] = []
    var rest = name[...]
    while let first = rest.first {
      let word = rest.prefix { $0.isLetter == first.isLetter }
      words.append(word)
      rest = rest.dropFirst(word.count)
    }
    return words
  }

  /// `texts` cut in the middle; those that become alike get their numbers.
  private static func cut(
    _ texts: [String], numbers: [Int], fits: (String) -> Bool
  ) -> [String] {
    let cut = texts.map { shortened($0, until: fits) }
    let counts = cut.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    return cut.indices.map { index in
      guard counts[cut[index]] ?? 0 > 1 else { return cut[index] }
      let number = "#\(numbers[index])"
      let ending = shortened(texts[index]) { fits("\(number) \($0)") }
      return ending.isEmpty ? number : "\(number) \(ending)"
    }
  }
}
