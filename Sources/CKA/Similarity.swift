import Device

/// Why a value exists, or does not.
public enum Status: String, Sendable, Hashable, CaseIterable {
  /// The value exists, within the stated accuracy.
  case ok
  /// The layer has the same activations for all examples: HSIC(K, K) is zero.
  case constant
  /// The layer holds NaN or infinity, or its RBF bandwidth is zero.
  case nonFinite = "non-finite"
  /// The estimator does not exist for so few examples.
  case tooFewExamples = "too-few-examples"
  /// The centered Gram matrix is as small as its rounding errors.
  case lowPrecision = "low-precision"
  /// The value depends on which of several principal components of equal variance is the first.
  case degenerate

  /// The status of a cell between two layers: the first trouble of either.
  package static func ofCell(_ a: Status, _ b: Status) -> Status {
    let order: [Status] = [.tooFewExamples, .nonFinite, .constant, .lowPrecision, .degenerate]
    return order.first { $0 == a || $0 == b } ?? .ok
  }
}

/// The similarity of all layers of one model with all layers of another, or of its own.
public struct Similarity: Sendable {
  /// CKA, layers × layers; NaN where undefined. Unbiased estimates may be negative.
  public let cka: Matrix<Double>
  /// Why each cell has a value or has none.
  public let statuses: Matrix<Status>
  /// Why each layer of the first model has values or has none.
  public let leftStatuses: [Status]
  /// The same of the second model.
  public let rightStatuses: [Status]
  /// How many standard deviations CKA lies above its mean, 0, when the examples are paired at
  /// random; NaN where undefined, nil for the biased estimator, whose mean is not 0.
  ///
  /// The variance 2/(n(n−3)) is exact for any data. Passes over the same examples are not
  /// independent: `MinibatchPlan.varianceInflation`. The distribution is skewed: `significance` gives
  /// what can be said, not a normal tail.
  public let z: Matrix<Double>?
  /// RBF's σ of each layer of the first model, the smallest of its minibatches.
  public let leftSigmas: [Double?]
  /// The same of the second model.
  public let rightSigmas: [Double?]

  /// p ≤ 1/(1 + z²), Cantelli's one-sided bound for any distribution; nil where `z` is.
  public var significance: Matrix<Double>? {
    z?.map { $0.isNaN ? .nan : $0 > 0 ? 1 / (1 + $0 * $0) : 1 }
  }

  /// Whether any cell has a value.
  public var hasValues: Bool { statuses.elements.contains(.ok) }

  package init(
    cka: Matrix<Double>, statuses: Matrix<Status>, leftStatuses: [Status], rightStatuses: [Status],
    z: Matrix<Double>?, leftSigmas: [Double?], rightSigmas: [Double?]
  ) {
    self.cka = cka
    self.statuses = statuses
    self.leftStatuses = leftStatuses
    self.rightStatuses = rightStatuses
    self.z = z
    self.leftSigmas = leftSigmas
    self.rightSigmas = rightSigmas
  }
}

extension Similarity {
  /// No values, because the estimator does not exist for so few examples.
  static func tooFewExamples(left: Int, right: Int) -> Similarity {
    Similarity(
      cka: Matrix(rows: left, columns: right, repeating: .nan),
      statuses: Matrix(rows: left, columns: right, repeating: .tooFewExamples),
      leftStatuses: Array(repeating: .tooFewExamples, count: left),
      rightStatuses: Array(repeating: .tooFewExamples, count: right), z: nil,
      leftSigmas: Array(repeating: nil, count: left),
      rightSigmas: Array(repeating: nil, count: right))
  }

  /// CKA from sums of HSIC over minibatches.
  ///
  /// - Parameter varianceInflation: `MinibatchPlan.varianceInflation` of their plan.
  package init(_ sums: HSICSums, centering: GramCentering, varianceInflation: Double = 1) {
    let left = sums.left.map { sums.status(of: $0) }
    let right = sums.right.map { sums.status(of: $0) }
    var cka = Matrix<Double>(rows: left.count, columns: right.count, repeating: .nan)
    var z = cka
    var statuses = Matrix<Status>(rows: left.count, columns: right.count, repeating: .ok)
    for i in left.indices {
      for j in right.indices {
        statuses[i, j] = .ofCell(left[i], right[j])
        guard statuses[i, j] == .ok else { continue }
        // Float64, in units of each layer's own scale: neither factor is far from 1, and the root
        // of a square is exact, so that a layer's similarity with itself is 1.
        let squares = sums.left[i].selfHSIC * sums.right[j].selfHSIC
        cka[i, j] = sums.cross[i, j] / squares.squareRoot()
        z[i, j] = sums.cross[i, j] / (varianceInflation * sums.nullVariance[i, j]).squareRoot()
      }
    }
    self.init(
      cka: cka, statuses: statuses, leftStatuses: left, rightStatuses: right,
      z: centering == .unbiased ? z : nil, leftSigmas: sums.left.map(\.sigma),
      rightSigmas: sums.right.map(\.sigma))
  }
}

extension HSICSums {
  /// The estimate is several times too large (see `Documentation/Numerics.md`), so that two layers
  /// together stay within the promised error.
  package func status(of layer: Layer) -> Status {
    if !layer.isFinite { return .nonFinite }
    if layer.isConstant { return .constant }
    return errorEstimate(of: layer) <= tolerance ? .ok : .lowPrecision
  }

  /// Whether rounding may move a layer's CKA by more than is promised: the true error was seen to be up to
  /// eight times the estimate, where the errors have a direction (`Documentation/Numerics.md`).
  ///
  /// A promise of more than 1e-5 (`fast`) leaves that much to the estimate alone.
  func isDoubtful(_ layer: Layer) -> Bool {
    layer.isFinite && !layer.isConstant && tolerance <= Precision.exact.tolerance
      && errorEstimate(of: layer) > tolerance / 8
  }

  /// How far rounding in one layer's Gram matrices may move its CKA with any other.
  ///
  /// Rounding of relative size r turns a vector of `dimension` numbers by r/√dimension towards any
  /// other, and lengthens it by r²/2.
  func errorEstimate(of layer: Layer) -> Double {
    guard layer.selfHSIC > 0 else { return .infinity }
    let relative = (layer.rounding / layer.selfHSIC).squareRoot()
    return relative / dimension.squareRoot() + relative * relative / 2
  }
}
