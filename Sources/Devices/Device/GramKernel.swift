/// The function of two examples whose values fill a Gram matrix.
public enum GramKernel: Sendable, Hashable {
  /// K_ij = ⟨xᵢ, xⱼ⟩.
  case linear
  /// K_ij = exp(−‖xᵢ − xⱼ‖² / (2σ²)).
  case rbf(Bandwidth)

  /// The most examples whose matrix is made in one piece, on any device: places in its triangle are 32-bit
  /// numbers.
  public static let mostExamplesOfOneMatrix = 65_535

  /// How σ is found. Libraries disagree; results name the convention.
  public enum Bandwidth: Sendable, Hashable {
    /// σ² = t² · the median of all n² squared distances, the zero diagonal included
    /// (Kornblith et al. 2019, the authors' notebook). Of an even count the median is the mean of
    /// the two middle values.
    case medianMultiple(Double)
    /// The same of `examples` examples spread evenly, or of all where there are no more: of n, the k-th
    /// is ⌊k·n/examples⌋ (`sample`). Where examples are far too many for all pairs of them.
    case sampledMedianMultiple(Double, examples: Int)
    /// σ itself, in units of the activations.
    case sigma(Double)

    /// Which `count` of n examples a sampled median is taken of; all, where there are no more.
    public static func sample(of exampleCount: Int, count: Int) -> [Int] {
      let count = max(min(count, exampleCount), 0)
      return (0..<count).map {
        count.dividingFullWidth(exampleCount.multipliedFullWidth(by: $0)).quotient
      }
    }
  }
}

/// How a Gram matrix is centered, which decides the estimator of HSIC.
public enum GramCentering: Sendable, Hashable, CaseIterable {
  /// U-centering (Székely & Rizzo; Song et al. 2012): the diagonal is zeroed,
  /// mᵢ = rowsumᵢ/(n−2), m ← m − Σm/(2(n−1)), K_ij ← K_ij − mᵢ − mⱼ off the diagonal.
  /// Stored: i > j, row by row, n(n−1)/2 numbers; entry (i, j) at i(i−1)/2 + j, times √2.
  case unbiased
  /// HKH with H = I − 11ᵀ/n: K_ij ← K_ij − mᵢ − mⱼ + Σm/n with mᵢ = rowsumᵢ/n.
  /// Stored: i ≥ j, row by row, n(n+1)/2 numbers; entry (i, j) at i(i+1)/2 + j, off the diagonal
  /// times √2.
  case biased

  // With off-diagonal entries times √2 the plain product of two packed rows is ⟨K, L⟩.

  /// The fewest examples the estimator exists for.
  public var leastExamples: Int { self == .unbiased ? 4 : 2 }

  /// Numbers in the packed triangle of `exampleCount` examples.
  public func packedCount(exampleCount n: Int) -> Int {
    // No machine holds the matrix of 2³¹ examples; that of more must not count as one of fewer.
    let n = max(min(n, 1 << 31), 0)
    return self == .unbiased ? n * (n - 1) / 2 : n * (n + 1) / 2
  }

  /// What is taken from the entries of a matrix with these row sums (.unbiased: without its diagonal),
  /// K_ij − mᵢ − mⱼ: half of the grand mean is in each m.
  public func rowMeans(sums: [Double]) -> [Double] {
    let n = Double(sums.count)
    let (divisor, grandDivisor) =
      self == .unbiased ? (n - 2, 2 * (n - 1) * (n - 2)) : (n, 2 * n * n)
    let grand = sums.reduce(0, +) / grandDivisor
    return sums.map { $0 / divisor - grand }
  }

  /// What ⟨K, L⟩ is divided by to give HSIC: n(n−3), or (n−1)².
  public func normalizer(exampleCount n: Int) -> Double {
    self == .unbiased ? Double(n) * Double(n - 3) : Double(n - 1) * Double(n - 1)
  }
}

