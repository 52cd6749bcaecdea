import Device
import Dispatch
import Synchronization

/// The sums of an exact plan's parts, and what they come to.
struct ExactSums: Sendable {
  private let work: ExactWork
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

  init(_ plan: ExactPlan) {
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
    let columns = isOneModel ? facts.left : facts.right
    var cross = cross
    let corrections = space.corrections(
      facts.left.squaredNorms, columns.squaredNorms, isFeatures)
    for index in cross.elements.indices where isFeatures.elements[index] {
      cross.elements[index] -= corrections.elements[index]
    }
    func finished(_ squares: Squares, _ model: ExactFacts.Model) -> [(
      square: Double, space: Double
    )] {
      squares.values.indices.map { layer in
        let norms = model.squaredNorms[layer]
        let correction = space.correction(norms, norms)
        let value = squares.values[layer]
        return squares.isFeatures[layer]
          ? (value - correction, value) : (value, value + correction)
      }
    }
    let leftSquares = finished(left, facts.left)
    let rightSquares = isOneModel ? leftSquares : finished(right, facts.right)
    if isOneModel {
      for i in 0..<cross.rows { for j in 0..<i { cross[j, i] = cross[i, j] } }
    }
    func summaries(
      _ model: ExactFacts.Model, _ squares: [(square: Double, space: Double)],
      _ layers: [ExactWork.Layer],
      takesFeatures: (Int) -> Bool, takesTiles: (Int) -> Bool
    ) -> [GramSummary] {
      layers.indices.map { layer in
        var summary = model.summaries[layer]
        guard summary.isFinite, !summary.isConstant else { return summary }
        let trace = model.squaredNorms[layer].reduce(0.0) { $0 + Double($1) }
        var rounding = 0.0
        if takesTiles(layer) {
          rounding = space.roundingOfTiles(
            square: squares[layer].square, squareOfMeans: model.squaresOfMeans[layer],
            trace: trace, featureCount: layers[layer].featureCount, sigma: summary.sigma,
            exponentOfSquares: model.exponentsOfSquares[layer], precision: precision)
        }
        if takesFeatures(layer) {
          rounding = max(
            rounding,
            space.roundingOfFeatures(
              square: squares[layer].square, featureSquare: squares[layer].space, trace: trace,
              featureCount: layers[layer].featureCount))
        }
        summary.roundingNorm = rounding
        return summary
      }
    }
    let features = isFeatures
    let (leftOwn, rightOwn) = (left.isFeatures, isOneModel ? left.isFeatures : right.isFeatures)
    let rowSummaries = summaries(
      facts.left, leftSquares, work.left,
      takesFeatures: { i in
        leftOwn[i] || (0..<features.columns).contains { features[i, $0] }
          || isOneModel && (0..<features.rows).contains { features[$0, i] }
      },
      takesTiles: { !leftOwn[$0] })
    let columnSummaries =
      isOneModel
      ? rowSummaries
      : summaries(
        facts.right, rightSquares, work.right ?? [],
        takesFeatures: { j in rightOwn[j] || (0..<features.rows).contains { features[$0, j] } },
        takesTiles: { !rightOwn[$0] })
    return HSICSums(
      exampleCount: work.exampleCount, centering: work.centering, left: rowSummaries,
      right: columnSummaries, products: cross, leftSquares: leftSquares.map(\.square),
      rightSquares: rightSquares.map(\.square), precision: precision)
  }
}
