import Device

/// How similarity falls with the length of the way between two layers: the best curve that never rises.
struct SimilarityDecay {
  private static let bins = 1024
  /// At equal distances from 0 to the longest way.
  private let values: [Double]
  private let binsPerLength: Double

  /// The fit to the pairs of layers that `counts` takes; `places` rise from 0: where each layer stands on
  /// the way.
  ///
  /// Least squares by pooling neighbors that rise (Ayer et al. 1955), over means of 1,024 bins.
  init(of map: Matrix<Double>, places: [Double], counts isTaken: (Int, Int) -> Bool) {
    let longest = max(places[places.count - 1], 1e-9)
    let scale = Double(Self.bins) / longest
    var sums = Array(repeating: 0.0, count: Self.bins + 1)
    var lengths = sums
    var counts = sums
    for i in places.indices {
      for j in 0..<i where isTaken(i, j) {
        let length = (places[i] - places[j]) * scale
        let bin = Int(length.rounded())
        sums[bin] += map[i, j]
        lengths[bin] += length
        counts[bin] += 1
      }
    }
    // Runs of bins: the sum of similarities and how many, and where each begins and ends.
    var runs: [(sum: Double, count: Double, first: Double, last: Double)] = []
    for bin in sums.indices where counts[bin] > 0 {
      let place = lengths[bin] / counts[bin]
      runs.append((sums[bin], counts[bin], place, place))
      while runs.count > 1, let last = runs.last {
        let before = runs[runs.count - 2]
        guard before.sum / before.count < last.sum / last.count else { break }
        runs.removeLast(2)
        runs.append(
          (before.sum + last.sum, before.count + last.count, before.first, last.last))
      }
    }
    let knots = runs.flatMap { [($0.first, $0.sum / $0.count), ($0.last, $0.sum / $0.count)] }
    var knot = 0
    values = (0...Self.bins).map { bin in
      let place = Double(bin)
      while knot < knots.count, knots[knot].0 <= place { knot += 1 }
      guard knot > 0 else { return knots[0].1 }
      guard knot < knots.count else { return knots[knots.count - 1].1 }
      let (left, right) = (knots[knot - 1], knots[knot])
      return left.1 + (right.1 - left.1) * (place - left.0) / (right.0 - left.0)
    }
    binsPerLength = scale
  }

  /// The similarity of layers so far apart.
  func callAsFunction(_ length: Double) -> Double {
    let place = min(max(length * binsPerLength, 0), Double(Self.bins))
    let bin = min(Int(place), Self.bins - 1)
    return values[bin] + (values[bin + 1] - values[bin]) * (place - Double(bin))
  }
}
