import Device
import Support

/// What turns ‖XᵀY‖² of centered features into ⟨K̃, L̃⟩, and how far rounding takes either.
/// Derivations: `Documentation/Numerics.md`.
struct FeatureSpace: Sendable {
  private let n: Double
  private let centering: GramCentering
  /// The dimension of the space that centered Gram matrices lie in.
  private let dimension: Double

  init(_ work: FullBatchWork) {
    n = Double(work.exampleCount)
    centering = work.centering
    dimension = n * (centering == .unbiased ? n - 3 : n - 1) / 2
  }

  /// What is taken from ‖XᵀY‖²: n/(n−2)·Σ‖x‖²‖y‖² − Σ‖x‖²·Σ‖y‖²/((n−1)(n−2)), which is what the
  /// diagonals add; nothing for the biased estimator, which keeps them.
  func correction(_ x: [Float], _ y: [Float]) -> Double {
    guard centering == .unbiased else { return 0 }
    var (product, first, second) = (0.0, 0.0, 0.0)
    for index in x.indices {
      let (a, b) = (Double(x[index]), Double(y[index]))
      product += a * b
      first += a
      second += b
    }
    return n / (n - 2) * product - first * second / ((n - 1) * (n - 2))
  }

  /// `correction` of all pairs of layers that are marked in `isNeeded`.
  func corrections(
    _ rows: [[Float]], _ columns: [[Float]], _ isNeeded: Matrix<Bool>
  ) -> Matrix<Double> {
    var result = Matrix<Double>(rows: rows.count, columns: columns.count, repeating: 0)
    let width = columns.count
    result.elements.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer
      perform(rows.count) { i in
        for j in 0..<width where isNeeded[i, j] {
          buffer[i * width + j] = correction(rows[i], columns[j])
        }
      }
    }
    return result
  }

  /// An estimate of ‖E‖ of a matrix that was made in tiles.
  ///
  /// The model asks for ‖K‖² before centering. K = K̃ + (mᵢ + mⱼ), and K̃, whose rows add up to 0, is
  /// orthogonal to the other part: the squares of both add up.
  func roundingOfTiles(
    square: Double, squareOfMeans: Double, trace: Double, featureCount: Int, sigma: Double?,
    exponentOfSquares: Int, precision: Precision
  ) -> Double {
    let squaredNorm = square + squareOfMeans
    guard let sigma else {
      return RoundingModel.linear(
        squaredNorm: squaredNorm, trace: trace, featureCount: featureCount,
        isRounded: precision == .fast)
    }
    let unit = Double(sign: .plus, exponent: -exponentOfSquares, significand: 1)
    return RoundingModel.rbf(
      squaredNorm: squaredNorm, trace: trace, exampleCount: Int(n),
      sigmaSquared: sigma * sigma * unit)
  }

  /// The ‖E‖ of a Gram matrix that would turn CKA as far as the rounding of XᵀX does.
  ///
  /// XᵀX is p × p, its entries sums of n products: the model of Gram matrices with n and p in each
  /// other's place gives the norm of its errors. They turn ‖XᵀX‖² by 2‖XᵀX‖‖E‖/√d and add ‖E‖², with
  /// d = p(p+1)/2 its dimension; of CKA that is half, relative to what the correction leaves.
  ///
  /// - Parameters:
  ///   - square: ⟨K̃, K̃⟩.
  ///   - featureSquare: ‖XᵀX‖².
  func roundingOfFeatures(
    square: Double, featureSquare: Double, trace: Double, featureCount: Int
  ) -> Double {
    guard square > 0 else { return .infinity }
    let p = Double(featureCount)
    let errors = RoundingModel.linear(
      squaredNorm: featureSquare, trace: trace, featureCount: Int(n))
    let turn = featureSquare.squareRoot() * errors / (p * (p + 1) / 2).squareRoot()
    let delta = (turn + errors * errors / 2) / square
    // What r gives the same δ = r/√d + r²/2 in the space of Gram matrices?
    let product = 2 * delta * dimension
    let relative = product / ((1 + product).squareRoot() + 1) / dimension.squareRoot()
    return relative * square.squareRoot()
  }
}
