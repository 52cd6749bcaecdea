/// The candidate that a misspelled word was likely to be: the nearest, where at most a third of its letters
/// differ.
public func suggestion(for word: String, among candidates: [String]) -> String? {
  let nearest = candidates.map { (name: $0, distance: editDistance(word, $0)) }
    .min { $0.distance < $1.distance }
  guard let nearest, nearest.distance <= max(1, nearest.name.count / 3) else { return nil }
  return nearest.name
}

/// How many letters must be put in, taken out or changed to make one word of the other (Levenshtein 1966).
private func editDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a), Array(b))
  var row = Array(0...b.count)
  for i in a.indices {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let changed = diagonal + (a[i] == b[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(changed, diagonal + 1, row[j] + 1)
    }
  }
  return row[b.count]
}
