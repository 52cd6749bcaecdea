import Device

/// HSIC of all layer pairs, summed over minibatches; CKA is a ratio of them.
///
/// Sums of different minibatches add up (`merge`), so work can be divided and resumed. Each layer
/// has a power of two of its own taken out, so that no scale of activations overflows.
package struct HSICSums: Sendable {
  /// One layer's own sums.
  package struct Layer: Sendable, Hashable {
    /// Gram matrices are in units of 2^exponent.
    var exponent: Int
    /// Σ HSIC(K, K), in units of 2^(2·exponent).
    var selfHSIC: Double
    /// Σ ‖E‖² / normalizer: what rounding may have added to `selfHSIC`.
    var rounding: Double
    /// False where any activation was NaN or infinite.
    var isFinite: Bool
    /// True where no minibatch saw two different values of a feature.
    var isConstant: Bool
    /// RBF's smallest σ of any minibatch.
    var sigma: Double?

    /// Whether there is nothing in units of 2^exponent.
    fileprivate var isEmpty: Bool { selfHSIC == 0 && rounding == 0 }
  }

  /// The first model's layers.
  package private(set) var left: [Layer]
  /// The second model's layers; of one model compared with itself, the same.
  package private(set) var right: [Layer]
  /// Σ HSIC(K, L): layers(left) × layers(right), in units of both layers' exponents.
  var cross: Matrix<Double>
  /// The variance of `cross` when examples are paired at random, in squared units; unbiased only.
  var nullVariance: Matrix<Double>
  /// Σ of the dimensions of the spaces the centered Gram matrices lie in.
  var dimension: Double
  /// The error of CKA that a layer's rounding may bring: that of the least precise device so far.
  private(set) var tolerance: Double

  /// The sums of one minibatch of `exampleCount` examples.
  ///
  /// - Parameters:
  ///   - products: ⟨Kᵢ, Lⱼ⟩ in stored units.
  ///   - leftSquares: ⟨Kᵢ, Kᵢ⟩; likewise `rightSquares`.
  ///   - precision: how the device made its products.
  ///   - tolerance: the error of CKA that is allowed where it is more than the precision's: that of
  ///     matrices that were rounded before they were multiplied.
  package init(
    exampleCount n: Int, centering: GramCentering, left: [GramSummary], right: [GramSummary],
    products: Matrix<Double>, leftSquares: [Double], rightSquares: [Double],
    precision: Precision = .exact, tolerance: Double = 0
  ) {
    let normalizer = centering.normalizer(exampleCount: n)
    func layers(_ summaries: [GramSummary], _ squares: [Double]) -> [Layer] {
      zip(summaries, squares).map { summary, square in
        Layer(
          exponent: summary.exponent, selfHSIC: square / normalizer,
          rounding: summary.roundingNorm * summary.roundingNorm / normalizer,
          isFinite: summary.isFinite, isConstant: summary.isConstant, sigma: summary.sigma)
      }
    }
    self.left = layers(left, leftSquares)
    self.right = layers(right, rightSquares)
    cross = products.map { $0 / normalizer }
    nullVariance = Matrix(rows: left.count, columns: right.count, repeating: 0)
    self.tolerance = max(precision.tolerance, tolerance)
    dimension = Self.dimension(exampleCount: n, centering)
    if centering == .unbiased {
      // Var⟨A, B⟩ = 2‖A‖²‖B‖²/(n(n−3)) under a random pairing of the rows, whatever the data.
      let columns = self.right.map(\.selfHSIC)
      nullVariance.elements = self.left.flatMap { row in
        let factor = 2 * row.selfHSIC / normalizer
        return columns.map { factor * $0 }
      }
    }
  }

  /// The dimension of the space of centered Gram matrices of n examples.
  static func dimension(exampleCount n: Int, _ centering: GramCentering) -> Double {
    Double(n) * Double(centering == .unbiased ? n - 3 : n - 1) / 2
  }

  /// Adds the sums of other minibatches of the same layers.
  package mutating func merge(_ other: HSICSums) {
    precondition(
      left.count == other.left.count && right.count == other.right.count,
      "sums of different layers do not add up")
    let leftScales = Self.merge(&left, other.left)
    let rightScales = Self.merge(&right, other.right)
    let (own, others) = (rightScales.map(\.own), rightScales.map(\.other))
    for (i, scale) in leftScales.enumerated() {
      let row = i * right.count
      for j in right.indices {
        let (ours, theirs) = (scale.own * own[j], scale.other * others[j])
        cross.elements[row + j] =
          cross.elements[row + j] * ours + other.cross.elements[row + j] * theirs
        nullVariance.elements[row + j] =
          nullVariance.elements[row + j] * ours * ours
          + other.nullVariance.elements[row + j] * theirs * theirs
      }
    }
    dimension += other.dimension
    tolerance = max(tolerance, other.tolerance)
  }

  /// Adds `other` to `layers` in units of the larger exponent; returns the factors that bring both
  /// sides' Gram matrices to it. Powers of two: nothing is rounded.
  private static func merge(
    _ layers: inout [Layer], _ other: [Layer]
  ) -> [(own: Double, other: Double)] {
    layers.indices.map { index in
      let new = other[index]
      var layer = layers[index]
      // A layer without a matrix has no exponent. A matrix that vanished in centering has that of
      // its rounding errors.
      let exponent =
        new.isEmpty
        ? layer.exponent
        : layer.isEmpty ? new.exponent : max(layer.exponent, new.exponent)
      func factor(_ from: Int) -> Double {
        Double(sign: .plus, exponent: max(from - exponent, -1000), significand: 1)
      }
      let own = layer.isEmpty ? 1 : factor(layer.exponent)
      let others = new.isEmpty ? 1 : factor(new.exponent)
      layer.exponent = exponent
      layer.selfHSIC = layer.selfHSIC * own * own + new.selfHSIC * others * others
      layer.rounding = layer.rounding * own * own + new.rounding * others * others
      layer.isFinite = layer.isFinite && new.isFinite
      layer.isConstant = layer.isConstant && new.isConstant
      layer.sigma = [layer.sigma, new.sigma].compactMap { $0 }.min()
      layers[index] = layer
      return (own, others)
    }
  }
}
