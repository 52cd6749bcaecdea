import Glibc

/// Three nested logistic models of which networks get which examples right, by maximum likelihood.
///
/// With one trial for each network and example, the log odds of being right are
/// 1. αᵢ: the example alone decides;
/// 2. αᵢ + γ for the networks of the second group: one group is better by as much everywhere;
/// 3. αᵢ + γᵢ: each example has its own difference.
///
/// Examples that all networks got right, or none, have the likelihood 1 in every model; they are left out
/// and have no parameters. A group that got an example always or never right has likelihood 1 there in
/// model 3, which is approached as γᵢ grows: the limits count, and no parameter is iterated towards them.
public struct LogisticModels: Sendable, Hashable {
  /// How well a model fits.
  public struct Fit: Sendable, Hashable {
    /// k: 1 or 2 an example, and 1 for γ.
    public let parameters: Int
    /// log L of all single trials.
    public let logLikelihood: Double
    /// 2k − 2 log L (Akaike 1974).
    public var aic: Double { 2 * Double(parameters) - 2 * logLikelihood }
  }

  /// What a model explains better than the one before.
  ///
  /// There is no p of χ²: it is right where there are many networks for each parameter, and model 3 has a
  /// parameter for each example and group. Of 4 and 4 networks of one kind it would be below 0.05 in 95 of
  /// 100 studies. `RelabelingTest` is right for any number.
  public struct Comparison: Sendable, Hashable {
    /// 2(log L of the larger − log L of the smaller), at least 0.
    public let statistic: Double
    /// How many parameters more.
    public let degreesOfFreedom: Int
  }

  /// How many examples some networks got right and some wrong.
  public let exampleCount: Int
  /// Models 1, 2 and 3.
  public let fits: [Fit]
  /// γ, the second group's log odds less the first's; nil where it has no finite estimate.
  public let groupEffect: Double?

  /// Model 2 against 1.
  public var group: Comparison { comparison(of: 1) }
  /// Model 3 against 2: does it depend on the example which group is better?
  public var interaction: Comparison { comparison(of: 2) }

  /// v² = 1 − log L₃/log L₂: the fraction of the deviance left by examples and groups that each example's
  /// own difference explains, from 0 to 1 (McFadden's R² of model 3 with model 2 as the null). Chance
  /// explains some, too, the more the fewer the networks; NaN where model 2 leaves nothing.
  public var effectSize: Double {
    // A deviance this small is rounding or the clamp at γ = 80.
    guard fits[1].logLikelihood < -1e-9 else { return .nan }
    return 1 - fits[2].logLikelihood / fits[1].logLikelihood
  }

  private func comparison(of larger: Int) -> Comparison {
    let gain = 2 * (fits[larger].logLikelihood - fits[larger - 1].logLikelihood)
    return Comparison(
      statistic: max(gain, 0),
      degreesOfFreedom: fits[larger].parameters - fits[larger - 1].parameters)
  }

  /// Fits counts of right networks.
  ///
  /// - Parameters:
  ///   - first: how many of `firstCount` networks got each example right; alike the second.
  init(_ first: [Int32], of firstCount: Int, _ second: [Int32], of secondCount: Int) {
    let (a, b) = (Double(firstCount), Double(secondCount))
    let count = firstCount + secondCount
    /// Σ x log x over counts: what a cell adds to log L is their differences.
    let terms = (0...count).map { $0 == 0 ? 0 : Double($0) * log(Double($0)) }
    func cell(_ right: Int, of all: Int) -> Double {
      terms[right] + terms[all - right] - terms[all]
    }
    // Examples with the same sum over both groups have the same αᵢ in models 1 and 2.
    var examples = [Int](repeating: 0, count: count + 1)
    var rightInSecond = examples
    var (active, separate) = (0, 0.0)
    for (x, y) in zip(first, second) {
      let (x, y) = (Int(x), Int(y))
      let sum = x + y
      guard sum > 0, sum < count else { continue }
      active += 1
      examples[sum] += 1
      rightInSecond[sum] += y
      separate += cell(x, of: firstCount) + cell(y, of: secondCount)
    }
    let alone = (1..<count).reduce(0.0) { $0 + Double(examples[$1]) * cell($1, of: count) }

    /// e^αᵢ of examples with `sum`, which makes the expected sum the observed one for γ = log g: the
    /// positive root of g(m − s)u² + (a + bg − s(1 + g))u − s = 0.
    func odds(_ sum: Int, _ g: Double) -> Double {
      let s = Double(sum)
      let (square, linear) = (g * (a + b - s), a + b * g - s * (1 + g))
      let root = (linear * linear + 4 * square * s).squareRoot()
      return linear > 0 ? 2 * s / (linear + root) : (root - linear) / (2 * square)
    }
    /// How many more right answers of the second group there are than γ = log g expects.
    func surplus(_ gamma: Double) -> Double {
      let g = exp(gamma)
      return (1..<count).reduce(0.0) { result, sum in
        guard examples[sum] > 0 else { return result }
        let u = odds(sum, g) * g
        return result + Double(rightInSecond[sum]) - Double(examples[sum]) * b * u / (1 + u)
      }
    }
    // Beyond ±80 nothing changes: e^−40 of a trial is left.
    let bound = 80.0
    var (low, high) = (-bound, bound)
    if active > 0 {
      while true {
        let middle = (low + high) / 2
        guard middle > low, middle < high else { break }
        if surplus(middle) > 0 { low = middle } else { high = middle }
      }
    }
    let gamma = (low + high) / 2
    groupEffect = active > 0 && abs(gamma) < bound / 2 ? gamma : nil
    let g = exp(gamma)
    var shared = 0.0
    for sum in 1..<count where examples[sum] > 0 {
      let (u, all) = (odds(sum, g), Double(examples[sum]))
      let y = Double(rightInSecond[sum])
      let x = all * Double(sum) - y
      // log σ(α) = −log(1 + e^−α), of both groups and of being wrong.
      shared -= x * log1p(1 / u) + (all * a - x) * log1p(u)
      shared -= y * log1p(1 / (u * g)) + (all * b - y) * log1p(u * g)
    }
    exampleCount = active
    fits = [
      Fit(parameters: active, logLikelihood: alone),
      Fit(parameters: active > 0 ? active + 1 : 0, logLikelihood: shared),
      Fit(parameters: 2 * active, logLikelihood: separate),
    ]
  }
}

extension ErrorStudy {
  /// Of all networks of both groups.
  public var logisticModels: LogisticModels { logisticModels(members.first, members.second) }

  func logisticModels(_ first: [Int], _ second: [Int]) -> LogisticModels {
    LogisticModels(
      correct.counts(first), of: first.count, correct.counts(second), of: second.count)
  }
}
