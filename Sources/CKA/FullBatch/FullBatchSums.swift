import Device

/// Accumulates the parts of a full-batch plan.
struct FullBatchSums: Sendable {
  private let work: FullBatchWork
  /// ⟨K̃, L̃⟩ of all pairs; where `isFeatures`, ‖XᵀY‖² for now.
  private var cross: Matrix<Double>
  private var isFeatures: Matrix<Bool>
  private var left: Squares
  private var right: Squares
  /// What the first part was made with: the units of all sums.
  private var facts: ExactFacts?
  private var precision = Precision.exact

  /// Layers with themselves.
  private struct Squares: Sendable {
    var values: [Double]
    var isFeatures: [Bool]

    init(_ count: Int) {
      values = Array(repeating: 0, count: count)
      isFeatures = Array(repeating: false, count: count)
    }
  }

  init(_ plan: FullBatchPlan) {
    work = plan.work
    let columns = (work.right ?? work.left).count
    cross = Matrix(rows: work.left.count, columns: columns, repeating: 0)
    isFeatures = Matrix(rows: work.left.count, columns: columns, repeating: false)
    left = Squares(work.left.count)
    right = Squares(columns)
  }

  /// Adds a part, parts in their order.
  mutating func add(_ part: ExactPart) {
    let own = facts ?? part.facts
    facts = own
    if part.precision.tolerance > precision.tolerance { precision = part.precision }
    // Another device may have taken another power of two out of a layer.
    func factors(_ theirs: ExactFacts.Model, _ ours: ExactFacts.Model) -> [Double] {
      zip(theirs.summaries, ours.summaries).map {
        Double(sign: .plus, exponent: $0.exponent - $1.exponent, significand: 1)
      }
    }
    let rows = factors(part.facts.left, own.left)
    let columns = factors(part.facts.right, own.right)
    for (pair, value) in part.cross {
      cross[pair.left, pair.right] += value * rows[pair.left] * columns[pair.right]
      isFeatures[pair.left, pair.right] = part.isFeatures
    }
    for (layer, value) in part.left {
      left.values[layer] += value * rows[layer] * rows[layer]
      left.isFeatures[layer] = part.isFeatures
    }
    for (layer, value) in part.right {
      right.values[layer] += value * columns[layer] * columns[layer]
      right.isFeatures[layer] = part.isFeatures
    }
  }

  /// The sums over all examples; nil before the first part.
  var sums: HSICSums? {
    guard let facts else { return nil }
    let space = FeatureSpace(work)
    let isOneModel = work.right == nil
    let model = isOneModel ? facts.left : facts.right
    var cross = cross
    let corrections = space.corrections(
      facts.left.squaredNorms, model.squaredNorms, isFeatures)
    for index in cross.elements.indices where isFeatures.elements[index] {
      cross.elements[index] -= corrections.elements[index]
    }
    if isOneModel {
      cross.mirrorLowerTriangle()
    }
    let features = isFeatures
    let rows = finished(left, facts.left, work.left, space) { i in
      (0..<features.columns).contains { features[i, $0] || isOneModel && features[$0, i] }
    }
    let columns =
      isOneModel
      ? rows
      : finished(right, facts.right, work.right ?? [], space) { j in
        (0..<features.rows).contains { features[$0, j] }
      }
    return HSICSums(
      exampleCount: work.exampleCount, centering: work.centering, left: rows.summaries,
      right: columns.summaries, products: cross, leftSquares: rows.squares,
      rightSquares: columns.squares, precision: precision)
  }

  /// One model's layers: ⟨K̃, K̃⟩, and summaries with what rounding may have added by either algorithm.
  ///
  /// - Parameter takesFeatures: whether any of a layer's pairs with others goes through features.
  private func finished(
    _ own: Squares, _ model: ExactFacts.Model, _ layers: [FullBatchWork.Layer],
    _ space: FeatureSpace,
    takesFeatures: (Int) -> Bool
  ) -> (summaries: [GramSummary], squares: [Double]) {
    var summaries = model.summaries
    var squares = own.values
    for layer in layers.indices where summaries[layer].isFinite && !summaries[layer].isConstant {
      let norms = model.squaredNorms[layer]
      let trace = norms.reduce(0.0) { $0 + Double($1) }
      let p = layers[layer].featureCount
      let correction = space.correction(norms, norms)
      if own.isFeatures[layer] {
        squares[layer] -= correction
      } else {
        summaries[layer].roundingNorm = space.roundingOfTiles(
          square: squares[layer], squareOfMeans: model.squaresOfMeans[layer], trace: trace,
          featureCount: p, sigma: summaries[layer].sigma,
          exponentOfSquares: model.exponentsOfSquares[layer], precision: precision)
      }
      guard own.isFeatures[layer] || takesFeatures(layer) else { continue }
      let rounding = space.roundingOfFeatures(
        square: squares[layer], featureSquare: squares[layer] + correction, trace: trace,
        featureCount: p)
      summaries[layer].roundingNorm = max(summaries[layer].roundingNorm, rounding)
    }
    return (summaries, squares)
  }
}
