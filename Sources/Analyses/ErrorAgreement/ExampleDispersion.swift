import Statistics

/// How far two groups of networks are apart example by example, beyond what chance explains.
///
/// Let aᵢ and bᵢ be the shares of m_A and m_B networks that got example i right, and p_Ai and p_Bi the
/// probabilities behind them. Networks are independent draws, so that aᵢ(1 − aᵢ)/(m_A − 1) has the mean of
/// aᵢ's variance, and the excess below that of Σ(p_Ai − p_Bi)²/n: 0 for groups of one kind.
public struct ExampleDispersion: Sendable, Hashable {
  /// Σ(aᵢ − bᵢ)²/n.
  public let observed: Double
  /// Σ[aᵢ(1 − aᵢ)/(m_A − 1) + bᵢ(1 − bᵢ)/(m_B − 1)]/n: the part due to binomial sampling.
  public let sampling: Double
  /// (ā − b̄)² less the squared standard error of ā − b̄: the part of the excess that all examples share.
  public let meanPart: Double
  /// Pearson's correlation of aᵢ and bᵢ; NaN where one of them is the same for all examples.
  public let correlation: Double

  /// observed − sampling, which may be negative.
  public var excess: Double { observed - sampling }

  /// - Parameters:
  ///   - first: how many of `firstCount` networks got each example right; alike the second.
  ///   - error: the standard error of ā − b̄.
  init(
    _ first: [Int32], of firstCount: Int, _ second: [Int32], of secondCount: Int,
    standardError error: Double
  ) {
    let (scaleA, scaleB) = (1 / Double(firstCount), 1 / Double(secondCount))
    var (sumA, sumB, squareA, squareB, product) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (x, y) in zip(first, second) {
      let (a, b) = (Double(x) * scaleA, Double(y) * scaleB)
      sumA += a
      sumB += b
      squareA += a * a
      squareB += b * b
      product += a * b
    }
    let n = Double(first.count)
    observed = meanSquaredDifference(first, of: firstCount, second, of: secondCount)
    sampling =
      (sumA - squareA) / n / Double(firstCount - 1) + (sumB - squareB) / n / Double(secondCount - 1)
    let shift = (sumA - sumB) / n
    meanPart = shift * shift - error * error
    let (varianceA, varianceB) = (squareA - sumA * sumA / n, squareB - sumB * sumB / n)
    let covariance = product - sumA * sumB / n
    correlation =
      varianceA > 1e-12 * n && varianceB > 1e-12 * n
      ? covariance / (varianceA * varianceB).squareRoot() : .nan
  }
}

/// Σ(aᵢ − bᵢ)²/n of counts of right networks.
func meanSquaredDifference(
  _ first: [Int32], of firstCount: Int, _ second: [Int32], of secondCount: Int
) -> Double {
  // Whole numbers, so that equal counts are equal and the order does not matter.
  let (wide, high) = (Int64(firstCount), Int64(secondCount))
  let sum = zip(first, second).reduce(0.0) { sum, pair in
    let difference = Int64(pair.0) * high - Int64(pair.1) * wide
    return sum + Double(difference * difference)
  }
  let scale = Double(wide * high)
  return sum / (scale * scale) / Double(first.count)
}

/// Group against group beside halves of one group against each other.
public struct DispersionControl: Sendable, Hashable {
  /// Σ(aᵢ − bᵢ)²/n of a half of A against a half of B, mean over the repeats.
  public let between: Double
  /// The same of two disjoint halves of A.
  public let withinFirst: Double
  /// The same of two disjoint halves of B.
  public let withinSecond: Double
  /// How often examples fell on each pair of counts, summed over repeats: the scatter.
  public let scatters: Scatters

  /// between − (withinFirst + withinSecond)/2: the mean over all splits is `ExampleDispersion.excess`.
  public var excess: Double { between - (withinFirst + withinSecond) / 2 }

  /// Pairs of per-example accuracies as 2-D histograms.
  public struct Scatters: Sendable, Hashable {
    /// A half of A (rows, h_A + 1 counts) against a half of B (columns, h_B + 1 counts).
    public var between: [Int]
    /// A half of A against the other.
    public var withinFirst: [Int]
    /// A half of B against the other.
    public var withinSecond: [Int]
    /// h_A: networks in a half of A.
    public let firstCount: Int
    /// h_B: networks in a half of B.
    public let secondCount: Int

    init(firstCount: Int, secondCount: Int) {
      self.firstCount = firstCount
      self.secondCount = secondCount
      let (rows, columns) = (firstCount + 1, secondCount + 1)
      between = [Int](repeating: 0, count: rows * columns)
      withinFirst = [Int](repeating: 0, count: rows * rows)
      withinSecond = [Int](repeating: 0, count: columns * columns)
    }
  }
}

extension ErrorStudy {
  /// Of all networks of both groups.
  public var dispersion: ExampleDispersion { dispersion(members.first, members.second) }

  func dispersion(_ first: [Int], _ second: [Int]) -> ExampleDispersion {
    let errors = [first, second].map { SampleMean(correct.accuracies($0)).standardError }
    return ExampleDispersion(
      correct.counts(first), of: first.count, correct.counts(second), of: second.count,
      standardError: (errors[0] * errors[0] + errors[1] * errors[1]).squareRoot())
  }

  /// Random halves of each group, `repeats` times.
  public func dispersionControl(repeats: Int, seed: UInt64) -> DispersionControl {
    let sizes = (members.first.count / 2, members.second.count / 2)
    var scatters = DispersionControl.Scatters(firstCount: sizes.0, secondCount: sizes.1)
    func add(_ rows: [Int32], _ columns: [Int32], of columnCount: Int, to scatter: inout [Int]) {
      for (row, column) in zip(rows, columns) {
        scatter[Int(row) * (columnCount + 1) + Int(column)] += 1
      }
    }
    var (between, withinFirst, withinSecond) = (0.0, 0.0, 0.0)
    for number in 0..<repeats {
      let a = halves(of: members.first, seed: seed, number: 2 * number)
      let b = halves(of: members.second, seed: seed, number: 2 * number + 1)
      let (a1, a2) = (correct.counts(a.first), correct.counts(a.second))
      let (b1, b2) = (correct.counts(b.first), correct.counts(b.second))
      between += meanSquaredDifference(a1, of: sizes.0, b1, of: sizes.1)
      withinFirst += meanSquaredDifference(a1, of: sizes.0, a2, of: sizes.0)
      withinSecond += meanSquaredDifference(b1, of: sizes.1, b2, of: sizes.1)
      add(a1, b1, of: sizes.1, to: &scatters.between)
      add(a1, a2, of: sizes.0, to: &scatters.withinFirst)
      add(b1, b2, of: sizes.1, to: &scatters.withinSecond)
    }
    let count = Double(repeats)
    return DispersionControl(
      between: between / count, withinFirst: withinFirst / count,
      withinSecond: withinSecond / count, scatters: scatters)
  }
}
