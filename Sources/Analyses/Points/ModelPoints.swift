import Device
import LinearAlgebra

/// Networks as points: those that are alike are near to each other.
public struct ModelPoints: Sendable {
  /// Which networks have a point, in ascending order: all but those that are left out.
  public let models: [Int]
  /// Those without a distance to some other. One at a time is left out, the one that lacks most first; of equal ones the
  /// last.
  public let leftOut: [Int]
  /// A tree of `models`: its numbers below their count are places in that list.
  public let dendrogram: Dendrogram
  /// A point of the plane for each of `models`.
  public let scaling: PlaneScaling
  /// Whether architectures differ by more than seeds do; nil where that cannot be asked.
  public let separation: GroupSeparation?

  /// - Parameters:
  ///   - distances: models × models, symmetric, NaN where undefined.
  ///   - groups: the architecture of each.
  /// - Throws: where LAPACK finds no eigenvalues.
  public init(_ distances: Matrix<Double>, groups: [String]) throws(LinearAlgebraError) {
    var kept = Array(groups.indices)
    while true {
      let lacks = kept.map { model in kept.count { $0 != model && distances[model, $0].isNaN } }
      guard let most = lacks.max(), most > 0, let last = lacks.lastIndex(of: most) else { break }
      kept.remove(at: last)
    }
    var defined = Matrix<Double>(rows: kept.count, columns: kept.count, repeating: 0)
    for (i, row) in kept.enumerated() {
      for (j, column) in kept.enumerated() where i != j { defined[i, j] = distances[row, column] }
    }
    models = kept
    leftOut = groups.indices.filter { !kept.contains($0) }
    dendrogram = Dendrogram(defined)
    scaling = try PlaneScaling(defined)
    separation = GroupSeparation(defined, groups: kept.map { groups[$0] })
  }
}