/// How to read rounding off a Gram matrix that is about to be centered; the same on every device.
public enum RoundingModel {
  /// An estimate of ‖E‖, the norm of the float32 rounding errors of a linear Gram matrix.
  ///
  /// An entry is a sum of p products, made in slices of at most some hundred terms. Each term's
  /// rounding is ≤ u|K_ij| relative to the growing sum plus u·√(K_ii·K_jj/p) for its own random
  /// walk (u = 2⁻²⁴); over all entries that is u·√(‖K‖² + tr(K)²/p), and the factor 4 covers the
  /// slices, the features' centering and K's own. See `Documentation/Numerics.md`.
  ///
  /// - Parameters:
  ///   - squaredNorm: ‖K‖² over the entries that centering keeps, before centering.
  ///   - trace: tr K.
  ///   - featureCount: p.
  ///   - isRounded: whether features were rounded to float16 (`Precision.fast`). An 11-bit number is
  ///     off by 2⁻¹¹/√3 of itself at most, in the mean, and a product has two: 2⁻¹¹ covers them.
  ///   - unitRoundoff: u of the arithmetic.
  public static func linear(
    squaredNorm: Double, trace: Double, featureCount: Int, isRounded: Bool = false,
    unitRoundoff: Double = Self.unitRoundoff
  ) -> Double {
    (isRounded ? 0x1p-11 : 4 * unitRoundoff)
      * (squaredNorm + trace * trace / Double(max(featureCount, 1))).squareRoot()
  }

  /// How far the means of features may exceed their spread where these are multiplied with their means.
  ///
  /// K gains a part of norm n·Σmean², whose rounding 4u·n·Σmean² centering leaves behind. What else is left has the norm
  /// n·Σvariance/√p or more, unless it is less than features without any pattern would leave. The
  /// quotient r moves CKA by r/√d + r²/2, d = n(n−3)/2: below 2e-6 + 5e-7.
  ///
  /// - Returns: the most that Σmean²·√p may be, in units of Σvariance.
  public static func offsetLimit(exampleCount n: Int) -> Double {
    let dimension = Double(n) * Double(max(n - 3, 1)) / 2
    return min(2e-6 * dimension.squareRoot(), 1e-3) / (4 * unitRoundoff)
  }

  /// An estimate of ‖E‖ for an RBF matrix, stored as K or as K − 1 (`storesLessOne`).
  ///
  /// Beside the rounding of the entries themselves, a squared distance K_ii + K_jj − 2K_ij carries
  /// u(K_ii + K_jj), which the exponential turns into u·K·(K_ii + K_jj)/(2σ²): with the mean of the
  /// diagonal, u·‖K‖·tr(K)/(nσ²) over all entries. Values below 2⁻¹²⁶ are lost.
  ///
  /// - Parameters:
  ///   - squaredNorm: the stored matrix's ‖·‖² over the entries that centering keeps.
  ///   - trace: the trace of the linear Gram matrix the distances were made of.
  ///   - exampleCount: n.
  ///   - sigmaSquared: σ², in the units of `trace`.
  public static func rbf(
    squaredNorm: Double, trace: Double, exampleCount: Int, sigmaSquared: Double
  ) -> Double {
    let n = Double(exampleCount)
    let stored = squaredNorm.squareRoot()
    let lessOne = storesLessOne(
      trace: trace, exampleCount: exampleCount, sigmaSquared: sigmaSquared)
    return unitRoundoff * (stored + trace / (n * sigmaSquared) * (lessOne ? n : stored))
      + n * 0x1p-126
  }

  /// Whether an RBF matrix is stored as K − 1, which centers to the same matrix: values near 1 keep
  /// their digits so, as those near 0 do in K. The mean squared distance is 2·tr(K)/(n−1).
  public static func storesLessOne(
    trace: Double, exampleCount: Int, sigmaSquared: Double
  ) -> Bool {
    trace / Double(exampleCount - 1) < sigmaSquared
  }

  /// u of float32: 2⁻²⁴.
  public static let unitRoundoff = 0x1p-24
}
