import CKA
import Device
import Statistics

/// For each layer of one network the layer of another that is most like it.
public struct LayerMatches: Sendable, Hashable {
  /// A layer's best match.
  public struct Match: Sendable, Hashable {
    /// The place of the most similar layer; the first of several.
    public let layer: Int
    /// How alike they are.
    public let similarity: Double
    /// The chance that a layer drawn from those of the highest similarity stands at the same place:
    /// 1 or 0 unless several are equally alike.
    public let atSamePlace: Double
  }

  /// For each row of a map its match among the columns; nil where the row has no value.
  public let matches: [Match?]

  /// The matches of the rows of `cka`, layers × layers, NaN where undefined.
  public init(ofRows cka: Matrix<Double>) {
    matches = (0..<cka.rows).map { row in
      let values = (0..<cka.columns).map { cka[row, $0] }
      guard let best = values.filter({ !$0.isNaN }).max(), let first = values.firstIndex(of: best)
      else { return nil }
      let isAmong = row < values.count && values[row] == best
      return Match(
        layer: first, similarity: best,
        atSamePlace: isAmong ? 1 / Double(values.count { $0 == best }) : 0)
    }
  }

  /// The share of layers whose match stands at the same place, among those whose own place is defined in
  /// the other network; nil where there are none. Only for networks of the same layers.
  func accuracy(of cka: Matrix<Double>) -> Double? {
    let counted = matches.indices.filter { !cka[$0, $0].isNaN }
    guard !counted.isEmpty else { return nil }
    let hits = counted.reduce(0) { $0 + (matches[$1]?.atSamePlace ?? 0) }
    return hits / Double(counted.count)
  }
}

/// Layer-matching accuracy between networks of the same architecture: the share of layers whose
/// most similar layer in a network of another seed is the same layer, over all ordered pairs of
/// networks (Kornblith et al. 2019, section 6.1).
///
/// Networks are the units that vary, not layers or pairs, which share networks: the error is that of the
/// jackknife over networks (Efron & Tibshirani 1993, chapter 11).
public struct LayerMatching: Sendable {
  /// An ordered pair of networks.
  private struct Pair {
    var left: Int
    var right: Int
    var accuracy: Double
  }

  private var pairs: [Pair] = []

  /// Of no pair yet.
  public init() {}

  /// Adds the map of two networks of the same layers, in both directions.
  ///
  /// - Parameters:
  ///   - cka: layers × layers, NaN where undefined.
  ///   - left: which network the rows are of.
  ///   - right: the same of the columns.
  /// - Throws: where they are of different layers.
  public mutating func add(
    _ cka: Matrix<Double>, left: Int, right: Int
  ) throws(ComparisonError) {
    guard cka.rows == cka.columns else {
      throw ComparisonError(
        "a map of \(cka.rows) × \(cka.columns) layers, expected a square map")
    }
    for (map, left, right) in [(cka, left, right), (cka.transposed, right, left)] {
      guard let accuracy = LayerMatches(ofRows: map).accuracy(of: map) else { continue }
      pairs.append(Pair(left: left, right: right, accuracy: accuracy))
    }
  }

  /// How many ordered pairs count: those with a layer that both have.
  public var pairCount: Int { pairs.count }

  /// The networks that count.
  private var networks: [Int] { Set(pairs.flatMap { [$0.left, $0.right] }).sorted() }

  /// How many networks count.
  public var networkCount: Int { networks.count }

  /// The mean over ordered pairs; nil where there are none.
  public var accuracy: Double? { mean(without: nil) }

  /// The jackknife's standard error, √((m − 1)/m·Σ(θ₍ᵢ₎ − θ̄)²) of m networks; nil for fewer than three,
  /// of which leaving one out leaves no pair.
  public var standardError: Double? {
    let values = networks.compactMap { mean(without: $0) }
    guard values.count > 2 else { return nil }
    let count = Double(values.count)
    let middle = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    return ((count - 1) / count * squares).squareRoot()
  }

  /// Where the accuracy lies in 95 of 100 samples of m networks: within t₀.₀₂₅, of m − 1 degrees of
  /// freedom, standard errors, and within 0 and 1. Nil where `standardError` is; of zero width
  /// if all networks agree, which with few networks is no evidence of certainty.
  public var interval: ClosedRange<Double>? {
    guard let accuracy, let standardError else { return nil }
    let freedom = Double(networkCount - 1)
    let reach = StudentT(degreesOfFreedom: freedom).twoSidedCritical(0.05) * standardError
    return max(accuracy - reach, 0)...min(accuracy + reach, 1)
  }

  private func mean(without network: Int?) -> Double? {
    let kept = pairs.filter { $0.left != network && $0.right != network }
    return kept.isEmpty ? nil : kept.reduce(0) { $0 + $1.accuracy } / Double(kept.count)
  }
}
