/// What a model's name says of its architecture and of the seed it was trained with.
public struct ModelGroup: Sendable, Hashable {
  /// What is left of the name without the seed: the architecture.
  public let name: String
  /// The seed, as it is written; nil where the name has none.
  public let seed: String?

  /// An architecture and a seed.
  public init(name: String, seed: String?) {
    self.name = name
    self.seed = seed
  }

  /// Takes the last word that is a seed out of `model`, with what divides it from the word before.
  ///
  /// Words are divided by `-`, `_`, `.`, `/`, `+`, `,` and spaces. A seed is, in upper or lower case,
  /// `seed` and digits (`seed3`, `seed=3`), the two words `seed` and digits (`seed-3`), or, as the last
  /// word, `s` and digits (`s3`, `s=3`).
  public init(ofModel model: String) {
    let dividers = "-_./+, "
    // Each word with the divider before it.
    var words: [(start: String.Index, word: String)] = []
    var start = model.startIndex
    for index in model.indices where dividers.contains(model[index]) {
      words.append((start, String(model[start..<index])))
      start = model.index(after: index)
    }
    words.append((start, String(model[start...])))
    for position in words.indices.reversed() {
      let isLast = position == words.count - 1
      var length = 1
      var seed = Self.seed(words[position].word, isLast: isLast)
      if seed == nil, !isLast, words[position].word.lowercased() == "seed",
        Self.isNumber(words[position + 1].word)
      {
        seed = words[position + 1].word
        length = 2
      }
      guard let seed else { continue }
      let after = position + length
      // With the divider before it, or, of a name that begins with it, the one behind.
      let from = position > 0 ? model.index(before: words[position].start) : words[position].start
      let end =
        after == words.count
        ? model.endIndex
        : position > 0 ? model.index(before: words[after].start) : words[after].start
      let rest = String(model[..<from] + model[end...])
      // A model that is called by its seed alone is of no known architecture.
      guard !rest.isEmpty else { break }
      self.init(name: rest, seed: seed)
      return
    }
    self.init(name: model, seed: nil)
  }

  private static func seed(_ word: String, isLast: Bool) -> String? {
    let lower = word.lowercased()
    for prefix in ["seed=", "seed"] + (isLast ? ["s=", "s"] : []) where lower.hasPrefix(prefix) {
      let digits = String(word.dropFirst(prefix.count))
      if isNumber(digits) { return digits }
    }
    return nil
  }

  private static func isNumber(_ word: String) -> Bool {
    !word.isEmpty && word.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}
