import Activations
import Device

/// The principal components of all layers of one model, or of two, and what they explain of CKA.
///
/// With λ and u the eigenpairs of a layer's centered Gram matrix HKH = X̃X̃ᵀ, biased linear CKA is
/// Σᵢⱼ λˣᵢ λʸⱼ ⟨uˣᵢ, uʸⱼ⟩² / (√Σ(λˣ)²·√Σ(λʸ)²) (Nguyen, Raghu & Kornblith 2021, equation 4).
public struct ComponentAnalysis: Sendable {
  /// The first model: the rows of maps.
  public let left: any ActivationSource
  /// The second model: the columns; nil to look at the first alone.
  public let right: (any ActivationSource)?
  /// Which examples are compared.
  public let pairing: ExamplePairing
  /// k: the components of each layer that are found; at most n − 1.
  public let components: Int
  /// For each of these counts, CKA is made again without so many first components.
  public let removed: [Int]
  /// The estimator of the maps: unbiased or biased, of all examples at once.
  public let estimator: Estimator
  /// How dominant examples are dropped; nil where they are not.
  public let removal: Removal?

  /// Dropping the examples that dominate the first component.
  public struct Removal: Sendable, Hashable {
    /// Fractions of the examples, ascending.
    public var fractions: [Double]
    /// How often as many examples are drawn at random and dropped instead.
    public var controls: Int
    /// What decides those.
    public var seed: UInt64
    /// The layer of the first model whose component decides; nil for the mean of all layers.
    public var layer: Int?

    /// 0, 1, 2, 5 and 10 % of the examples.
    public init(
      fractions: [Double] = [0, 0.01, 0.02, 0.05, 0.1], controls: Int = 3, seed: UInt64 = 0,
      layer: Int? = nil
    ) {
      self.fractions = fractions
      self.controls = controls
      self.seed = seed
      self.layer = layer
    }
  }

  /// See the properties.
  ///
  /// - Parameters:
  ///   - pairing: without one all examples, which both models hold in the same order.
  ///   - components: k; n − 1 where there are no more.
  ///   - removed: counts beyond those k are left out.
  /// - Throws: `ComparisonError` where the models do not hold the same examples.
  /// - Precondition: four examples or more, and an estimator of all examples at once.
  public init(
    _ left: any ActivationSource, _ right: (any ActivationSource)? = nil,
    pairing: ExamplePairing? = nil, components: Int = 10, removed: [Int] = [1],
    estimator: Estimator = .unbiased, removal: Removal? = Removal()
  ) throws(ComparisonError) {
    let pairing = if let pairing { pairing } else { try ExamplePairing(left, right) }
    precondition(pairing.count >= GramCentering.unbiased.leastExamples, "too few examples")
    precondition(estimator == .unbiased || estimator == .biased, "an estimator of minibatches")
    precondition(components >= 1, "no component")
    self.left = left
    self.right = right
    self.pairing = pairing
    let most = min(components, pairing.count - 1)
    self.components = most
    self.removed = Set(removed).filter { (1...most).contains($0) }.sorted()
    self.estimator = estimator
    self.removal = removal
  }

  /// What was found.
  public struct Outcome: Sendable {
    /// The components of the first model's layers.
    public let left: [LayerComponents]
    /// Those of the second's; of one model, the same.
    public let right: [LayerComponents]
    /// CKA of all pairs of layers.
    public let similarity: Similarity
    /// Biased CKA, which equation 4 splits.
    public let biased: Similarity
    /// CKA without the first `removed` components of both layers, one a count. A pair is undefined
    /// (`lowPrecision`) where what is left of a layer is as small as its rounding errors.
    public let reduced: [Similarity]
    /// ⟨uˣ₁, uʸ₁⟩² of the first components, layers × layers; NaN where a layer has none.
    public let alignment: Matrix<Double>
    /// CKA as dominant examples are dropped; empty where that was not asked for.
    public let removal: [RemovalPoint]
    /// What decided which: for each example the mean over layers of its share u₁ᵢ² of the first
    /// component, or the share of one layer.
    public let shares: [Double]
    /// The device that did it.
    public let device: DeviceInfo
    /// Seconds spent, by stage.
    public let timings: Comparison.Timings
  }

  /// The components of one layer.
  public struct LayerComponents: Sendable {
    /// Why there are any, or none.
    public let status: Status
    /// λ, the largest first, in squared units of the activations; never negative. Empty without `ok`.
    public let values: [Double]
    /// Σλ of all components: tr HKH = Σ‖x̃ᵢ‖².
    public let trace: Double
    /// Σλ² of all components.
    public let squaredNorm: Double
    /// k × n: u, of length 1 each, one entry an example. The entry of largest magnitude is positive.
    public let vectors: Matrix<Double>

    /// λᵢ/Σλ.
    public var varianceFractions: [Double] { values.map { $0 / trace } }

    /// √λ·u: the examples' coordinates on a component, counted from 0, in units of the activations.
    public func projections(on component: Int) -> [Double] {
      let range = component * vectors.columns..<(component + 1) * vectors.columns
      return vectors.elements[range].map { $0 * values[component].squareRoot() }
    }
  }

  /// CKA without some of the examples.
  public struct RemovalPoint: Sendable {
    /// Of all examples.
    public let fraction: Double
    /// The examples with the largest shares, by their place among those compared.
    public let dropped: [Int]
    /// CKA of the others.
    public let cka: Matrix<Double>
    /// Its mean over pairs of different layers (of two models: over all pairs) that are defined.
    public let mean: Double
    /// The same where as many examples were drawn at random and dropped, one a control.
    public let controlMeans: [Double]
  }
}

extension ComponentAnalysis.Outcome {
  /// What each pair of components contributes to biased CKA of two layers, k × k
  /// (Nguyen et al. 2021, equation 4); nil where that is undefined.
  public func contributions(_ i: Int, _ j: Int) -> Matrix<Double>? {
    guard biased.statuses[i, j] == .ok else { return nil }
    let (x, y) = (left[i], right[j])
    var result = innerProducts(x.vectors, y.vectors)
    let norm = x.squaredNorm.squareRoot() * y.squaredNorm.squareRoot()
    for row in 0..<result.rows {
      for column in 0..<result.columns {
        let cosine = result[row, column]
        result[row, column] = x.values[row] / norm * y.values[column] * cosine * cosine
      }
    }
    return result
  }

  /// What is left of biased CKA for all other components.
  public func remainder(_ i: Int, _ j: Int) -> Double? {
    contributions(i, j).map { biased.cka[i, j] - $0.elements.reduce(0, +) }
  }
}
