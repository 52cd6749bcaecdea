import Activations
import CKA
import Device
import LinearAlgebra
import Support

/// Principal components of all layers of one or two models, and their contributions to CKA.
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
  /// Meters the work: the meter of the team which does it.
  var meter: WorkMeter?

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

    /// The most controls.
    public static let mostControls = 1000

    fileprivate func check(layers: Int) throws(ComparisonError) {
      if let other = fractions.first(where: { !(0..<1).contains($0) }) {
        throw ComparisonError(
          "\(other) is no valid fraction of examples to drop: expected at least 0 and less than 1")
      }
      guard (0...Self.mostControls).contains(controls) else {
        throw ComparisonError("\(controls) controls: 0 to \(Self.mostControls)")
      }
      if let layer, !(0..<layers).contains(layer) {
        throw ComparisonError("there is no layer \(layer) among \(layers)")
      }
    }
  }

  /// See the properties.
  ///
  /// - Parameters:
  ///   - left: the first model.
  ///   - right: the second; nil to look at the first alone.
  ///   - pairing: without one all examples, which both models hold in the same order.
  ///   - components: k; n − 1 where there are no more.
  ///   - removed: counts from 1 to those k.
  ///   - estimator: unbiased or biased.
  ///   - removal: how dominant examples are dropped; nil where they are not.
  /// - Throws: `ComparisonError` where the models do not hold the same examples, fewer than four, or a
  ///   setting has no meaning for them.
  public init(
    _ left: any ActivationSource, _ right: (any ActivationSource)? = nil,
    pairing: ExamplePairing? = nil, components: Int = 10, removed: [Int] = [1],
    estimator: Estimator = .unbiased, removal: Removal? = Removal()
  ) throws(ComparisonError) {
    let pairing = if let pairing { pairing } else { try ExamplePairing(left, right) }
    try pairing.check(left, right)
    guard pairing.count >= GramCentering.unbiased.leastExamples else {
      throw ComparisonError(
        "\(left.name) has \(pairing.count) examples; components need at least 4")
    }
    guard estimator == .unbiased || estimator == .biased else {
      throw ComparisonError("components need an estimator over all examples, not minibatch")
    }
    guard components >= 1 else {
      throw ComparisonError("\(components) components; expected at least 1")
    }
    self.left = left
    self.right = right
    self.pairing = pairing
    let most = min(components, pairing.count - 1)
    guard pairing.count <= 4 * Self.mostComponents || most <= Self.mostComponents else {
      throw ComparisonError(
        "\(most) components of \(pairing.count) examples: at most \(Self.mostComponents) for so "
          + "many examples"
      )
    }
    self.components = most
    if let other = removed.first(where: { !(1...most).contains($0) }) {
      throw ComparisonError(
        "\(other) components cannot be removed from \(pairing.count) examples of \(left.name): "
          + "between 1 and \(most) can")
    }
    try removal?.check(layers: left.layers.count)
    self.removed = Set(removed).sorted()
    self.estimator = estimator
    self.removal = removal
  }

  /// The most components of more than four times as many examples: LAPACK must take a basis of four times as
  /// many vectors.
  public static let mostComponents = SymmetricEigen.mostRows / 4 - 8

  /// Bytes of the contributions of all pairs of layers, as numbers and as a file; the largest number where
  /// it is larger.
  public var contributionBytes: Int {
    saturatingProduct(
      16, left.layers.count, (right ?? left).layers.count, components, components)
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
    /// CKA without the first `removed` components of both layers, one a count. A pair is undefined where what
    /// is left of a layer is as small as its rounding errors (`.lowPrecision`), or where these decide which
    /// components are the first (`.degenerate`).
    public let reduced: [Similarity]
    /// ⟨uˣ₁, uʸ₁⟩² of the first components, layers × layers; NaN where a layer has none (`firstStatus`).
    public let alignment: Matrix<Double>
    /// CKA as dominant examples are dropped; empty where that was not asked for, or no layer that decides
    /// has a first component.
    public let removal: [RemovalPoint]
    /// What decided which: for each example the mean over layers of its share u₁ᵢ² of the first
    /// component, or the share of one layer; empty where none of these has one.
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
    /// λ, the largest first, in squared units of the activations; never negative, NaN where float64 has no
    /// room for it. Empty without `ok`.
    public let values: [Double]
    /// Σλ of all components: tr HKH = Σ‖x̃ᵢ‖²; NaN likewise.
    public let trace: Double
    /// Σλ² of all components; NaN likewise.
    public let squaredNorm: Double
    /// λᵢ/Σλ.
    public let varianceFractions: [Double]
    /// k × n: u, of length 1 each, one entry an example. The entry of largest magnitude is positive.
    public let vectors: Matrix<Double>
    /// √λ, in units of the activations.
    let deviations: [Double]
    /// Nil without `ok`.
    let gaps: ComponentGaps?

    /// √λ·u: the examples' coordinates on a component, counted from 0, in units of the activations.
    ///
    /// - Throws: where there is no such component.
    public func projections(on component: Int) throws(ComparisonError) -> [Double] {
      guard deviations.indices.contains(component) else {
        throw ComparisonError("there is no component \(component) among \(deviations.count)")
      }
      let range = component * vectors.columns..<(component + 1) * vectors.columns
      return vectors.elements[range].map { $0 * deviations[component] }
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
