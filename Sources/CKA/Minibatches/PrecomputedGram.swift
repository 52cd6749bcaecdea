import Device

/// The Gram matrix of a layer that was made elsewhere, such as on the device that holds the activations: XXᵀ of X,
/// examples × features, whose columns have the mean 0.
///
/// Centered columns keep what is common to all examples out of the float32 numbers: centering the matrix alone would
/// take it away after it has cost their digits.
public struct PrecomputedGram: @unchecked Sendable {
  // @unchecked: nobody writes the numbers until the matrix is added.

  /// What the model calls the layer.
  public let name: String
  /// n.
  public let exampleCount: Int
  /// p.
  public let featureCount: Int
  /// Whether every activation is finite.
  public let isFinite: Bool
  /// Whether every feature has the same value in all examples.
  public let isConstant: Bool
  /// The numbers times 2^exponent are the matrix.
  public let exponent: Int
  private let numbers: UnsafeBufferPointer<Float>

  /// A matrix whose numbers stay where they are.
  ///
  /// - Parameters:
  ///   - name: what the model calls the layer.
  ///   - numbers: the entries (i, j) with i ≥ j, row by row, n(n + 1)/2. They must stay until the matrix is added.
  ///   - exampleCount: n.
  ///   - featureCount: p, at least 1.
  ///   - isFinite: whether every activation is finite.
  ///   - isConstant: whether every feature has the same value in all examples.
  ///   - exponent: the numbers times 2^exponent are the matrix.
  /// - Throws: `ComparisonError` where there is another number of them, or a count is too small.
  public init(
    name: String, numbers: UnsafeBufferPointer<Float>, exampleCount: Int, featureCount: Int,
    isFinite: Bool, isConstant: Bool, exponent: Int = 0
  ) throws(ComparisonError) {
    let expected = GramCentering.biased.packedCount(exampleCount: exampleCount)
    guard exampleCount >= 0, featureCount >= 1, numbers.count == expected else {
      throw ComparisonError(
        "layer \(name): found \(numbers.count) numbers of the matrix of \(exampleCount) examples and "
          + "\(featureCount) features, expected \(expected)")
    }
    self.name = name
    self.numbers = numbers
    self.exampleCount = exampleCount
    self.featureCount = featureCount
    self.isFinite = isFinite
    self.isConstant = isConstant
    self.exponent = exponent
  }

  /// Writes the U-centered matrix as devices do, with the norm of what it was before as its unit.
  func center(into row: UnsafeMutableBufferPointer<Float>) -> GramSummary {
    row.initialize(repeating: 0)
    guard isFinite, !isConstant else { return .empty(isFinite: isFinite, isConstant: isConstant) }
    let n = exampleCount
    var sums = [Double](repeating: 0, count: n)
    var (squares, trace) = (0.0, 0.0)
    for i in 0..<n {
      let start = i * (i + 1) / 2
      for j in 0..<i {
        let value = Double(numbers[start + j])
        sums[i] += value
        sums[j] += value
        squares += 2 * value * value
      }
      trace += Double(numbers[start + i])
    }
    let norm = squares.squareRoot()
    guard norm > 0, norm.isFinite, trace.isFinite else {
      // No two examples have anything in common, or the matrix does not fit float32.
      return .empty(isFinite: norm == 0, isConstant: false)
    }
    let own = Int(norm.exponent) + 1
    let scale = Double(sign: .plus, exponent: -own, significand: 1)
    let means = GramCentering.unbiased.rowMeans(sums: sums)
    var place = 0
    for i in 0..<n {
      let start = i * (i + 1) / 2
      for j in 0..<i {
        let centered = Double(numbers[start + j]) - means[i] - means[j]
        row[place] = Float(centered * scale * 2.0.squareRoot())
        place += 1
      }
    }
    return GramSummary(
      exponent: exponent + own, isFinite: true, isConstant: false,
      roundingNorm: RoundingModel.linear(
        squaredNorm: squares, trace: trace, featureCount: featureCount) * scale)
  }
}
