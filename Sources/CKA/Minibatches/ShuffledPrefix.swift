extension MinibatchPlan {
  /// The first `few` of `permutation(of:seed:pass:)`, in memory for so many.
  ///
  /// The first places are known only after the shuffle's last step. So the steps are undone, the
  /// last one first, and only for the numbers at those places: where each of them was before a step
  /// is one of two places.
  static func permutation(of count: Int, seed: UInt64, pass: Int, first few: Int) -> [Int] {
    guard few > 0 else { return [] }
    var draws = ShuffleDraws(count: count, seed: seed, pass: pass)
    var followed = FollowedPlaces(first: min(few, count))
    for last in stride(from: 1, to: count, by: 1) {
      followed.swap(last, draws.previous())
    }
    return followed.places
  }
}

/// The places that a shuffle's steps exchange with the last one, from its last step to its first.
private struct ShuffleDraws {
  private var generator: SplitMix64
  private var last = 0
  /// The steps for which numbers were refused, and how many: nearly always none.
  private var refused: [Int: Int] = [:]

  init(count: Int, seed: UInt64, pass: Int) {
    generator = MinibatchPlan.generator(seed: seed, pass: pass)
    for last in stride(from: count - 1, to: 0, by: -1) {
      let refused = generator.draw(below: UInt64(last) + 1).refused
      if refused > 0 { self.refused[last] = refused }
    }
  }

  mutating func previous() -> Int {
    last += 1
    for _ in 0...(refused[last] ?? 0) { generator.goBack() }
    var again = generator
    return Int(again.next(below: UInt64(last) + 1))
  }
}

/// Where some numbers are as places are exchanged.
private struct FollowedPlaces {
  /// The place of each.
  private(set) var places: [Int]
  /// The number at a place.
  private var numbers: [Int: Int]
  /// How many numbers are at places with these last bits: of a place of which no number is, most often none.
  private var counts: [UInt32]

  init(first count: Int) {
    places = Array(0..<count)
    numbers = Dictionary(uniqueKeysWithValues: places.map { ($0, $0) })
    var size = 1024
    while size < 16 * count { size *= 2 }
    counts = Array(repeating: 0, count: size)
    for place in places { counts[place & (size - 1)] += 1 }
  }

  mutating func swap(_ a: Int, _ b: Int) {
    let mask = counts.count - 1
    guard a != b, counts[a & mask] > 0 || counts[b & mask] > 0 else { return }
    let (first, second) = (numbers.removeValue(forKey: a), numbers.removeValue(forKey: b))
    if let first { move(first, from: a, to: b, mask) }
    if let second { move(second, from: b, to: a, mask) }
  }

  private mutating func move(_ number: Int, from old: Int, to new: Int, _ mask: Int) {
    numbers[new] = number
    places[number] = new
    counts[old & mask] -= 1
    counts[new & mask] += 1
  }
}
