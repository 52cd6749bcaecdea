import Device

/// The intervals of a map that have the edges of a block.
///
/// With Q the upper quartile over the v layers next to an edge, of their mean similarity with the half of the interval
/// farther from that edge: Q₀ of the layers inside, Q₁ of those outside, Q₂ of the v layers further out. The drop at an
/// edge is Q₀ − Q₁. An interval is a block if at each edge
///
/// 1. the drop is at least the least contrast,
/// 2. similarity falls by no more than a third of the drop elsewhere: from the mean inside to Q₀, and from Q₁ to Q₂,
/// 3. Q₀ exceeds the similarity of the layers outside with the nearer half by a quarter of the least contrast.
///
/// In a network of many layers an edge may be soft: up to a tenth of the layers less three lie in it, neither inside nor
/// outside. Q₂ is then of layers as much further out as those of Q₁ are from those of Q₀. The narrowest edge that
/// fulfills the conditions counts.
///
/// Both sides of an edge see the same far layers: similarity that decays with distance falls there as it does elsewhere.
/// Quartiles make a few odd layers, and a checkerboard, no edge. The score is k·(mean inside − similarity of the layers
/// outside with the nearer half, at the edge where that is larger), k the number of layers.
struct BlockEdges {
  /// What is known of one interval.
  struct Interval {
    /// The least drop at an edge.
    var drop = Double.infinity
    /// 0 where it is no block.
    var score = 0.0
    var shortfalls: Shortfalls = []
  }

  /// What an interval lacks. Bits: millions of intervals of null maps are looked at.
  struct Shortfalls: OptionSet {
    let rawValue: UInt8
    static let contrast = Shortfalls(rawValue: 1)
    static let inside = Shortfalls(rawValue: 2)
    static let beyond = Shortfalls(rawValue: 4)
    static let ends = Shortfalls(rawValue: 8)

    var count: Int { rawValue.nonzeroBitCount }

    var list: [BlockStructure.Shortfall] {
      let names: [(Shortfalls, BlockStructure.Shortfall)] = [
        (.contrast, .contrast), (.inside, .inside), (.beyond, .beyond), (.ends, .ends),
      ]
      return names.filter { contains($0.0) }.map(\.1)
    }
  }

  /// The most that similarity may fall elsewhere, as a part of the drop.
  private static let flatness = 1 / 3.0
  /// How much more alike the halves are than the interval and what lies beyond, as a part of the least contrast.
  private static let ends = 0.25

  /// n.
  let count: Int
  /// The least layers beyond an edge for it to be one of the map's, not of its end.
  let rest: Int
  private let contrast: Double
  /// v.
  private let width: Int
  /// How many layers may lie in an edge, in steps of v/2.
  private let softness: [Int]
  /// The most layers that two neighboring intervals share.
  var shared: Int { width / 2 }
  /// Of each row the sums before each column, n × (n + 1).
  private let sums: [Double]
  /// The sums of all rows and columns before, (n + 1) × (n + 1).
  private let squares: [Double]

  /// - Parameter map: symmetric, without undefined values, ones on its diagonal.
  init(of map: Matrix<Double>, rest: Int, contrast: Double) {
    let n = map.rows
    count = n
    self.rest = rest
    self.contrast = contrast
    width = max(3, rest / 2)
    softness = Array(stride(from: 0, through: max(0, n / 10 - 3), by: width / 2))
    var sums = [Double](repeating: 0, count: n * (n + 1))
    var squares = [Double](repeating: 0, count: (n + 1) * (n + 1))
    for i in 0..<n {
      for j in 0..<n {
        sums[i * (n + 1) + j + 1] = sums[i * (n + 1) + j] + map[i, j]
      }
      for j in 0...n {
        squares[(i + 1) * (n + 1) + j] = squares[i * (n + 1) + j] + sums[i * (n + 1) + j]
      }
    }
    self.sums = sums
    self.squares = squares
  }

  /// The mean over all pairs of different layers.
  var mean: Double { meanInside(0, count) }

  /// The mean over the pairs of different layers of an interval of two or more.
  func meanInside(_ a: Int, _ b: Int) -> Double {
    let (k, row) = (Double(b - a), count + 1)
    let sum =
      squares[b * row + b] - squares[b * row + a] - squares[a * row + b] + squares[a * row + a]
    return (sum - k) / (k * (k - 1))
  }

  /// The mean over the pairs of a layer of an interval and one outside.
  func meanOutside(_ a: Int, _ b: Int) -> Double {
    let row = count + 1
    let all = squares[b * row + count] - squares[a * row + count]
    let inside =
      squares[b * row + b] - squares[b * row + a] - squares[a * row + b] + squares[a * row + a]
    return (all - inside) / Double((b - a) * (count - (b - a)))
  }

  /// The sizes that blocks of at least `least` layers may have; nil for none.
  func sizes(least: Int) -> ClosedRange<Int>? {
    let (low, high) = (max(least, 2), count - rest)
    return low <= high ? low...high : nil
  }

  /// Whether an interval has an edge: as many layers as a block has lie beyond one of its ends.
  func hasEdge(_ a: Int, _ b: Int) -> Bool { a >= rest || count - b >= rest }

  /// One end of an interval that is no end of the map.
  private struct End {
    /// The outermost layer inside.
    let layer: Int
    /// From layer to layer inwards.
    let step: Int
    /// How many layers lie beyond.
    let beyond: Int
    /// The half of the interval farther from this end.
    let far: Range<Int>
    /// The other half.
    let near: Range<Int>
  }

  /// An edge of some width at one end of an interval.
  private struct Edge {
    let drop: Double
    /// The similarity of the layers outside with the nearer half.
    let level: Double
    let shortfalls: Shortfalls
  }

