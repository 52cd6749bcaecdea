import Device

/// The search for blocks in one map without undefined pairs: one block after another.
struct BlockSearch {
  /// An interval with its significance.
  struct Found {
    var layers: Range<Int>
    var p: Double
  }

  let detector: BlockDetector
  let map: Matrix<Double>
  /// What is significant, in the order of the layers.
  private(set) var found: [Found] = []
  /// What ended the search.
  private(set) var insignificant: Found?

  init(detector: BlockDetector, map: Matrix<Double>) {
    self.detector = detector
    self.map = map
  }

  /// Finds blocks of `sizes`.
  ///
  /// Two blocks hide each other: the layers of the second are part of what the first is compared with. Where
  /// the best interval is not significant, it and the best of the rest still are blocks if each is
  /// significant with the other set aside.
  mutating func run(sizes: ClosedRange<Int>) {
    while insignificant == nil {
      let scan = scan(without: found.map(\.layers), sizes: sizes)
      guard let first = scan.best(in: map) else { break }
      let p = p(of: first, scan)
      if p <= detector.significance {
        found.append(Found(layers: first.layers, p: p))
      } else if let pair = pair(first, sizes: sizes) {
        found += pair
      } else {
        insignificant = Found(layers: first.layers, p: p)
      }
    }
    found.sort { $0.layers.lowerBound < $1.layers.lowerBound }
  }

  /// `first` and the best interval beside it, if both are significant without the other.
  private func pair(_ first: BlockScan.Candidate, sizes: ClosedRange<Int>) -> [Found]? {
    let known = found.map(\.layers)
    let rest = scan(without: known + [first.layers], sizes: sizes)
    guard let second = rest.best(in: map) else { return nil }
    let p = p(of: second, rest)
    guard p <= detector.significance else { return nil }
    let other = scan(without: known + [second.layers], sizes: sizes)
    guard let again = other.best(in: map), again.layers == first.layers else { return nil }
    let q = self.p(of: again, other)
    guard q <= detector.significance else { return nil }
    return [Found(layers: first.layers, p: q), Found(layers: second.layers, p: p)]
  }

  private func scan(without blocks: [Range<Int>], sizes: ClosedRange<Int>) -> BlockScan {
    let isFree = (0..<map.rows).map { layer in !blocks.contains { $0.contains(layer) } }
    return BlockScan(
      isFree: isFree, sizes: sizes, minimumContrast: detector.minimumContrast)
  }

  /// p of the highest score over all intervals: (1 + maps of the null that reach it)/(1 + maps). Once
  /// so many reach it that it cannot be significant, the share of them (Besag & Clifford 1991).
  private func p(of candidate: BlockScan.Candidate, _ scan: BlockScan) -> Double {
    let baseline = BlockBaseline(of: map, scan, seed: detector.seed)
    let maps = detector.permutations
    let enough = max(1, Int((detector.significance * Double(maps + 1)).rounded(.down)))
    var reaching = 0
    for index in 0..<maps {
      // The same sums in another order are the same score.
      let score = scan.best(in: baseline.map(index))?.score ?? 0
      if score >= candidate.score * (1 - 1e-9) { reaching += 1 }
      if reaching == enough { return Double(reaching) / Double(index + 1) }
    }
    return Double(1 + reaching) / Double(1 + maps)
  }
}
