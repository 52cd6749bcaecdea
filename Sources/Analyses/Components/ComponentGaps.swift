import CKA
import Device

/// Bounds the rotation of a layer's components by rounding.
///
/// An error E of the matrix turns the space of its first k eigenvectors by an angle whose sine is at most
/// 2‖E‖₂/(λₖ − λₖ₊₁) (Davis & Kahan 1970, as Yu, Wang & Samworth 2015 have it): where eigenvalues are
/// equal, all directions of their space are eigenvectors, and which of them is found says nothing.
struct ComponentGaps: Sendable {
  /// For k = 0 … components, that bound for the first k; at most 1.
  let turns: [Double]
  /// λ in units of ‖HKH‖.
  let relativeValues: [Double]
  /// For k = 0 … components, how far the matrix without the first k components may be off in units of its own
  /// norm: a turn by θ exchanges parts of uₖ and uₖ₊₁, √2·λₖ·sin θ of the matrix.
  let remainderErrors: [Double]

  /// - Parameters:
  ///   - values: λ, the largest first.
  ///   - next: the eigenvalue after them.
  ///   - norm: ‖HKH‖ (Frobenius).
  ///   - error: ‖E‖₂, the largest length of E times a vector of length 1.
  init(_ values: [Double], next: Double, norm: Double, error: Double) {
    let all = values.map { max($0, 0) } + [max(next, 0)]
    turns =
      [0]
      + zip(all, all.dropFirst()).map { value, following in
        let gap = value - following
        return gap > 2 * error ? 2 * error / gap : 1
      }
    relativeValues = all.dropLast().map { $0 / norm }
    // ‖HKH‖² is a sum of n² rounded terms: what is left of it counts only beyond 2⁻⁴⁰ of it. The next λ² is left in
    // any case.
    var rest = norm * norm * (1 - 0x1p-40)
    var errors = [0.0]
    for (index, value) in all.dropLast().enumerated() {
      rest -= value * value
      let remaining = max(rest, all[index + 1] * all[index + 1]).squareRoot()
      errors.append(remaining > 0 ? 2.0.squareRoot() * value * turns[index + 1] / remaining : 0)
    }
    remainderErrors = errors
  }

  /// The same bound for one component, counted from 0, which its neighbors on both sides may turn.
  func turn(of component: Int) -> Double { max(turns[component], turns[component + 1]) }
}

extension ComponentGaps {
  /// Of eigenpairs of a matrix whose rounding errors have the Frobenius norm `rounding`.
  ///
  /// n² errors without a preferred direction, E symmetric, have ‖E‖₂ ≈ 2‖E‖/√n (Wigner's semicircle).
  init(_ pairs: Eigenpairs, norm: Double, rounding: Double) {
    let n = Double(pairs.vectors.columns)
    self.init(
      pairs.values, next: pairs.next, norm: norm,
      error: min(2 / n.squareRoot(), 1) * rounding + pairs.residual)
  }
}

extension ComponentAnalysis {
  /// The largest error that the rounding of Gram matrices may bring into what depends on eigenvectors;
  /// where the bound is larger, there is no value, and the status is `.degenerate`.
  public static let tolerance = 0x1p-8
}

extension ComponentAnalysis.LayerComponents {
  /// Why there is a first component, or none: `.degenerate` where λ₁ and λ₂ are so close that rounding
  /// decides its direction. λ₁ itself is known even then.
  public var firstStatus: Status {
    guard let gaps else { return status }
    // Two layers bring their errors into ⟨uˣ₁, uʸ₁⟩².
    return gaps.turn(of: 0) <= ComponentAnalysis.tolerance / 2 ? .ok : .degenerate
  }
}

extension ComponentAnalysis.Outcome {
  /// Why each cell of `alignment` has a value or has none.
  public var alignmentStatuses: Matrix<Status> {
    let statuses = left.flatMap { row in
      right.map { Status.ofCell(row.firstStatus, $0.firstStatus) }
    }
    return Matrix(rows: left.count, columns: right.count, elements: statuses)
  }

  /// What pairs of components contribute to biased CKA of two layers (Nguyen et al. 2021, equation 4).
  public struct Contributions: Sendable {
    /// k × k: NaN where rounding may decide more than `ComponentAnalysis.tolerance` of it.
    public let parts: Matrix<Double>
    /// What is left for all other components; NaN where it is not known which these are.
    public let remainder: Double
  }

  /// The contributions to CKA of the layers `i` and `j`; nil where it is undefined.
  ///
  /// - Throws: where the first model has no layer `i`, or the second no layer `j`, counted from 0.
  public func contributions(_ i: Int, _ j: Int) throws(ComparisonError) -> Contributions? {
    guard let (x, y) = try gaps(i, j) else { return nil }
    var parts = innerProducts(left[i].vectors, right[j].vectors)
    var sum = 0.0
    for row in 0..<parts.rows {
      for column in 0..<parts.columns {
        let cosine = parts[row, column]
        let weight = x.relativeValues[row] * y.relativeValues[column]
        sum += weight * cosine * cosine
        let error = weight * min(x.turn(of: row) + y.turn(of: column), 1)
        parts[row, column] =
          error > ComponentAnalysis.tolerance ? .nan : weight * cosine * cosine
      }
    }
    func error(_ gaps: ComponentGaps) -> Double {
      2.0.squareRoot() * (gaps.relativeValues.last ?? 0) * (gaps.turns.last ?? 0)
    }
    let isKnown = error(x) + error(y) <= ComponentAnalysis.tolerance
    return Contributions(parts: parts, remainder: isKnown ? biased.cka[i, j] - sum : .nan)
  }

  private func gaps(
    _ i: Int, _ j: Int
  ) throws(ComparisonError) -> (ComponentGaps, ComponentGaps)? {
    guard left.indices.contains(i), right.indices.contains(j) else {
      throw ComparisonError(
        "there are no layers \(i) and \(j) among \(left.count) and \(right.count)")
    }
    guard biased.statuses[i, j] == .ok, let x = left[i].gaps, let y = right[j].gaps else {
      return nil
    }
    return (x, y)
  }
}

extension FoundComponents {
  /// Whether CKA without the first `count` components is known: two layers bring their errors.
  func statusWithout(_ count: Int) -> Status {
    guard let gaps else { return .ok }
    return gaps.remainderErrors[min(count, gaps.remainderErrors.count - 1)]
      <= ComponentAnalysis.tolerance / 2 ? .ok : .degenerate
  }
}

extension Similarity {
  /// Without the first `count` components of layers: degenerate ones have no value.
  func withoutDegenerate(
    _ left: [FoundComponents], _ right: [FoundComponents]?, removing count: Int
  ) -> Similarity {
    let rows = left.map { $0.statusWithout(count) }
    let columns = right.map { $0.map { $0.statusWithout(count) } } ?? rows
    guard (rows + columns).contains(.degenerate) else { return self }
    var (cka, z, statuses) = (cka, z, statuses)
    for i in rows.indices {
      for j in columns.indices where statuses[i, j] == .ok {
        statuses[i, j] = .ofCell(rows[i], columns[j])
        guard statuses[i, j] != .ok else { continue }
        cka[i, j] = .nan
        z?[i, j] = .nan
      }
    }
    return Similarity(
      cka: cka, statuses: statuses,
      leftStatuses: zip(leftStatuses, rows).map { Status.ofCell($0, $1) },
      rightStatuses: zip(rightStatuses, columns).map { Status.ofCell($0, $1) }, z: z,
      leftSigmas: leftSigmas, rightSigmas: rightSigmas)
  }
}
