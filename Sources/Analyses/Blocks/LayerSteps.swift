import Device

/// Estimates from a map how far the representation moves from each layer to the next.
///
/// At short distances similarity falls by the sum of the steps between two layers: with s the mean fall
/// a layer, S_ij = μ_d − s·Σ(δ_k − 1) over the steps k between them. Least squares over all pairs at
/// distances up to w, with every δ within 0 and `longest`: a step beyond that is an edge, and not
/// what similarity's smooth decay is made of.
struct LayerSteps {
  /// In mean steps.
  static let longest = 3.0

  /// The least s: what the rounding of means of values up to 1 may leave is far below it.
  private static let leastFall = 0x1p-40

  /// δ of each layer to its next, n − 1 of them; all 1 where similarity does not fall with distance.
  let lengths: [Double]

  init(of map: Matrix<Double>, _ scan: BlockScan) {
    let count = map.rows
    let uniform = Array(repeating: 1.0, count: count - 1)
    let reach = min(max(3, count / 8), count - 1)
    let means = scan.means(of: map)
    guard let fall = Self.fall(of: means, reach: reach, scan), fall > Self.leastFall else {
      lengths = uniform
      return
    }
    // The normal equations: pairs that span two steps at once, at most `reach` apart, and falls.
    var spans = Matrix<Double>(rows: count - 1, columns: reach, repeating: 0)
    var falls = Array(repeating: 0.0, count: count - 1)
    for i in 1..<count {
      for j in max(0, i - reach)..<i where scan.counts(i, j) {
        let excess = (means[i - j] - map[i, j]) / fall
        for step in j..<i {
          falls[step] += excess
          for other in step..<i { spans[step, other - step] += 1 }
        }
      }
    }
    // A step that noise alone decides stays near the mean.
    let ridge = 0.01 * (0..<(count - 1)).reduce(0) { $0 + spans[$1, 0] } / Double(count - 1)
    var excess = Array(repeating: 0.0, count: count - 1)
    // Gauss and Seidel's sweeps within bounds: the sum is convex, so that they lead to its minimum.
    for _ in 0..<200 {
      var change = 0.0
      for step in excess.indices {
        var rest = falls[step]
        for other in max(0, step - reach + 1)..<min(count - 1, step + reach) where other != step {
          rest -= spans[min(step, other), abs(step - other)] * excess[other]
        }
        let value = min(max(rest / (spans[step, 0] + ridge), -1), Self.longest - 1)
        change = max(change, abs(value - excess[step]))
        excess[step] = value
      }
      if change < 1e-6 { break }
    }
    lengths = excess.map { 1 + $0 }
  }

  /// The slope of a line through the means of the distances 1 to `reach`, downwards.
  private static func fall(of means: [Double], reach: Int, _ scan: BlockScan) -> Double? {
    let distances = (1...reach).filter { distance in
      (distance..<means.count).contains { scan.counts($0, $0 - distance) }
    }
    guard distances.count > 1 else { return nil }
    let middle = Double(distances.reduce(0, +)) / Double(distances.count)
    let (above, below) = distances.reduce((0.0, 0.0)) { sums, distance in
      let offset = Double(distance) - middle
      return (sums.0 - offset * means[distance], sums.1 + offset * offset)
    }
    return above / below
  }
}
