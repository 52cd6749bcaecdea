import CKA

/// The examples on which one group of networks is ahead of the other the most, cross-fitted.
///
/// Each group is split into halves at random. Those with the largest difference between one half of
/// each group are chosen, and judged by the difference between the other halves, then the other way
/// round. A difference is biased upward on the networks it was chosen on, but not on the held-out
/// ones.
public struct DifferingExamples: Sendable, Hashable {
  /// An example that was chosen at least once. Differences are the leading group's accuracy less the
  /// other's.
  public struct Example: Sendable, Hashable {
    /// Its number, from 0.
    public let index: Int
    /// In which share of all choices it was.
    public let frequency: Double
    /// The mean difference on the networks that chose it.
    public let chosen: Double
    /// The mean difference on the others then.
    public let judged: Double
  }

  /// How many examples were chosen at most.
  public let limit: Int
  /// How many choices there were: two a repeat.
  public let choices: Int
  /// All that were ever chosen, the most frequent first, then those with the larger `judged`.
  public let examples: [Example]
  /// The mean difference of the chosen on the networks that chose them; NaN where none was.
  public let chosen: Double
  /// The mean difference of the chosen on the others.
  public let judged: Double
}

extension ErrorStudy {
  /// Which group is ahead.
  public enum Leader: Sendable, Hashable {
    case first
    case second
  }

  /// The examples on which `leader` is ahead the most.
  ///
  /// - Parameters:
  ///   - leader: the group that is ahead.
  ///   - limit: how many a choice takes at most; examples without a positive difference are not taken.
  ///     Equal ones are taken at random.
  ///   - repeats: random splits into halves, of which each makes two choices.
  ///   - seed: what decides them.
  public func differingExamples(
    aheadIs leader: Leader, limit: Int, repeats: Int, seed: UInt64
  ) -> DifferingExamples {
    let limit = min(limit, exampleCount)
    var times = [Int](repeating: 0, count: exampleCount)
    var (chosen, judged) = ([Int](repeating: 0, count: exampleCount), times)
    let sizes = (members.first.count / 2, members.second.count / 2)
    let scale = sizes.0 * sizes.1
    for number in 0..<repeats {
      let a = halves(of: members.first, seed: seed, number: 2 * number)
      let b = halves(of: members.second, seed: seed, number: 2 * number + 1)
      let differences = [(a.first, b.first), (a.second, b.second)].map {
        self.differences($0.0, $0.1, leader: leader)
      }
      let order = MinibatchPlan.permutation(of: exampleCount, seed: seed, pass: number)
      for (choosing, judging) in [(0, 1), (1, 0)] {
        for example in largest(limit, of: differences[choosing], scale: scale, order: order) {
          times[example] += 1
          chosen[example] += differences[choosing][example]
          judged[example] += differences[judging][example]
        }
      }
    }
    let found = times.indices.filter { times[$0] > 0 }
    func mean(_ sum: Int, _ count: Int) -> Double { Double(sum) / Double(count * scale) }
    let all = times.reduce(0, +)
    let examples = found.map {
      DifferingExamples.Example(
        index: $0, frequency: Double(times[$0]) / Double(2 * repeats),
        chosen: mean(chosen[$0], times[$0]), judged: mean(judged[$0], times[$0]))
    }
    return DifferingExamples(
      limit: limit, choices: 2 * repeats,
      examples: examples.sorted {
        ($0.frequency, $0.judged, -$0.index) > ($1.frequency, $1.judged, -$1.index)
      },
      chosen: mean(chosen.reduce(0, +), all), judged: mean(judged.reduce(0, +), all))
  }

  /// The leader's accuracy less the other's, in parts of 1/(networks of the one · networks of the other).
  private func differences(_ first: [Int], _ second: [Int], leader: Leader) -> [Int] {
    let sign = leader == .first ? 1 : -1
    return zip(correct.counts(first), correct.counts(second)).map {
      sign * (Int($0) * second.count - Int($1) * first.count)
    }
  }

  /// Up to `limit` of the largest positive differences; of equal ones those that `order` has first.
  private func largest(
    _ limit: Int, of differences: [Int], scale: Int, order: [Int]
  ) -> [Int] {
    var counts = [Int](repeating: 0, count: scale + 1)
    for difference in differences where difference > 0 { counts[difference] += 1 }
    var (threshold, above) = (scale, 0)
    while threshold > 1, above + counts[threshold] < limit {
      above += counts[threshold]
      threshold -= 1
    }
    var room = limit - above
    return order.filter { example in
      let difference = differences[example]
      guard difference == threshold else { return difference > threshold }
      room -= 1
      return room >= 0
    }
  }
}