  /// The interval a ..< b.
  ///
  /// - Parameter floor: what is known not to reach this score may come with a score of 0 and no more; 0 for none.
  func interval(_ a: Int, _ b: Int, floor: Double = 0) -> Interval {
    let k = b - a
    let half = k / 2
    let inside = meanInside(a, b)
    let (head, tail) = (a..<(a + half), (b - half)..<b)
    let first = End(layer: a, step: 1, beyond: a, far: tail, near: head)
    let last = End(layer: b - 1, step: -1, beyond: count - b, far: head, near: tail)
    if floor > 0 {
      let limit = inside - floor / Double(k)
      guard mayReach(limit, at: first), mayReach(limit, at: last) else { return Interval() }
    }
    var found = Interval()
    var level = -Double.infinity
    for index in 0..<2 {
      let end = index == 0 ? first : last
      if end.beyond == 0 { continue }
      let edge = edge(at: end, inside: inside, near: min(width, k - half))
      guard edge.shortfalls.isEmpty || floor == 0 else { return Interval() }
      found.drop = min(found.drop, edge.drop)
      level = max(level, edge.level)
      found.shortfalls.formUnion(edge.shortfalls)
    }
    if found.shortfalls.isEmpty { found.score = max(Double(k) * (inside - level), 0) }
    return found
  }

  /// Whether the layers beyond an end, in an edge of some width, are at most so similar to the nearer half.
  private func mayReach(_ limit: Double, at end: End) -> Bool {
    end.beyond == 0
      || widths(of: end).contains {
        isQuartile(of: rows(outside: end, $0), end.near, atMost: limit)
      }
  }

  /// The narrowest edge at an end that lacks nothing; where there is none, the narrowest that lacks least.
  ///
  /// - Parameters:
  ///   - inside: the mean inside.
  ///   - near: how many layers inside are next to the edge.
  private func edge(at end: End, inside: Double, near: Int) -> Edge {
    let own = quartile(Rows(first: end.layer, step: end.step, count: near), end.far)
    var best: Edge?
    for softness in widths(of: end) {
      let outside = rows(outside: end, softness)
      let closer = quartile(outside, end.near)
      let others = quartile(outside, end.far)
      let drop = own - others
      var failed: Shortfalls = []
      if drop < contrast { failed.insert(.contrast) }
      if inside - own > Self.flatness * drop { failed.insert(.inside) }
      if end.beyond >= rest {
        let further = quartile(rows(outside: end, 2 * softness + width), end.far)
        if others - further > Self.flatness * drop { failed.insert(.beyond) }
      }
      if own - closer < Self.ends * contrast { failed.insert(.ends) }
      let edge = Edge(drop: drop, level: closer, shortfalls: failed)
      if failed.isEmpty { return edge }
      if failed.count < best?.shortfalls.count ?? .max { best = edge }
    }
    return best ?? Edge(drop: -.infinity, level: .infinity, shortfalls: [.contrast])
  }

  /// How many layers may lie in an edge: those for which there is room beyond.
  private func widths(of end: End) -> some Sequence<Int> {
    softness.lazy.filter { $0 == 0 || end.beyond >= 2 * ($0 + width) }
  }

  /// The v layers beyond an edge in which `softness` layers lie, outwards.
  private func rows(outside end: End, _ softness: Int) -> Rows {
    Rows(first: end.layer - end.step * (softness + 1), step: -end.step, count: width)
  }

  /// Some rows of the map, of which those outside of it do not exist.
  private struct Rows {
    let first: Int
    let step: Int
    let count: Int
  }

  /// The upper quartile over `rows` of the mean over `columns`; of those that there are, the value at the place
  /// ¾(count − 1), rounded half up. NaN for none.
  private func quartile(_ rows: Rows, _ columns: Range<Int>) -> Double {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: rows.count) { values in
      var length = 0
      for index in 0..<rows.count {
        let row = rows.first + rows.step * index
        guard row >= 0, row < count else { break }
        let value = sum(row, columns)
        var place = length
        while place > 0, values[place - 1] > value {
          values[place] = values[place - 1]
          place -= 1
        }
        values[place] = value
        length += 1
      }
      guard length > 0 else { return .nan }
      return values[Self.place(in: length)] / Double(columns.count)
    }
  }

  /// Whether that quartile is at most `limit`: whether few enough are larger, which needs no order.
  private func isQuartile(of rows: Rows, _ columns: Range<Int>, atMost limit: Double) -> Bool {
    let length = min(rows.count, rows.step > 0 ? count - rows.first : rows.first + 1)
    var rest = length - 1 - Self.place(in: length)
    let most = limit * Double(columns.count)
    for index in 0..<length where sum(rows.first + rows.step * index, columns) > most {
      rest -= 1
      if rest < 0 { return false }
    }
    return true
  }

  /// ⌊¾(length − 1) + ½⌋.
  private static func place(in length: Int) -> Int { (3 * (length - 1) + 2) / 4 }

  private func sum(_ row: Int, _ columns: Range<Int>) -> Double {
    let start = row * (count + 1)
    return sums[start + columns.upperBound] - sums[start + columns.lowerBound]
  }

  /// The largest score of a block of at least `least` layers; what is below `floor` may be 0.
  func bestScore(least: Int, floor: Double) -> Double {
    guard let sizes = sizes(least: least) else { return 0 }
    var best = 0.0
    for size in sizes {
      for a in 0...(count - size) where hasEdge(a, a + size) {
        best = max(best, interval(a, a + size, floor: max(floor, best)).score)
      }
    }
    return best
  }
}
